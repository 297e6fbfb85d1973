package fakegithub_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestOrganizationSecrets(t *testing.T) {
	for _, kind := range families() {
		if kind.organization() {
			t.Run(kind.name, func(t *testing.T) { organizationSecret(t, kind) })
		}
	}
}

func organizationSecret(t *testing.T, kind family) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	foreign := f.AddRepository(fakegithub.Repository{Owner: "rivals", Name: "api"})
	token := f.mint("")
	secret, list := kind.path+"/A", kind.path+"/A/repositories"
	is := func(visibility string, repositories ...string) {
		t.Helper()
		got := f.Secrets(kind.place)[0]
		want := append([]string{visibility}, repositories...)
		if diff := cmp.Diff(want, append([]string{got.Visibility}, got.Repositories...)); diff != "" {
			t.Errorf("visibility and repositories (-want +got):\n%s", diff)
		}
	}
	do := func(method, path, body string, status int) reply {
		t.Helper()
		r := f.send(method, path, token, body)
		if r.StatusCode != status {
			t.Errorf("%s %s %s: got %d %q, want %d", method, path, body, r.StatusCode, r.message(), status)
		}
		return r
	}
	put := func(status int, more map[string]any) reply {
		t.Helper()
		return do("PUT", secret, f.putBody(kind, token, "value", more), status)
	}
	toggle := func(id int64) string { return fmt.Sprintf("%s/%d", list, id) }

	do("GET", list, "", 404)
	do("PUT", toggle(f.api.ID), "", 404)
	put(201, map[string]any{"visibility": "private"})
	is("private")
	if r := do("GET", secret, "", 200); r.body["visibility"] != "private" || r.body["selected_repositories_url"] != nil {
		t.Errorf("private: %s", r.text)
	}
	do("PUT", toggle(f.api.ID), "", 409)
	do("DELETE", toggle(f.api.ID), "", 409)
	do("PUT", list, `{"selected_repository_ids": []}`, 409)
	do("GET", list, "", 200)

	put(204, map[string]any{"visibility": "selected", "selected_repository_ids": []int64{f.web.ID, f.api.ID}})
	is("selected", "api", "web")
	if r := do("GET", secret, "", 200); r.body["selected_repositories_url"] != "http://ghes.test"+list {
		t.Errorf("selected: %s", r.text)
	}
	r := do("GET", list+"?per_page=1&page=2", "", 200)
	if repos, _ := r.body["repositories"].([]any); len(repos) != 1 || repos[0].(map[string]any)["name"] != "web" ||
		r.body["total_count"] != 2.0 {
		t.Errorf("second page: %s", r.text)
	}
	do("DELETE", toggle(f.api.ID), "", 204)
	do("DELETE", toggle(f.api.ID), "", 204)
	is("selected", "web")
	do("PUT", toggle(f.api.ID), "", 204)
	do("PUT", toggle(f.api.ID), "", 204)
	is("selected", "api", "web")
	do("PUT", toggle(foreign.ID), "", 404)
	do("PUT", toggle(1), "", 404)
	do("PUT", list, fmt.Sprintf(`{"selected_repository_ids": [%d]}`, f.web.ID), 204)
	is("selected", "web")
	do("PUT", list, fmt.Sprintf(`{"selected_repository_ids": [%d]}`, foreign.ID), 422)
	is("selected", "web")
	put(204, map[string]any{"visibility": "selected"})
	is("selected")
	put(204, map[string]any{"visibility": "selected", "selected_repository_ids": []int64{f.api.ID}})
	f.DeleteRepository("octo-corp", "api")
	is("selected")
	put(204, map[string]any{"visibility": "all", "selected_repository_ids": []int64{}})
	is("all")

	f.SkipOpenAPI = true // what follows breaks the description
	text := map[string]any{"visibility": "selected", "selected_repository_ids": []string{fmt.Sprint(f.web.ID)}}
	if kind.place.App == "agents" {
		put(422, text)
	} else {
		put(204, text)
		is("selected", "web")
	}
	put(422, map[string]any{"visibility": "all", "selected_repository_ids": []int64{f.web.ID}})
	put(422, map[string]any{"visibility": "selected", "selected_repository_ids": []string{"x"}})
	put(422, map[string]any{"visibility": "selected", "selected_repository_ids": "x"})
	f.want(put(422, map[string]any{"visibility": nil}), 422, "Invalid request.\n\n\"visibility\" wasn't supplied.")
	f.want(put(422, map[string]any{"visibility": "internal"}), 422,
		"Invalid request.\n\n\"internal\" is not a member of [\"all\", \"private\", \"selected\"].")
	f.want(do("PUT", list, `{}`, 422), 422, "Invalid request.\n\n\"selected_repository_ids\" wasn't supplied.")
	do("PUT", list, fmt.Sprintf(`{"selected_repository_ids": ["%d"]}`, f.web.ID), 422)
}

func TestSelectionPermissions(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	vault := f.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "hidden", Private: true})
	for _, kind := range families() {
		if !kind.organization() {
			continue
		}
		f.SetSecret(kind.place, fakegithub.Secret{Name: "A", Visibility: "selected", Repositories: []string{"web"}})
		list := kind.path + "/A/repositories"
		toggle := fmt.Sprintf("%s/%d", list, f.api.ID)
		write, read := f.with(kind.permission, "write"), f.with(kind.permission, "read")
		both := f.mint(fmt.Sprintf(`{"permissions": {%q: "write", "metadata": "read"}}`, kind.permission))
		for _, test := range []struct {
			method, path, token, body string
			status                    int
			accepted                  string
		}{
			{"GET", list, read, "", 200, kind.permission + "=read"},
			{"PUT", list, read, `{"selected_repository_ids": []}`, 403, kind.permission + "=write"},
			{"PUT", list, write, `{"selected_repository_ids": []}`, 204, kind.permission + "=write"},
			{"PUT", toggle, read, "", 403, "metadata=read," + kind.permission + "=write"},
			{"PUT", toggle, write, "", 403, "metadata=read," + kind.permission + "=write"},
			{"PUT", toggle, both, "", 204, "metadata=read," + kind.permission + "=write"},
			{"DELETE", toggle, write, "", 403, "metadata=read," + kind.permission + "=write"},
			{"DELETE", toggle, both, "", 204, "metadata=read," + kind.permission + "=write"},
			{"PUT", fmt.Sprintf("%s/%d", list, vault.ID), both, "", 404, "metadata=read," + kind.permission + "=write"},
		} {
			r := f.send(test.method, test.path, test.token, test.body)
			if got := r.Header.Get("X-Accepted-GitHub-Permissions"); r.StatusCode != test.status || got != test.accepted {
				t.Errorf("%s %s: got %d, accepted %q, want %d, %q", test.method, test.path, r.StatusCode, got, test.status, test.accepted)
			}
		}
	}
}
