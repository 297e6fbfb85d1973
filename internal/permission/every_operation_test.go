package permission

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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
