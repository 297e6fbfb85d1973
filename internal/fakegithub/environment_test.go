package fakegithub_test

import (
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestEnvironments(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	read, write := f.with("actions", "read"), f.with("administration", "write")
	const base = "/repos/octo-corp/web/environments"
	const forbidden = "Resource not accessible by integration"
	place := fakegithub.Place{Owner: "octo-corp", Repository: "web", Environment: "a/b"}
	for _, test := range []struct {
		method, path, token, body string
		status                    int
		message                   string
	}{
		{"GET", "", read, "", 200, ""},
		{"GET", "/a%2Fb", read, "", 404, "Not Found"},
		{"DELETE", "/a%2Fb", write, "", 404, "Not Found"},
		{"GET", "", write, "", 403, forbidden},
		{"GET", "/a%2Fb", write, "", 403, forbidden},
		{"PUT", "/a%2Fb", read, "", 403, forbidden},
		{"PUT", "/a%2Fb", write, "", 200, ""},
		{"PUT", "/A%2Fb", write, `{"wait_timer": 30, "prevent_self_review": true, "reviewers": [{"type": "User", "id": 1}],
			"deployment_branch_policy": {"protected_branches": true, "custom_branch_policies": false}}`, 200, ""},
		{"PUT", "/other", write, `{"reviewers": null, "deployment_branch_policy": null}`, 200, ""},
		{"GET", "/a%2FB", read, "", 200, ""},
		{
			"PUT", "/a%2Fb", write, `{"deployment_branch_policy": {"protected_branches": true, "custom_branch_policies": true}}`, 422,
			"Invalid request.\n\nprotected_branches and custom_branch_policies cannot have the same value.",
		},
		{"PUT", "/a%2Fb", write, `{"wait_timer": 43201}`, 422, "Invalid request.\n\n43201 is not between 0 and 43200."},
		{"DELETE", "/a%2Fb", read, "", 403, forbidden},
	} {
		if r := f.send(test.method, base+test.path, test.token, test.body); r.StatusCode != test.status || r.message() != test.message {
			t.Errorf("%s %s: got %d %q, want %d %q", test.method, test.path, r.StatusCode, r.message(), test.status, test.message)
		}
	}
	r := f.send("GET", base+"/a%2Fb", read, "")
	if r.body["name"] != "a/b" || r.body["url"] != "http://ghes.test"+base+"/a%2Fb" || len(r.body["protection_rules"].([]any)) != 3 {
		t.Errorf("got %s", r.text)
	}
	r = f.send("GET", base+"?per_page=1", read, "")
	if list, _ := r.body["environments"].([]any); len(list) != 1 || r.body["total_count"] != 2.0 || r.Header.Get("Link") == "" {
		t.Errorf("list %s", r.text)
	}
	f.SetSecret(place, fakegithub.Secret{Name: "A"})
	if r := f.send("DELETE", base+"/a%2Fb", write, ""); r.StatusCode != 204 {
		t.Errorf("delete: %d", r.StatusCode)
	}
	f.AddEnvironment("octo-corp", "web", "a/b")
	if got := f.Secrets(place); len(got) != 0 {
		t.Errorf("a new environment has %+v", got)
	}

	f.SkipOpenAPI = true // what follows breaks the description
	for body, want := range map[string]string{
		`{"waittimer": 1}`:                            `"waittimer" is not a permitted key.`,
		`{"wait_timer": "x"}`:                         `For 'properties/wait_timer', "x" is of the wrong type.`,
		`{"reviewers": [{"id": 1}]}`:                  `"" is not a member of ["User", "Team"].`,
		`{"reviewers": [1]}`:                          `For 'properties/reviewers', [1] is of the wrong type.`,
		`{"reviewers": [{}, {}, {}, {}, {}, {}, {}]}`: `No more than 6 items are allowed; 7 were supplied.`,
		`{"prevent_self_review": "no"}`:               `For 'properties/prevent_self_review', "no" is of the wrong type.`,
	} {
		f.want(f.send("PUT", base+"/x", write, body), 422, "Invalid request.\n\n"+want)
	}
	f.want(f.send("PUT", base+"/x", write, `[]`), 400, "Body should be a JSON object")
}

func TestTopics(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	f.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "lib", Topics: []string{"payments", "go"}})
	token := f.mint("")
	for path, want := range map[string]string{
		"/repos/octo-corp/lib/topics":  `{"names":["payments","go"]}`,
		"/repos/octo-corp/open/topics": `{"names":[]}`,
		"/repos/octo-corp/api/topics":  `{"names":[]}`,
		"/repos/octo-corp/vault/topics": `{"documentation_url":"https://docs.github.com/rest/repos/repos#get-all-repository-topics",` +
			`"message":"Not Found","status":"404"}`,
	} {
		if r := f.send("GET", path, token, ""); r.text != want {
			t.Errorf("%s: got %s, want %s", path, r.text, want)
		}
	}
	f.want(f.send("GET", "/repos/octo-corp/api/topics", f.with("organization_secrets", "read"), ""), 403,
		"Resource not accessible by integration")
	if r := f.send("GET", "/repos/octo-corp/lib", token, ""); len(r.body["topics"].([]any)) != 2 {
		t.Errorf("topics %v", r.body["topics"])
	}
}
