package cli

import (
	"crypto/rand"
	"maps"
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

// The summary of a token shows no secret.
func TestMintSummary(t *testing.T) {
	token := githubapp.Token{
		Value: redact.New(rand.Text()), ExpiresAt: time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC),
		Permissions: map[string]string{"contents": "read", "metadata": "read"}, Repositories: []string{"acme/api", "acme/`<b>|"},
	}
	req := mintRequest{Issuer: "Iv23", Target: githubapp.Target{Owner: "acme", Repository: "api"}}
	got := minted{req, githubapp.Installation{ID: 7, AppSlug: "keeper"}, token}.summary()
	want := "#### Token for `acme`\n\n| | |\n|---|---|\n" +
		"| App | `keeper`, installation 7 on `acme` |\n" +
		"| Repositories | `acme/api`, `acme/??b??` |\n" +
		"| Permissions | `contents: read`, `metadata: read` |\n" +
		"| Expires | 2026-11-21 13:05 UTC, revoked when the job ends |\n" +
		"| Audit log | `hashed_token:" + githubapp.Hash(token.Value) + "` |\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	token.Repositories = strings.Fields(numbered(30))
	if got := (minted{req, githubapp.Installation{}, token}).summary(); !strings.Contains(got, "`and 10 more`") {
		t.Errorf("30 repositories: %s", got)
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
