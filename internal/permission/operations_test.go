package permission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

func TestOperations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
	}{
		"nothing":               {" \n# GET /user\r\n", ""},
		"no method means GET":   {"/repos/acme/api/issues", "GET /repos/{owner}/{repo}/issues"},
		"neither does gh":       {"gh api repos/{owner}/{repo}/issues", "GET /repos/{owner}/{repo}/issues"},
		"HEAD is GET":           {"head /zen", "GET /zen"},
		"the root":              {"GET /\nhttps://api.github.com\nhttps://ghes.example/api/v3/", "GET /"},
		"twice":                 {"/zen\nGET https://api.github.com/zen", "GET /zen"},
		"a file":                {"PUT /repos/acme/api/contents/.github/workflows/ci.yml", "PUT /repos/{owner}/{repo}/contents/{path}"},
		"a branch with slashes": {"/repos/acme/api/git/ref/heads/feature/x", "GET /repos/{owner}/{repo}/git/ref/{ref}"},
		"literals come first":   {"/repos/acme/api/commits/feature/status", "GET /repos/{owner}/{repo}/commits/{ref}/status"},
		"placeholder or word": {
			"/repos/{owner}/{repo}/issues/comments/{comment_id}\n/repos/o/r/issues/{issue_number}/comments",
			"GET /repos/{owner}/{repo}/issues/comments/{comment_id}|GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
		},
		"a range": {"/repos/o/r/compare/{base}...{head}", "GET /repos/{owner}/{repo}/compare/{basehead}"},
		"an upload": {
			"POST https://uploads.github.com/repos/o/r/releases/1/assets?name=x",
			"POST /repos/{owner}/{repo}/releases/{release_id}/assets",
		},
		"a user in the address": {"https://me:s3cr3tvalue@api.github.com/zen", "GET /zen"},
		"git":                   {"Git  Clone\ngit push workflows # both", "git clone|git push workflows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needs, errs := Operations(c.text, nil)
			var got []string
			for _, n := range needs {
				got = append(got, n.From)
			}
			if len(errs) > 0 || strings.Join(got, "|") != c.want {
				t.Errorf("got %v, %v, want %v", got, errs, c.want)
			}
		})
	}
}

func TestOperationsChoose(t *testing.T) {
	t.Parallel()
	const (
		assignees = "GET /repos/{owner}/{repo}/assignees"
		label     = "POST /repos/{owner}/{repo}/labels"
		roles     = "GET /orgs/{org}/custom-repository-roles"
		seats     = "GET /orgs/{org}/copilot/billing/seats"
	)
	for name, c := range map[string]struct {
		text  string
		given Set
		want  Set
	}{
		"alone":                   {assignees, nil, Set{"issues": "read"}},
		"given":                   {assignees, Set{"pull_requests": "read"}, Set{"pull_requests": "read"}},
		"given, and higher":       {assignees, Set{"pull_requests": "write"}, Set{"pull_requests": "read"}},
		"given, but too low":      {label, Set{"pull_requests": "read"}, Set{"pull_requests": "write"}},
		"taken by another":        {assignees + "\nPOST /repos/{owner}/{repo}/pulls", nil, Set{"pull_requests": "write"}},
		"taken by another before": {"POST /repos/{owner}/{repo}/pulls\n" + assignees, nil, Set{"pull_requests": "write"}},
		"one for both":            {label + "\n" + assignees, nil, Set{"issues": "write"}},
		"narrower of two": {
			roles + "\n" + seats, nil, Set{"organization_custom_roles": "read", "organization_copilot_seat_management": "read"},
		},
		"wide, but there already": {
			roles + "\n" + seats, Set{"organization_administration": "read"}, Set{"organization_administration": "read"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needs, errs := Operations(c.text, c.given)
			if got := Cover(needs); len(errs) > 0 || !maps.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, errs, c.want)
			}
		})
	}
	needs, _ := Operations(assignees, nil)
	if got, want := needs[0].Chosen, "issues: read rather than pull_requests: read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The choice tries every combination, which is cheap only while there are few.
func TestFewAlternatives(t *testing.T) {
	t.Parallel()
	different := map[string]int{}
	for _, o := range operations() {
		if n := len(o.accepts()); n > 1 {
			different[o.needs] = n
		}
	}
	product := 1
	for _, n := range different {
		product *= n
	}
	if product > 1024 {
		t.Errorf("%d combinations of %v", product, different)
	}
}

func TestOperationNotices(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"PUT /repos/{owner}/{repo}/contents/{path}": "Changes to files in .github/workflows take workflows: write as well.",
		"git push":                          "Changes to files in .github/workflows take workflows: write as well.",
		"git push workflows":                "",
		"GET /repos/{owner}/{repo}/pulls/1": "GitHub does not say whether more is needed, or whether less would do.",
		"GET /users/acme/starred": "This is a permission over a user account, which an installation may not " +
			"have; what is public is open without it.",
		"GET /orgs/acme/custom-repository-roles": "Only on GitHub Enterprise Cloud.",
		"GET /zen": "GitHub lists no permission for it: it is public, or takes none, or nobody " +
			"has written it down.",
	} {
		needs, errs := Operations(text, nil)
		if len(errs) > 0 || len(needs) != 1 || needs[0].Notice != want || (needs[0].Perhaps != nil) != strings.Contains(want, "workflows") {
			t.Errorf("%s: got %v, %v, want %q", text, needs, errs, want)
		}
	}
	for _, o := range operations() {
		for _, note := range strings.Fields(o.notes) {
			if notes[note] == "" && note != "jwt" && note != "user" {
				t.Errorf("%v: the note %s says nothing", o, note)
			}
		}
	}
}

func TestOperationFaults(t *testing.T) {
	t.Parallel()
	const shape = "hint: " + operationExample
	for name, c := range map[string]struct{ text, want string }{
		"misspelled": {
			"GET /repos/{owner}/{repo}/isues",
			"GET /repos/{owner}/{repo}/isues is not an operation that an App can use, as far as this release knows; hint: " +
				"did you mean GET /repos/{owner}/{repo}/issues?",
		},
		"wrong method": {
			"DELETE /repos/acme/api/issues/7",
			"DELETE /repos/acme/api/issues/... is not an operation that an App can use, as far as this release knows; hint: " +
				"did you mean GET /repos/{owner}/{repo}/issues/{issue_number}?",
		},
		"a part too many": {
			"/api/repos/acme/api/issues",
			"GET /api/repos/acme/api/issues is not an operation that an App can use, as far as this release knows; hint: " +
				"did you mean GET /repos/{owner}/{repo}/issues?",
		},
		"YAML list": {
			"- git clone", "begins with a dash, as in a list of YAML; hint: leave the dashes out, and write one operation a line",
		},
		"nothing near": {
			"GET /completely/different/from/anything",
			"GET /completely/different/from/anything is not an operation that an App can use, as far as this release knows; " + shape,
		},
		"another server": {
			"GET /api/v4/projects",
			"GET /api/.../projects is not an operation that an App can use, as far as this release knows; " + shape,
		},
		"a token with dashes": {
			"GET /api/ghp-abc/projects",
			"GET /api/.../projects is not an operation that an App can use, as far as this release knows; " + shape,
		},
		"a long path": {
			"/" + strings.Repeat("abcdefghij/", 15),
			"GET with a long path is not an operation that an App can use, as far as this release knows; " + shape,
		},
		"a huge path": {
			"/" + strings.Repeat("a/", 20000),
			"GET with a long path is not an operation that an App can use, as far as this release knows; " + shape,
		},
		"user token": {
			"GET /user/emails",
			"GET /user/emails acts for a person, so the installation token of an App cannot do it; hint: " +
				"use a user access token of the App (ghu_), or a fine-grained personal access token, with emails: read",
		},
		"the App's JWT": {
			"GET /app", "GET /app takes the App's own JWT, not a token; hint: leave it out: permissions do not apply to it",
		},
		"notifications": {
			"PUT /notifications/threads/1",
			"PUT /notifications/threads/... is not open to Apps; hint: " +
				"notifications belong to a person; use a classic personal access token",
		},
		"packages": {
			"DELETE /orgs/acme/packages/npm/x",
			"DELETE /orgs/acme/packages/npm/x is not open to Apps; hint: " +
				"use the workflow's GITHUB_TOKEN with packages: write, or a classic personal access token",
		},
		"a page": {
			"https://github.com/acme/api",
			"the address of a page, not of the API; hint: the API is at https://api.github.com/ or https://HOST/api/v3/",
		},
		"another scheme": {"ssh://api.github.com/zen", "not an address of an API; " + shape},
		"no path":        {"GET", "a method without a path; " + shape},
		"no method":      {"FETCH /zen", "the word before the path is not a method; hint: one of GET, POST, PUT, PATCH, DELETE"},
		"too much":       {"GET /zen please", "more than a method and a path; " + shape},
		"git, arguments": {
			"git push origin main", "not a command that this release knows; hint: did you mean git push? Arguments are left out",
		},
		"git, misspelled": {"git pusch", "not a command that this release knows; hint: did you mean git push? Arguments are left out"},
		"git, other": {
			"git",
			"not a command that this release knows; hint: git clone, git fetch, git pull, git push, and git push workflows are",
		},
		"gh, other": {
			"gh codespace list",
			"not a command that this release knows; hint: " +
				"docs/permissions.md lists those of gh that are; for another, name the permissions, or gh api with a path",
		},
		"gh api, options": {
			"gh api -f a=b /zen", "more than a method and a path; hint: write gh api -X METHOD PATH, and leave other options out",
		},
		"gh api, nothing": {
			"gh api",
			"the path is missing, or the method does not exist; hint: write gh api -X METHOD PATH, and leave other options out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, errs := Operations(c.text, nil); texts(errs) != "line 1: "+c.want {
				t.Errorf("got\n%s\nwant\nline 1: %s", texts(errs), c.want)
			}
		})
	}
	if _, errs := Operations("-----BEGIN KEY", nil); len(errs) != 1 ||
		!strings.HasPrefix(fault.Line(errs[0]), "a PEM block, such as a private key, is not a list of operations; hint: ") {
		t.Errorf("got %v", errs)
	}
	needs, errs := Operations("/zen\n/nope\n"+strings.Repeat("GET\n", 20), nil)
	if len(needs) != 1 || len(errs) != maxFaults+1 || !strings.HasPrefix(errs[0].Error(), "line 2: ") {
		t.Errorf("got %v, %v", needs, errs)
	}
}

// An extra letter gets a suggestion, unless the word can be the value of a
// placeholder.
func TestEveryMisspelling(t *testing.T) {
	t.Parallel()
	for i, o := range operations() {
		if i%7 != 0 || !o.usable() || isPlaceholder(o.path[strings.LastIndexByte(o.path, '/')+1:]) || o.path == "/" {
			continue
		}
		needs, errs := Operations(o.String()+"q", nil)
		if len(needs) == 0 && !strings.HasSuffix(texts(errs), "did you mean "+o.String()+"?") {
			t.Errorf("%v: got %s", o, texts(errs))
		}
	}
}

func TestOpens(t *testing.T) {
	t.Parallel()
	read, write := Opens("issues", "read"), Opens("issues", "write")
	for _, c := range []struct {
		list []string
		name string
		want bool
	}{
		{read, "GET /repos/{owner}/{repo}/issues", true},
		{read, "POST /repos/{owner}/{repo}/issues", false},
		{write, "POST /repos/{owner}/{repo}/issues", true},
		{write, "GET /repos/{owner}/{repo}/issues", true},
		{write, "GET /zen", false},
		{
			Opens("organization_secrets", "write"), "PUT /orgs/{org}/actions/secrets/{secret_name}/repositories/{repository_id}",
			true,
		}, // with metadata
		{Opens("pages", "write"), "POST /repos/{owner}/{repo}/pages", false}, // takes administration too
	} {
		if got := slices.Contains(c.list, c.name); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if got := Opens("nothing", "read"); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestOperationsEchoNoSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range markers {
		for _, form := range []string{
			"%s", "%s /zen", "GET %s", "GET /%s", "GET /repos/acme/%s/isues", "/repos/{%s}/x", "/x/:%s", "GET /user/x?token=%s", "/zen#%s ",
			"https://%s@api.github.com/x",
			"https://%s/x", "git %s", "git push %s", "gh %s", "gh api %s", "gh api -X %s /x", "gh api -H %s", "/orgs/acme/packages/%s",
			"/notifications/%s",
		} {
			if all := joinedTexts(Operations(fmt.Sprintf(form, secret), nil)); leaks(all, secret) {
				t.Errorf("%s is repeated for %s:\n%s", secret, form, all)
			}
		}
	}
}
