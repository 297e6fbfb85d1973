package permission

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

// row is a line of operations.tsv, read without the package's own code.
type row struct {
	name, method, path string
	alternatives       []Set
	notes              []string
}

func (r row) noted(note string) bool { return slices.Contains(r.notes, note) }

func rows(t testing.TB) []row {
	t.Helper()
	text, err := os.ReadFile("operations.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var list []row
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		r := row{name: f[0] + " " + f[1], method: f[0], path: f[1], notes: strings.Fields(f[3])}
		for _, alternative := range strings.FieldsFunc(f[2], func(c rune) bool { return c == ';' }) {
			s := Set{}
			for _, m := range regexp.MustCompile(`(\w+)=(\w+)`).FindAllStringSubmatch(alternative, -1) {
				s[m[1]] = m[2]
			}
			r.alternatives = append(r.alternatives, s)
		}
		list = append(list, r)
	}
	return list
}

var placeholders = regexp.MustCompile(`\{([a-z_-]+)\}`)

// forms are the ways in which people write an operation.
func forms(r row) []string {
	concrete := placeholders.ReplaceAllString(strings.ReplaceAll(r.path, "{enablement}", "enable_all"), "Acme-1")
	return []string{
		r.name,
		strings.ToLower(r.method) + "   " + placeholders.ReplaceAllString(r.path, ":$1") + "  # as it was",
		r.method + " " + concrete,
		r.method + " " + strings.TrimPrefix(concrete, "/") + "/?secret=s3cr3tvalue#top",
		r.method + " https://api.github.com" + concrete + "?per_page=100",
		r.method + " HTTPS://ghes.example:8443/api/v3" + concrete,
		r.method + " https://api.acme.ghe.com" + r.path,
		"gh api -X " + r.method + " " + concrete,
		"gh api " + concrete + " --method " + strings.ToLower(r.method),
	}
}

func TestEveryOperation(t *testing.T) {
	t.Parallel()
	all := rows(t)
	if len(all) != 1095+17+156 || OperationCount() != len(all) {
		t.Errorf("got %d operations in the file and %d in the package", len(all), OperationCount())
	}
	for _, r := range all {
		for _, form := range forms(r) {
			needs, errs := Operations(form, nil)
			switch {
			case r.noted("jwt"):
				if want := "line 1: " + r.name + " takes the App's own JWT, not a token; hint: "; len(needs) > 0 ||
					!strings.HasPrefix(texts(errs), want) {
					t.Errorf("%s: got %v, %v", form, needs, errs)
				}
			case r.noted("user"):
				if want := "line 1: " + r.name +
					" acts for a person, so the installation token of an App cannot do it; hint: "; len(needs) > 0 ||
					!strings.HasPrefix(texts(errs), want) {
					t.Errorf("%s: got %v, %v", form, needs, errs)
				}
			case len(errs) > 0 || len(needs) != 1 || needs[0].From != r.name:
				t.Errorf("%s: got %v, %v", form, needs, errs)
			default:
				exact(t, r, needs[0])
			}
		}
	}
}

// exact checks that a need opens an operation, and that nothing less would.
func exact(t *testing.T, r row, n Need) {
	t.Helper()
	if !known(n.Permissions) {
		t.Errorf("%s: %v is not in the table", r.name, n.Permissions)
	}
	if r.noted("unlisted") {
		if !maps.Equal(n.Permissions, Set{"metadata": "read"}) || n.Notice == "" {
			t.Errorf("%s: got %v", r.name, n)
		}
		return
	}
	opens := func(s Set) bool { return slices.ContainsFunc(r.alternatives, s.covers) }
	if !opens(n.Permissions) {
		t.Errorf("%s: %v does not open it", r.name, n.Permissions)
	}
	for name, level := range n.Permissions {
		less := maps.Clone(n.Permissions)
		delete(less, name)
		if opens(less) {
			t.Errorf("%s: %v would do without %s", r.name, n.Permissions, name)
		}
		if rank(level) > 0 {
			less[name] = levels[rank(level)-1]
			if opens(less) {
				t.Errorf("%s: %v would do with %s: %s", r.name, n.Permissions, name, less[name])
			}
		}
	}
	if (n.Chosen != "") != (len(r.alternatives) > 1) {
		t.Errorf("%s: chosen %q of %d", r.name, n.Chosen, len(r.alternatives))
	}
}

// The facts themselves, read without the generator, say the same.
func TestEndpointFacts(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("VALETKEY_GITHUB_FACTS")
	if dir == "" {
		t.Skip("VALETKEY_GITHUB_FACTS is not set")
	}
	text, err := os.ReadFile(filepath.Join(dir, "endpoint-permissions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var facts struct {
		Endpoints map[string]struct {
			Perms          Set
			Token, Combine string
		}
	}
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	if len(facts.Endpoints) != 1095 {
		t.Errorf("got %d endpoints", len(facts.Endpoints))
	}
	for name, e := range facts.Endpoints {
		needs, errs := Operations(name, nil)
		if e.Token == "user" {
			if len(errs) != 1 {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		if len(errs) > 0 || len(needs) != 1 {
			t.Errorf("%s: got %v", name, errs)
			continue
		}
		got, want := needs[0].Permissions, maps.Clone(e.Perms)
		switch {
		case e.Combine == "any":
			if len(got) != 1 || !want.covers(got) {
				t.Errorf("%s: got %v, want one of %v", name, got, want)
			}
			continue
		case e.Combine == "all+metadata:read":
			want["metadata"] = "read"
		case strings.HasPrefix(e.Combine, "contents, plus workflows"):
			delete(want, "workflows")
		case name == "GET /repos/{owner}/{repo}/invitations":
			delete(want, "private_repository_invitations") // of a user account
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

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
			"gh pr create",
			"not a command that this release knows; hint: " +
				"many commands of gh use GraphQL, for which GitHub lists no permissions; name the permissions, or gh api with a path",
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

// The commands of gh that are REST take what their operations take.
func TestWords(t *testing.T) {
	t.Parallel()
	const repo = "/repos/{owner}/{repo}"
	behind := map[string]string{
		"gh cache delete":     "DELETE " + repo + "/actions/caches/{cache_id}",
		"gh cache list":       "GET " + repo + "/actions/caches",
		"gh release create":   "POST " + repo + "/releases",
		"gh release delete":   "DELETE " + repo + "/releases/{release_id}",
		"gh release download": "GET " + repo + "/releases/tags/{tag}",
		"gh release upload":   "DELETE " + repo + "/releases/assets/{asset_id}", // the upload itself is not listed
		"gh run cancel":       "POST " + repo + "/actions/runs/{run_id}/cancel",
		"gh run download":     "GET " + repo + "/actions/artifacts/{artifact_id}/{archive_format}",
		"gh run list":         "GET " + repo + "/actions/runs",
		"gh run rerun":        "POST " + repo + "/actions/runs/{run_id}/rerun",
		"gh secret list":      "GET " + repo + "/actions/secrets",
		"gh secret set":       "PUT " + repo + "/actions/secrets/{secret_name}",
		"gh variable list":    "GET " + repo + "/actions/variables",
		"gh variable set":     "POST " + repo + "/actions/variables",
		"gh workflow run":     "POST " + repo + "/actions/workflows/{workflow_id}/dispatches",
	}
	for _, word := range Commands() {
		needs, errs := Operations(word, nil)
		if len(errs) > 0 || len(needs) != 1 || needs[0].From != word || !known(needs[0].Permissions) {
			t.Errorf("%s: got %v, %v", word, needs, errs)
			continue
		}
		if same := behind[word]; same != "" {
			want, errs := Operations(same, nil)
			if len(errs) > 0 || !maps.Equal(Cover(want), needs[0].Permissions) {
				t.Errorf("%s: got %v, want %v, %v", word, needs[0].Permissions, want, errs)
			}
		} else if !strings.HasPrefix(word, "git ") && word != "gh repo clone" {
			t.Errorf("%s: no operation behind it", word)
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

func FuzzOperations(f *testing.F) {
	fuzzNeeds(f, []string{
		"", "GET /repos/{owner}/{repo}/issues\ngit push", "/repos/acme/api/isues?x=y", "https://h/api/v3/zen", "gh api -X post /x",
		"GET /user\r\nPUT //", "git\x00", "://", "/repos/o/r/contents/a//b",
	}, Operations)
}

// fuzzNeeds checks that a need, read from a text, is read from its own name as
// well, and that no secret in the text is repeated.
func fuzzNeeds(f *testing.F, texts []string, read func(text string, chosen Set) ([]Need, []error)) {
	for _, text := range texts {
		for i := range markers {
			f.Add(text, uint(i), uint(len(text)/2))
		}
	}
	f.Fuzz(func(t *testing.T, text string, which, at uint) {
		needs, errs := read(text, nil)
		for _, n := range needs {
			again, errs := read(n.From, n.Permissions)
			if len(errs) > 0 || len(again) != 1 || !maps.Equal(n.Permissions, again[0].Permissions) || !known(n.Permissions) {
				t.Errorf("%q: got %v and, from its name, %v, %v", text, n, again, errs)
			}
		}
		secret := markers[which%uint(len(markers))]
		if leaks(joinedTexts(needs, errs), secret) {
			return
		}
		i := int(at % uint(len(text)+1))
		if all := joinedTexts(read(text[:i]+secret+text[i:], nil)); leaks(all, secret) {
			t.Errorf("%q with a secret at %d:\n%s", text, i, all)
		}
	})
}

func BenchmarkFirstUse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readOperations()
	}
}

func BenchmarkLookup(b *testing.B) {
	operations()
	b.ReportAllocs()
	for b.Loop() {
		Operations("PATCH https://api.github.com/repos/acme/api/issues/7", nil)
	}
}

func BenchmarkUnknown(b *testing.B) {
	operations()
	for b.Loop() {
		Operations("GET /repos/acme/api/isues/7/coments", nil)
	}
}
