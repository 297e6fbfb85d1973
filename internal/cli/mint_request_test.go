package cli

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
)

// parse reads inputs as the runner passes them: a good client id and key, and
// the inputs of the case.
func parse(t testing.TB, env map[string]string) (mintRequest, *actions.Inputs, error) {
	t.Helper()
	all := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/api", "GITHUB_REPOSITORY_OWNER": "acme",
		"INPUT_CLIENT-ID": "Iv23liTESTtest000000", "INPUT_PRIVATE-KEY": testKey(),
	}
	for name, value := range env {
		all[name] = value
	}
	getenv := func(name string) string { return all[name] }
	r := actions.New(&strings.Builder{}, getenv)
	p := Process{Getenv: getenv, Environ: func() []string { return environ(all) }}
	in := p.inputs(r, "")
	req, err := parseMint(t.Context(), p, r, in)
	return req, in, err
}

func TestParseMint(t *testing.T) {
	for _, c := range []struct {
		name  string
		env   map[string]string
		check func(mintRequest) (got, want any)
		err   string // the first fault
	}{
		{
			"client id before App id",
			map[string]string{"INPUT_APP-ID": "12"},
			func(r mintRequest) (any, any) { return r.Issuer, "Iv23liTESTtest000000" }, "",
		},
		{
			"App id",
			map[string]string{"INPUT_CLIENT-ID": "", "INPUT_APP-ID": " 12 "},
			func(r mintRequest) (any, any) { return r.Issuer, "12" }, "",
		},
		{
			"client id of the old form",
			map[string]string{"INPUT_CLIENT-ID": "Iv1." + strings.Repeat("0f", 8)},
			func(r mintRequest) (any, any) { return r.Issuer, "Iv1." + strings.Repeat("0f", 8) }, "",
		},
		{"App id as client id", map[string]string{"INPUT_CLIENT-ID": "12"}, func(r mintRequest) (any, any) { return r.Issuer, "12" }, ""},
		{"no id", map[string]string{"INPUT_CLIENT-ID": ""}, nil, "input client-id: is empty"},
		{
			"a secret as client id",
			map[string]string{"INPUT_CLIENT-ID": strings.Repeat("0f", 20)},
			nil,
			"input client-id: a text of 40 characters is not a client id",
		},
		{"App id zero", map[string]string{"INPUT_CLIENT-ID": "", "INPUT_APP-ID": "0"}, nil, `input app-id: "0" is not an App id`},
		{
			"installation id",
			map[string]string{"INPUT_INSTALLATION-ID": "42"},
			func(r mintRequest) (any, any) { return r.InstallationID, int64(42) }, "",
		},
		{
			"installation id too large",
			map[string]string{"INPUT_INSTALLATION-ID": "99999999999999999999"},
			nil,
			`input installation-id: "99999999999999999999" is not an installation id`,
		},
		{
			"GHES",
			map[string]string{"GITHUB_API_URL": "https://ghes.test/api/v3"},
			func(r mintRequest) (any, any) { return r.Host.URL, "https://ghes.test/api/v3/" }, "",
		},
		{
			"no runner",
			map[string]string{"GITHUB_API_URL": ""},
			func(r mintRequest) (any, any) { return r.Host.URL, "https://api.github.com/" }, "",
		},
		{
			"credentials in the URL",
			map[string]string{"INPUT_GITHUB-API-URL": "https://u:p@ghes.test"},
			nil,
			"input github-api-url: holds a user name or password",
		},
		{"the current repository", nil, func(r mintRequest) (any, any) { return r.Scope.Repositories, []string{"api"} }, ""},
		{
			"an organization's odd name",
			map[string]string{"INPUT_OWNER": "a--b_corp-"},
			func(r mintRequest) (any, any) { return r.Target.Owner, "a--b_corp-" }, "",
		},
		{
			"another owner's repository",
			map[string]string{"INPUT_REPOSITORIES": "evil/api"},
			nil,
			`input repositories: "evil/api" belongs to another owner than acme`,
		},
		{
			"path tricks",
			map[string]string{"INPUT_REPOSITORIES": "acme/../evil"},
			nil,
			`input repositories: "acme/../evil" is not a repository name`,
		},
		{"dots", map[string]string{"INPUT_REPOSITORIES": ".."}, nil, `input repositories: ".." is not a repository name`},
		{
			"a URL",
			map[string]string{"INPUT_REPOSITORIES": "https://github.com/acme/api"},
			nil,
			`input repositories: "https://github.com/acme/api" is not a repository name`,
		},
		{"a query", map[string]string{"INPUT_REPOSITORIES": "api?x=1"}, nil, `input repositories: a text of 7 characters is not a pattern`},
		{".git", map[string]string{"INPUT_REPOSITORIES": "api.git"}, nil, `input repositories: "api.git" is not a repository name`},
		{
			"500 repositories",
			map[string]string{"INPUT_REPOSITORIES": numbered(500)},
			func(r mintRequest) (any, any) { return len(r.Scope.Repositories), 500 }, "",
		},
		{
			"501 repositories",
			map[string]string{"INPUT_REPOSITORIES": numbered(501)},
			nil,
			"input repositories: names 501 repositories, and GitHub lets a token name 500",
		},
		{
			"owner with a newline",
			map[string]string{"INPUT_OWNER": "acme\nevil"},
			nil,
			"input owner: a text of 9 characters is not a user or organization",
		},
		{
			"enterprise and owner",
			map[string]string{"INPUT_ENTERPRISE": "globex", "INPUT_OWNER": "acme"},
			nil,
			"input enterprise: can't be used with owner or repositories",
		},
		{
			"permissions conflict",
			map[string]string{"INPUT_PERMISSIONS": "contents: read", "INPUT_PERMISSION-CONTENTS": "write"},
			nil,
			"input permissions: contents: both read and write are asked for",
		},
		{
			"permissions agree",
			map[string]string{"INPUT_PERMISSIONS": "contents: read", "INPUT_PERMISSION-CONTENTS": "Read"},
			func(r mintRequest) (any, any) { return r.Scope.Permissions, map[string]string{"contents": "read"} }, "",
		},
		{
			"an odd level",
			map[string]string{"INPUT_PERMISSION-CONTENTS": "rw"},
			nil,
			`input permission-contents: contents: "rw" is not a level`,
		},
		{
			"a level that the name has not",
			map[string]string{"INPUT_PERMISSION-WORKFLOWS": "read"},
			nil,
			`input permission-workflows: workflows: "read" is not one of its levels`,
		},
		{
			"a near miss",
			map[string]string{"INPUT_PERMISSIONS": "pull-request: read"},
			nil,
			"input permissions: pull_request: no permission of that name",
		},
		{"a new name", map[string]string{"INPUT_PERMISSIONS": "organization_campaign_runs: read"}, func(r mintRequest) (any, any) {
			return r.Warnings, []string{
				"organization_campaign_runs is not a permission this release knows (did you mean organization_campaigns?); it is " +
					"passed to GitHub as it is",
			}
		}, ""},
		{
			"all on purpose",
			map[string]string{"INPUT_PERMISSIONS": " ALL\n"},
			func(r mintRequest) (any, any) { return r.Asked.All && len(r.Scope.Permissions) == 0, true }, "",
		},
		{
			"a client id as App id",
			map[string]string{"INPUT_CLIENT-ID": "", "INPUT_APP-ID": "Iv23liTESTtest000000"},
			func(r mintRequest) (any, any) { return r.Issuer, "Iv23liTESTtest000000" }, "",
		},
		{
			"a word as App id",
			map[string]string{"INPUT_CLIENT-ID": "", "INPUT_APP-ID": "keeper"},
			nil,
			`input app-id: "keeper" is not an App id`,
		},
		{"a wrong App id beside a client id", map[string]string{"INPUT_APP-ID": "12x"}, nil, `input app-id: "12x" is not an App id`},
		{"a blank passphrase", map[string]string{"INPUT_PASSPHRASE": " "}, nil, "input passphrase: holds nothing but white space"},
		{"a blank owner", map[string]string{"INPUT_OWNER": " "}, nil, "input owner: holds nothing but white space"},
		{"no bundle", map[string]string{"INPUT_CA-BUNDLE": "/etc/ca.pem"}, nil, "input ca-bundle: holds no PEM certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _, err := parse(t, c.env)
			got := ""
			if err != nil {
				got, _, _ = strings.Cut(err.Error(), "\n")
			}
			if got != c.err {
				t.Fatalf("error %q, want %q", got, c.err)
			}
			if c.check != nil {
				got, want := c.check(req)
				asYAML := cmp.Transformer("map", func(m interface{ YAML() string }) string { return m.YAML() })
				if diff := cmp.Diff(want, got, asYAML); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// A token in the wrong input is not shown in a fault, neither of that input nor
// of another one.
func TestNoFaultShowsASecret(t *testing.T) {
	token := "ghp_" + rand.Text() + rand.Text()[:10]
	for _, in := range schemaOf("").Inputs {
		if strings.HasPrefix(in.Name, "permission-") && in.Name != "permission-contents" && in.Name != "permission-check" {
			continue // all of them are read by the same lines
		}
		for _, value := range []string{token, "acme/" + token, token + "/api", "contents: " + token, token + ": read"} {
			for _, repositories := range []string{"acme/api", "acme/a*"} {
				env := map[string]string{"INPUT_OWNER": "acme", "INPUT_REPOSITORIES": repositories}
				env["INPUT_"+strings.ToUpper(in.Name)] = value
				req, _, err := parse(t, env)
				text := fmt.Sprint(err, req.Warnings, req.Notices)
				if strings.Contains(strings.ToLower(text), strings.ToLower(token)) {
					t.Errorf("%s, with %s: %s", in.Name, repositories, text)
				}
			}
		}
	}
}

func numbered(n int) string {
	var names []string
	for i := range n {
		names = append(names, "r"+strings.Repeat("x", i/100)+string(rune('a'+i/10%10))+string(rune('0'+i%10)))
	}
	return strings.Join(names, "\n")
}

// No input makes the parser panic or repeat a secret.
func FuzzParseMint(f *testing.F) {
	f.Add("client-id", "x")
	f.Add("repositories", "a/b,../c ##[x]")
	f.Add("permissions", `{"contents": "read"}`)
	f.Add("github-api-url", "http://[::1")
	f.Add("ca-bundle", "-----BEGIN CERTIFICATE-----")
	names := []string{}
	for _, in := range schemaOf("").Inputs {
		names = append(names, in.Name)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			name = names[len(name)%len(names)]
		}
		token := "ghs_" + rand.Text() + rand.Text()
		for _, v := range []string{value, value + token, token + value} {
			_, _, err := parse(t, map[string]string{"INPUT_" + strings.ToUpper(name): v})
			if err != nil && strings.Contains(fault.Text(err), token) {
				t.Errorf("%s repeats a token: %v", name, err)
			}
		}
	})
}
