package fakegithub_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestVariables(t *testing.T) {
	for _, test := range []struct{ name, path, permission, visibility string }{
		{"repository", "/repos/octo-corp/api/actions/variables", "actions_variables", ""},
		{"organization", "/orgs/octo-corp/actions/variables", "organization_actions_variables", `, "visibility": "private"`},
	} {
		t.Run(test.name, func(t *testing.T) { variableCalls(t, test.path, test.permission, test.visibility) })
	}
}

func variableCalls(t *testing.T, path, permission, visibility string) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	read, write := f.with(permission, "read"), f.with(permission, "write")
	const forbidden = "Resource not accessible by integration"
	const names = "Variable names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). " +
		"Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_)."
	body := func(name, value string) string {
		return fmt.Sprintf(`{"name": %q, "value": %q%s}`, name, value, visibility)
	}
	for _, call := range []struct {
		method, path, token, body string
		status                    int
		message                   string
	}{
		{"GET", "", read, "", 200, ""},
		{"GET", "/HOST", read, "", 404, "Not Found"},
		{"POST", "", read, body("host", "a"), 403, forbidden},
		{"POST", "", write, body("host", "a"), 201, ""},
		{"POST", "", write, body("HOST", "b"), 409, "Already exists - Variable already exists"},
		{"POST", "", write, body("PORT", "1"), 201, ""},
		{"POST", "", write, body("1", "1"), 422, names},
		{"POST", "", write, body("GITHUB_X", "1"), 422, "Variable names must not start with GITHUB_."},
		{"PATCH", "/HOST", read, `{"value": "c"}`, 403, forbidden},
		{"PATCH", "/host", write, `{"name": "port"}`, 409, "Already exists - Variable already exists"},
		{"PATCH", "/host", write, `{"value": "c"}`, 204, ""},
		{"PATCH", "/host", write, `{"name": "hosts"}`, 204, ""},
		{"PATCH", "/host", write, `{"value": "c"}`, 404, "Not Found"},
		{"DELETE", "/PORT", read, "", 403, forbidden},
		{"DELETE", "/port", write, "", 204, ""},
		{"DELETE", "/PORT", write, "", 404, "Not Found"},
	} {
		if r := f.send(call.method, path+call.path, call.token, call.body); r.StatusCode != call.status || r.message() != call.message {
			t.Errorf("%s %s %s: got %d %q, want %d %q", call.method, call.path, call.body, r.StatusCode, r.message(), call.status,
				call.message)
		}
	}
	r := f.send("GET", path+"/hosts", read, "")
	if r.body["name"] != "HOSTS" || r.body["value"] != "c" || (r.body["visibility"] == "private") != (visibility != "") {
		t.Errorf("got %s", r.text)
	}
	f.SetClockSkew(time.Minute)
	f.send("PATCH", path+"/hosts", write, `{"value": "d"}`)
	if again := f.send("GET", path+"/hosts", read, ""); again.body["updated_at"] == r.body["updated_at"] ||
		again.body["created_at"] != r.body["created_at"] {
		t.Errorf("got %s, then %s", r.text, again.text)
	}
	for i := range 39 {
		f.send("POST", path, write, body(fmt.Sprintf("V%d", i), ""))
	}
	for query, want := range map[string]int{"": 10, "?per_page=100": 30, "?per_page=30&page=2": 10} {
		r := f.send("GET", path+query, read, "")
		if list, _ := r.body["variables"].([]any); len(list) != want || r.body["total_count"] != 40.0 {
			t.Errorf("%q: %d of %v, want %d", query, len(list), r.body["total_count"], want)
		}
	}
	f.SkipOpenAPI = true // what follows breaks the description
	f.want(f.send("POST", path, write, fmt.Sprintf(`{"value": "x"%s}`, visibility)), 422, "Invalid request.\n\n\"name\" wasn't supplied.")
}

func TestOrganizationVariableAccess(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	token := f.mint("")
	const path = "/orgs/octo-corp/actions/variables"
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{
			"POST", path,
			fmt.Sprintf(`{"name": "A", "value": "a", "visibility": "selected", "selected_repository_ids": [%d]}`, f.api.ID), 201,
		},
		{"PATCH", path + "/A", fmt.Sprintf(`{"selected_repository_ids": [%d]}`, f.web.ID), 204},
		{"PATCH", path + "/A", `{"selected_repository_ids": [1]}`, 422},
		{"PATCH", path + "/A", `{"visibility": "all"}`, 204},
		{"PATCH", path + "/A", fmt.Sprintf(`{"selected_repository_ids": [%d]}`, f.web.ID), 409},
		{"PATCH", path + "/A", `{"visibility": "selected"}`, 204},
	} {
		if r := f.send(test.method, test.path, token, test.body); r.StatusCode != test.status {
			t.Errorf("%s %s: got %d %q, want %d", test.method, test.body, r.StatusCode, r.message(), test.status)
		}
	}
	r := f.send("GET", path+"/A", token, "")
	if r.body["visibility"] != "selected" || r.body["selected_repositories_url"] != "http://ghes.test"+path+"/A/repositories" {
		t.Errorf("got %s", r.text)
	}
	f.DeleteRepository("octo-corp", "api")
}
