package cli

import (
	"crypto/rand"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// The code reads every input that an action.yml declares, and writes every
// output. (An input that is read but not declared panics.)
func TestActionFilesAndCodeAgree(t *testing.T) {
	s := newFleetStep(t, 1, oneRotation+oneSecret+onePolicy, map[string]string{
		"VALUE": rand.Text(), "DATABASE_PASSWORD": rand.Text(), "INPUT_GIT": "true", "INPUT_REFRESH": "true", "RUNNER_TEMP": t.TempDir(),
	})
	s.GrantAccess("fleet", fakegithub.FineGrainedToken{Owner: "ann", ExpiresAt: time.Now().Add(time.Hour)})
	env := map[string]map[string]string{
		"mint":    {"INPUT_SKIP-TOKEN-REVOKE": "true"},
		"decrypt": {"INPUT_SKIP-TOKEN-REVOKE": ""},
		"encrypt": {"INPUT_NAMES": "DATABASE_PASSWORD", "INPUT_PASSPHRASE": rand.Text()},
	}
	for _, c := range commands() {
		if c.Action == nil {
			continue
		}
		schema := schemaOf(*c.Action)
		s.next(t, env[c.Name])
		asked := map[string]bool{}
		s.onVariable = func(name string) { asked[name] = true }
		s.run(t, c.Name)
		if s.exit != exitOK {
			t.Fatalf("%s: %s", c.Name, s.log.String())
		}
		for _, in := range schema.Inputs {
			if !asked["INPUT_"+strings.ToUpper(in.Name)] {
				t.Errorf("%s: action.yml declares the input %s, which nobody reads", c.Name, in.Name)
			}
		}
		written, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		declared := slices.Sorted(slices.Values(schema.Outputs))
		if diff := cmp.Diff(declared, slices.Sorted(maps.Keys(written)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", c.Name, diff)
		}
		if sealed := written["encrypted-token"]; sealed != "" {
			s.env["INPUT_ENCRYPTED-TOKEN"] = sealed
		}
	}
}

// The summary of a token is one line and a fold, and shows no secret.
func TestMintSummary(t *testing.T) {
	token := githubapp.Token{
		Value: redact.New(rand.Text()), ExpiresAt: time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC),
		Permissions: map[string]string{"contents": "read", "metadata": "read"}, Repositories: []string{"acme/api", "acme/`<b>|"},
	}
	req := mintRequest{Issuer: "Iv23", Target: githubapp.Target{Owner: "acme", Repository: "api"}}
	installation := githubapp.Installation{ID: 7, AppSlug: "keeper", Account: "acme"}
	got := minted{req, installation, token}.summary(false)
	want := "<details><summary>Token for <code>acme/api</code>, <code>acme/`&lt;b&gt;|</code>: " +
		"<code>contents: read</code>; ends with the job</summary>\n\n| | |\n|---|---|\n" +
		"| App | `keeper`, installation 7 on `acme` |\n" +
		"| Repositories | `acme/api`, `acme/??b??` |\n" +
		"| Permissions | `contents: read`, `metadata: read` |\n" +
		"| Expires | 2026-11-21 13:05 UTC, revoked when the job ends |\n" +
		"| Audit log | `hashed_token:" + githubapp.Hash(token.Value) + "` |\n" +
		"| Faster | `installation-id: 7` saves the request that looks it up; `app-slug` is empty then |\n\n</details>\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	token.Repositories = strings.Fields(numbered(30))
	token.Permissions = map[string]string{"contents": "read", "issues": "read", "metadata": "read", "packages": "read", "pages": "read"}
	req.KeepToken = true
	got = minted{req, installation, token}.summary(true)
	for _, part := range []string{
		"<details open><summary>Token for 30 repositories of <code>acme</code>: 4 permissions; lives until 13:05 UTC</summary>\n",
		"`and 10 more`",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("30 repositories: %s, want %s", got, part)
		}
	}
}

// The summary proposes installation-id where a step with it takes a request
// less.
func TestSummaryProposesInstallationID(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"INPUT_REPOSITORIES": "api, web"}, true},
		{map[string]string{"INPUT_REPOSITORIES": "w*"}, true},
		{map[string]string{"INPUT_OWNER": "acme"}, false},
		{map[string]string{"INPUT_GIT": "true"}, false},
		{map[string]string{"INPUT_BOT-IDENTITY": "true"}, false},
		{map[string]string{"INPUT_INSTALLATION-ID": "4242"}, false},
		{map[string]string{"INPUT_SUMMARY": "false"}, false},
	} {
		s := newStep(t, c.env)
		s.run(t, "mint")
		summary, err := os.ReadFile(s.env["GITHUB_STEP_SUMMARY"])
		if err != nil || s.exit != exitOK {
			t.Fatalf("%v: %v: %s", c.env, err, s.log.String())
		}
		if got := strings.Contains(string(summary), "`installation-id: 4242` saves"); got != c.want {
			t.Errorf("%v: %t, want %t: %s", c.env, got, c.want, summary)
		}
		first := len(s.Requests())
		s.next(t, map[string]string{"INPUT_INSTALLATION-ID": "4242"})
		s.run(t, "mint")
		if fewer := len(s.Requests())-first < first; fewer != c.want && c.env["INPUT_SUMMARY"] == "" {
			t.Errorf("%v: with installation-id it takes fewer requests: %t, want %t", c.env, fewer, c.want)
		}
	}
}

// A warning unfolds the summary, and summary: false leaves it out.
func TestSummaryByInput(t *testing.T) {
	for _, c := range []struct {
		permissions, summary, want string
	}{
		{"contents: read", "", "<details><summary>Token for <code>acme/api</code>"},
		{"contents: read", "true", "<details><summary>Token for <code>acme/api</code>"},
		{" ", "true", ""},
		{"", "", "<details open><summary>Token for <code>acme/api</code>"},
		{"", "false", ""},
		{"contents: read", "no", ""},
	} {
		s := newStep(t, map[string]string{"INPUT_PERMISSIONS": c.permissions, "INPUT_SUMMARY": c.summary})
		s.run(t, "mint")
		summary, err := os.ReadFile(s.env["GITHUB_STEP_SUMMARY"])
		if err != nil || !strings.HasPrefix(string(summary), c.want) || c.want == "" && len(summary) > 0 {
			t.Errorf("%+v: %v: %s", c, err, summary)
		}
	}
}

// A token where a name belongs is described by its length alone, before any
// request. By its look it could be an account, a repository or a variable.
func TestTokensAreNoNames(t *testing.T) {
	for _, prefix := range []string{"ghp_", "ghs_", "github_pat_"} {
		token := prefix + rand.Text()
		for _, input := range []string{"CLIENT-ID", "OWNER", "REPOSITORIES", "ENTERPRISE", "EXPORT-ENV", "INSTALLATION-ID", "APP-ID"} {
			for _, v := range []string{token, token + "/" + token, token + "*"} {
				env := map[string]string{"INPUT_" + input: v}
				if input == "APP-ID" {
					env["INPUT_CLIENT-ID"] = ""
				}
				_, _, err := parse(t, env)
				if err == nil || strings.Contains(strings.ToUpper(fault.Text(err)), strings.ToUpper(token)) {
					t.Errorf("%s: %v", input, err)
				}
			}
		}
		s := newStep(t, map[string]string{"INPUT_NAMES": token, "INPUT_PASSPHRASE": rand.Text()})
		s.run(t, "encrypt")
		if s.exit == exitOK || strings.Contains(strings.ToUpper(s.log.String()), strings.ToUpper(token)) {
			t.Errorf("encrypt repeats a token: %s", s.log.String())
		}
	}
}
