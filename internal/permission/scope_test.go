package permission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

func TestEveryScope(t *testing.T) {
	t.Parallel()
	names := ScopeNames()
	if len(names) != 53+25 || !slices.IsSorted(names) {
		t.Errorf("got %d scopes and presets, sorted: %v", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		scope, ok := LookupScope(strings.ToUpper(name))
		if !ok || scope.Name != name {
			t.Fatalf("LookupScope(%q) = %v, %v", name, scope, ok)
		}
		needs, errs := Scopes(name)
		if scope.Why != "" {
			if len(needs) > 0 || len(errs) != 1 || fault.Line(errs[0]) != name+": "+scope.Why+"; hint: "+scope.Instead {
				t.Errorf("%s: got %v, %v", name, needs, errs)
			}
			continue
		}
		if len(errs) > 0 || len(needs) != 1 || needs[0].From != name {
			t.Errorf("%s: got %v, %v", name, needs, errs)
			continue
		}
		if !known(needs[0].Permissions) {
			t.Errorf("%s: %v is not in the table", name, needs[0].Permissions)
		}
		for _, preset := range scope.Presets() {
			p, _ := LookupScope(preset)
			if !p.Preset || !slices.Contains(needs[0].Narrower, preset) {
				t.Errorf("%s: %s is not offered in %q", name, preset, needs[0].Narrower)
			}
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing": {" \n# repo\n,", nil},
		"commas, spaces, lines": {
			"repo:status, repo_deployment read:org\r\nworkflow",
			[]string{"repo:status", "repo_deployment", "read:org", "workflow"},
		},
		"twice, case, comment": {"Repo:Status\n'repo:status' # why", []string{"repo:status"}},
		"without a scope":      {"(no scope)", []string{"(no scope)"}},
		"preset":               {"repo:push", []string{"repo:push"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needs, errs := Scopes(c.text)
			var got []string
			for _, n := range needs {
				got = append(got, n.From)
			}
			if len(errs) > 0 || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, errs, c.want)
			}
		})
	}
	needs, _ := Scopes("repo:push-workflows, read:org")
	if got, want := Cover(needs), (Set{
		"contents": "write", "workflows": "write", "metadata": "read", "members": "read", "organization_projects": "read",
	}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScopeFaults(t *testing.T) {
	t.Parallel()
	const shape = "hint: write scopes as on a personal access token, such as repo, read:org"
	for name, c := range map[string]struct{ text, want string }{
		"misspelled": {"repos", "repos: not a scope that this release knows; hint: did you mean repo?"},
		"YAML list": {
			"- repo",
			"scope 1: a dash, as in a list of YAML; hint: leave the dashes out, and separate scopes by commas, spaces or lines",
		},
		"preset, bare": {"push", "push: not a scope that this release knows; hint: did you mean repo:push?"},
		"nothing near": {"everything", "everything: not a scope that this release knows; " + shape},
		"unspeakable":  {"repo hunter2", "scope 2: not a scope that this release knows; " + shape},
		"token":        {"ghp_abc", "scope 1: looks like a token; hint: take it out and revoke it, scopes need no secret"},
		"gist": {
			"gist",
			"gist: an installation token of an App is no person, and this acts for one; hint: " +
				"use a user access token of the App (ghu_) or a personal access token",
		},
		"key": {
			"-----BEGIN RSA PRIVATE KEY-----",
			"a PEM block, such as a private key, is not a list of scopes; hint: " +
				"pass the key as private-key, and write scopes as on a personal access token, such as repo, read:org",
		},
		"too long":       {strings.Repeat(" ", maxText+1), "more than 64 KiB of text; " + shape},
		"long word":      {strings.Repeat("a", 4000), "scope 1: not a scope that this release knows; " + shape},
		"keeps the rest": {"repo nothere", "nothere: not a scope that this release knows; " + shape},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, errs := Scopes(c.text); texts(errs) != c.want {
				t.Errorf("got\n%s\nwant\n%s", texts(errs), c.want)
			}
		})
	}
}

func TestScopesEchoNoSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range markers {
		for _, form := range []string{"%s", "repo:%s", "repo, %s", "%s:repo", "(%s)", "x\n%s"} {
			if all := joinedTexts(Scopes(fmt.Sprintf(form, secret))); leaks(all, secret) {
				t.Errorf("%s is repeated for %s:\n%s", secret, form, all)
			}
		}
	}
}

// A step that gives neither scopes nor operations pays for no table of them.
func TestNothingUnpacksNoTable(t *testing.T) {
	unpackScopes, unpackOperations := scopes, operations
	defer func() { scopes, operations = unpackScopes, unpackOperations }()
	scopes = func() []Scope { t.Error("the scopes are unpacked"); return unpackScopes() }
	operations = func() []operation { t.Error("the operations are unpacked"); return unpackOperations() }
	for _, text := range []string{"", " \n", "# none\n", ",\n,"} {
		if needs, errs := Scopes(text); len(needs)+len(errs) > 0 {
			t.Errorf("scopes of %q: %v, %v", text, needs, errs)
		}
	}
	for _, text := range []string{"", " \n", "# none\n"} {
		if needs, errs := Operations(text, nil); len(needs)+len(errs) > 0 {
			t.Errorf("operations of %q: %v, %v", text, needs, errs)
		}
	}
}

// Scopes that make an administrator are told from those that take an
// administrator's permission for one job.
func TestAdministers(t *testing.T) {
	t.Parallel()
	var got []string
	for _, name := range ScopeNames() {
		for _, n := range must(Scopes(name)) {
			if n.Administers() {
				got = append(got, name)
			}
		}
	}
	if want := []string{"admin:enterprise", "admin:org", "public_repo", "repo"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// must leaves the errors out: some scopes are for no App.
func must(needs []Need, _ []error) []Need { return needs }
