package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/rotate"
)

// If it is not certain which deploy keys belong to the manifest, nothing is
// done.
func TestWhereTheManifestIsKept(t *testing.T) {
	here := rotate.Origin{Host: "github.com", Repository: "42", Path: ".github/valetkey.yml"}
	const unknown = "input manifest: it is not known whose deploy keys are its own: "
	for _, test := range []struct {
		name string
		path string
		env  map[string]string
		want rotate.Origin // without an id where that has to be looked up
		err  string
	}{
		{"in a runner", ".github/valetkey.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42", "GITHUB_REPOSITORY": "acme/api",
			"GITHUB_SERVER_URL": "https://github.com",
		}, here, ""},
		{"a server of one's own", "m.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42",
			"GITHUB_SERVER_URL":    "https://git.acme.test:8443",
		}, rotate.Origin{Host: "git.acme.test:8443", Repository: "42", Path: "m.yml"}, ""},
		{
			"without an id", "m.yml",
			map[string]string{"GITHUB_REPOSITORY": "acme/api"},
			rotate.Origin{Host: "github.com", Path: "m.yml"},
			"",
		},
		{"a server of one's own, outside a runner", "m.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42", "GITHUB_API_URL": "https://git.acme.test/api/v3",
		}, rotate.Origin{Host: "git.acme.test", Repository: "42", Path: "m.yml"}, ""},
		{"a tenant's, outside a runner", "m.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42", "GITHUB_API_URL": "https://api.acme.ghe.com",
		}, rotate.Origin{Host: "acme.ghe.com", Repository: "42", Path: "m.yml"}, ""},
		{"another server than that of the keys", "m.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42", "GITHUB_SERVER_URL": "https://git.acme.test",
		}, rotate.Origin{Host: "git.acme.test", Repository: "42", Path: "m.yml"}, ""},
		{
			"another server than that of the keys, without an id", "m.yml",
			map[string]string{
				"GITHUB_REPOSITORY": "acme/api", "GITHUB_SERVER_URL": "https://git.acme.test",
			},
			rotate.Origin{},
			unknown + "GITHUB_REPOSITORY is on git.acme.test, and github-api-url leads to github.com",
		},
		{
			"written otherwise", "./.github//../.github/valetkey.yml",
			map[string]string{"GITHUB_REPOSITORY_ID": "42"},
			here,
			"",
		},
		{"from the root of the machine", "/w/api/.github/valetkey.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42",
			"GITHUB_WORKSPACE":     "/w/api",
		}, here, ""},
		{"out of the workspace", "/w/other/valetkey.yml", map[string]string{
			"GITHUB_REPOSITORY_ID": "42",
			"GITHUB_WORKSPACE":     "/w/api",
		}, rotate.Origin{Host: "github.com", Repository: "42", Path: "/w/other/valetkey.yml"}, ""},
		{
			"above where it runs", "../m.yml",
			map[string]string{"GITHUB_REPOSITORY_ID": "42"},
			rotate.Origin{},
			unknown + `"../m.yml" leads out of where the step runs, so it does not name a file of the repository`,
		},
		{"nowhere", "m.yml", nil, rotate.Origin{}, unknown + "GITHUB_REPOSITORY is not set"},
		{
			"no repository", "m.yml",
			map[string]string{"GITHUB_REPOSITORY": "acme"},
			rotate.Origin{},
			unknown + `GITHUB_REPOSITORY is "acme", which is not a repository name`,
		},
		{
			"no owner", "m.yml",
			map[string]string{"GITHUB_REPOSITORY": "/api"},
			rotate.Origin{},
			unknown + `GITHUB_REPOSITORY is "/api", which is not a repository name`,
		},
		{
			"no number", "m.yml",
			map[string]string{"GITHUB_REPOSITORY_ID": "x", "GITHUB_REPOSITORY": "acme/api"},
			rotate.Origin{},
			unknown + `GITHUB_REPOSITORY_ID is "x", which is not a number`,
		},
		{
			"zero", "m.yml",
			map[string]string{"GITHUB_REPOSITORY_ID": "0", "GITHUB_REPOSITORY": "acme/api"},
			rotate.Origin{},
			unknown + `GITHUB_REPOSITORY_ID is "0", which is not a number`,
		},
		{
			"another form of a number", "m.yml",
			map[string]string{"GITHUB_REPOSITORY_ID": "042"},
			rotate.Origin{},
			unknown + `GITHUB_REPOSITORY_ID is "042", which is not a number`,
		},
		{
			"no server", "m.yml",
			map[string]string{"GITHUB_REPOSITORY_ID": "42", "GITHUB_SERVER_URL": "github.com"},
			rotate.Origin{},
			`input manifest: it is not known where it is kept: GITHUB_SERVER_URL is "github.com"`,
		},
	} {
		r := actions.New(io.Discard, func(name string) string { return test.env[name] })
		in := r.Inputs(schemaOf("rotate"), nil)
		api := publicAPI
		if given := test.env["GITHUB_API_URL"]; given != "" {
			api = given
		}
		got, keeper := parseOrigin(r, in, test.path, api)
		if err := in.Err(); test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: %v", test.name, err)
			}
		} else if err != nil || got != test.want || (keeper == "acme/api") != (got.Repository == "") {
			t.Errorf("%s: %v, %q%s", test.name, err, keeper, cmp.Diff(test.want, got))
		}
	}
}

// The inputs force and compromised take names or all. A misspelt name is a
// fault.
func TestRotationsThatAreNamed(t *testing.T) {
	for _, test := range []struct {
		force, compromised string
		rotated, retired   string // outputs of the second run
		err                string
	}{
		{"", "", `[]`, `[]`, ""},
		{"all", "", `["key","token","webhook"]`, `[]`, ""},
		{"key webhook", "", `["key","webhook"]`, `[]`, ""},
		{"", "all", `["key","token","webhook"]`, `["key","webhook"]`, ""},
		{"token", "key", `["key","token"]`, `["key"]`, ""},
		{"all,key", "", "", "", "input force: has all and names"},
		{"", "all,key", "", "", "input compromised: has all and names"},
		{"", "Key", "", "", `input compromised: "Key" is not a rotation of the manifest`},
		{"ALL", "", "", "", `input force: "ALL" is not a rotation of the manifest`},
	} {
		inBubble(t, func(t *testing.T) {
			s := newFleetStep(t, 2, rotations, nil)
			s.run(t, "rotate")
			if s.exit != exitOK {
				t.Fatal(s.log.String())
			}
			s.next(t, map[string]string{"INPUT_FORCE": test.force, "INPUT_COMPROMISED": test.compromised})
			s.run(t, "rotate")
			if test.err != "" {
				if s.exit == exitOK || !strings.Contains(s.log.String(), "::error::"+test.err) {
					t.Errorf("exit %d: %s", s.exit, s.log.String())
				}
				return
			}
			got := s.outputs(t)
			if s.exit != exitOK || got["rotated"] != test.rotated || got["retired"] != test.retired {
				t.Errorf("force %s, compromised %s: exit %d, %v\n%s", test.force, test.compromised, s.exit, got, s.log.String())
			}
			log, summary := s.log.String(), s.file(t, "GITHUB_STEP_SUMMARY")
			for _, text := range []string{log, summary} {
				if strings.Contains(text, "; compromised: retired at once, 1 removed") != strings.Contains(test.retired, "key") {
					t.Errorf("%s", text)
				}
			}
			want := 1 + strings.Count(test.rotated, "key") - strings.Count(test.retired, "key")
			if keys := len(s.DeployKeys("fleet", "r0")); keys != want {
				t.Errorf("%d keys, want %d", keys, want)
			}
			if strings.Contains(log, "::warning::token: the previous token can't be revoked") != (test.compromised == "all") {
				t.Errorf("%s", log)
			}
		})
	}
}
