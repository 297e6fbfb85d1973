package fakegithub_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
)

func TestOrganizationSecrets(t *testing.T) {
	for _, f := range families() {
		if f.organization() {
			t.Run(f.name, func(t *testing.T) { organizationSecret(t, f) })
		}
	}
}

func organizationSecret(t *testing.T, f family) {
	w := newSecretWorld(t, fakegithub.Config{})
	w.handler = openapitest.Check(t, w.Server)
	foreign := w.AddRepository(fakegithub.Repository{Owner: "rivals", Name: "api"})
	token := w.mint("")
	secret, list := f.path+"/A", f.path+"/A/repositories"
	is := func(visibility string, repositories ...string) {
		t.Helper()
		got := w.Secrets(f.place)[0]
		want := append([]string{visibility}, repositories...)
		if diff := cmp.Diff(want, append([]string{got.Visibility}, got.Repositories...)); diff != "" {
			t.Errorf("visibility and repositories (-want +got):\n%s", diff)
		}
	}
	do := func(method, path, body string, status int) reply {
		t.Helper()
		r := w.send(method, path, token, body)
		if r.StatusCode != status {
			t.Errorf("%s %s %s: got %d %q, want %d", method, path, body, r.StatusCode, r.message(), status)
		}
		return r
	}
	put := func(status int, more map[string]any) reply {
		t.Helper()
		return do("PUT", secret, w.putBody(f, token, "value", more), status)
	}
	toggle := func(id int64) string { return fmt.Sprintf("%s/%d", list, id) }

	do("GET", list, "", 404)
	do("PUT", toggle(w.api.ID), "", 404)
	put(201, map[string]any{"visibility": "private"})
	is("private")
	if r := do("GET", secret, "", 200); r.body["visibility"] != "private" || r.body["selected_repositories_url"] != nil {
		t.Errorf("private: %s", r.text)
	}
	do("PUT", toggle(w.api.ID), "", 409)
	do("DELETE", toggle(w.api.ID), "", 409)
	do("PUT", list, `{"selected_repository_ids": []}`, 409)
	do("GET", list, "", 200)

	put(204, map[string]any{"visibility": "selected", "selected_repository_ids": []int64{w.web.ID, w.api.ID}})
	is("selected", "api", "web")
	if r := do("GET", secret, "", 200); r.body["selected_repositories_url"] != "http://ghes.test"+list {
		t.Errorf("selected: %s", r.text)
	}
	r := do("GET", list+"?per_page=1&page=2", "", 200)
	if repos, _ := r.body["repositories"].([]any); len(repos) != 1 || repos[0].(map[string]any)["name"] != "web" ||
		r.body["total_count"] != 2.0 {
		t.Errorf("second page: %s", r.text)
	}
	do("DELETE", toggle(w.api.ID), "", 204)
	do("DELETE", toggle(w.api.ID), "", 204)
	is("selected", "web")
	do("PUT", toggle(w.api.ID), "", 204)
	do("PUT", toggle(w.api.ID), "", 204)
	is("selected", "api", "web")
	do("PUT", toggle(foreign.ID), "", 404)
	do("PUT", toggle(1), "", 404)
	do("PUT", list, fmt.Sprintf(`{"selected_repository_ids": [%d]}`, w.web.ID), 204)
	is("selected", "web")
	do("PUT", list, fmt.Sprintf(`{"selected_repository_ids": [%d]}`, foreign.ID), 422)
	is("selected", "web")
	put(204, map[string]any{"visibility": "selected"})
	is("selected")
	put(204, map[string]any{"visibility": "selected", "selected_repository_ids": []int64{w.api.ID}})
	w.DeleteRepository("octo-corp", "api")
	is("selected")
	put(204, map[string]any{"visibility": "all", "selected_repository_ids": []int64{}})
	is("all")

	w.handler = w.Server // what follows breaks the description
	text := map[string]any{"visibility": "selected", "selected_repository_ids": []string{fmt.Sprint(w.web.ID)}}
	if f.place.App == "agents" {
		put(422, text)
	} else {
		put(204, text)
		is("selected", "web")
	}
	put(422, map[string]any{"visibility": "all", "selected_repository_ids": []int64{w.web.ID}})
	put(422, map[string]any{"visibility": "selected", "selected_repository_ids": []string{"x"}})
	put(422, map[string]any{"visibility": "selected", "selected_repository_ids": "x"})
	w.want(put(422, map[string]any{"visibility": nil}), 422, "Invalid request.\n\n\"visibility\" wasn't supplied.")
	w.want(put(422, map[string]any{"visibility": "internal"}), 422,
		"Invalid request.\n\n\"internal\" is not a member of [\"all\", \"private\", \"selected\"].")
	w.want(do("PUT", list, `{}`, 422), 422, "Invalid request.\n\n\"selected_repository_ids\" wasn't supplied.")
	do("PUT", list, fmt.Sprintf(`{"selected_repository_ids": ["%d"]}`, w.web.ID), 422)
}

func TestSelectionPermissions(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	vault := w.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "hidden", Private: true})
	for _, f := range families() {
		if !f.organization() {
			continue
		}
		w.SetSecret(f.place, fakegithub.Secret{Name: "A", Visibility: "selected", Repositories: []string{"web"}})
		list := f.path + "/A/repositories"
		toggle := fmt.Sprintf("%s/%d", list, w.api.ID)
		write, read := w.with(f.permission, "write"), w.with(f.permission, "read")
		both := w.mint(fmt.Sprintf(`{"permissions": {%q: "write", "metadata": "read"}}`, f.permission))
		for _, test := range []struct {
			method, path, token, body string
			status                    int
			accepted                  string
		}{
			{"GET", list, read, "", 200, f.permission + "=read"},
			{"PUT", list, read, `{"selected_repository_ids": []}`, 403, f.permission + "=write"},
			{"PUT", list, write, `{"selected_repository_ids": []}`, 204, f.permission + "=write"},
			{"PUT", toggle, read, "", 403, "metadata=read," + f.permission + "=write"},
			{"PUT", toggle, write, "", 403, "metadata=read," + f.permission + "=write"},
			{"PUT", toggle, both, "", 204, "metadata=read," + f.permission + "=write"},
			{"DELETE", toggle, write, "", 403, "metadata=read," + f.permission + "=write"},
			{"DELETE", toggle, both, "", 204, "metadata=read," + f.permission + "=write"},
			{"PUT", fmt.Sprintf("%s/%d", list, vault.ID), both, "", 404, "metadata=read," + f.permission + "=write"},
		} {
			r := w.send(test.method, test.path, test.token, test.body)
			if got := r.Header.Get("X-Accepted-GitHub-Permissions"); r.StatusCode != test.status || got != test.accepted {
				t.Errorf("%s %s: got %d, accepted %q, want %d, %q", test.method, test.path, r.StatusCode, got, test.status, test.accepted)
			}
		}
	}
}
