package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	data   = "../permissions.json"
	action = "../../../action.yml"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCommittedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	permissions := read(t, data)
	entries, err := parse(permissions)
	if err != nil {
		t.Fatal(err)
	}
	same, err := lines(entries)
	if err != nil || string(same) != string(permissions) {
		t.Errorf("permissions.json is not laid out as the generator does (%v)", err)
	}
	scopes, tsv, commands := read(t, "../scopes.json"), read(t, "../operations.tsv"), read(t, "../commands.tsv")
	list, err := readScopes(scopes, permissions)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := lines(list); err != nil || string(same) != string(scopes) {
		t.Errorf("scopes.json is not laid out as the generator does (%v)", err)
	}
	for path, make := range map[string]func() ([]byte, error){
		"../table_gen.go":              func() ([]byte, error) { return table(permissions) },
		"../commands_gen.go":           func() ([]byte, error) { return commandTable(commands, permissions) },
		"../../../docs/permissions.md": func() ([]byte, error) { return page(permissions, scopes, tsv, commands) },
		action:                         func() ([]byte, error) { return inputs(permissions, read(t, action)) },
	} {
		if got, err := make(); err != nil || string(got) != string(read(t, path)) {
			t.Errorf("%s is not current: run go generate ./... (%v)", path, err)
		}
	}
	want, err := scopeLines(scopes, permissions)
	if got, err2 := unpack(read(t, "../scopes.tsv.gz")); err != nil || err2 != nil || string(got) != string(want) {
		t.Errorf("scopes.tsv.gz is not current: run go generate ./... (%v, %v)", err, err2)
	}
	if got, err := unpack(read(t, "../operations.tsv.gz")); err != nil || string(got) != string(tsv) {
		t.Errorf("operations.tsv.gz is not current: run go generate ./... (%v)", err)
	}
}

// With the collected facts at hand, the files here must be what the generator
// makes of them.
func TestFactsAreCurrent(t *testing.T) {
	t.Parallel()
	facts := os.Getenv("VALETKEY_GITHUB_FACTS")
	if facts == "" {
		t.Skip("VALETKEY_GITHUB_FACTS is not set")
	}
	permissions, scopes := read(t, data), read(t, "../scopes.json")
	for path, make := range map[string]func() ([]byte, error){
		data:             func() ([]byte, error) { return refresh(read(t, filepath.Join(facts, "permissions.json")), permissions) },
		"../scopes.json": func() ([]byte, error) { return refreshScopes(read(t, filepath.Join(facts, "scopes.json")), scopes) },
		"../operations.tsv": func() ([]byte, error) {
			return operations(read(t, filepath.Join(facts, "endpoint-permissions.json")), permissions)
		},
	} {
		if got, err := make(); err != nil || string(got) != string(read(t, path)) {
			t.Errorf("%s is not what the facts say (%v)", path, err)
		}
	}
}

// Every input and output of actions/create-github-app-token must be here by the
// same name.
func TestDropIn(t *testing.T) {
	t.Parallel()
	in, out, _ := strings.Cut(string(read(t, action)), "\noutputs:\n")
	for _, name := range strings.Fields(`client-id app-id private-key owner repositories enterprise skip-token-revoke github-api-url`) {
		if !slices.Contains(keys(in), name) {
			t.Errorf("there is no input %s", name)
		}
	}
	for _, name := range strings.Fields(`token installation-id app-slug`) {
		if !slices.Contains(keys(out), name) {
			t.Errorf("there is no output %s", name)
		}
	}
	for _, name := range strings.Fields(`
		administration actions checks codespaces contents dependabot-secrets deployments email-addresses environments
		followers git-ssh-keys gpg-keys interaction-limits issues members metadata organization-administration
		organization-announcement-banners organization-copilot-seat-management organization-custom-org-roles
		organization-custom-properties organization-custom-roles organization-events organization-hooks
		organization-packages organization-personal-access-token-requests organization-personal-access-tokens
		organization-plan organization-projects organization-secrets organization-self-hosted-runners
		organization-user-blocking packages pages profile pull-requests repository-custom-properties repository-hooks
		repository-projects secret-scanning-alerts secrets security-events single-file starring statuses
		team-discussions vulnerability-alerts workflows`) {
		if !slices.Contains(keys(in), "permission-"+name) {
			t.Errorf("there is no input permission-%s", name)
		}
	}
}

// The runner reads every text of an action.yml for expressions, and fails on
// one where it allows none, descriptions included.
func TestOneExpression(t *testing.T) {
	t.Parallel()
	text := string(read(t, action))
	if n := strings.Count(text, "${{"); n != 1 || !strings.Contains(text, "\n    default: ${{ github.api_url }}\n") {
		t.Errorf("got %d expressions, want one, the default of github-api-url", n)
	}
}

// keys are the names two spaces in, as inputs and outputs are.
func keys(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+):$`).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		token   string
		sources []string
		want    bool
	}{
		"carried":             {"yes", []string{"docs-endpoints"}, true},
		"perhaps":             {"unknown", []string{"go-github-v88"}, true},
		"not, but in schema":  {"no", []string{"docs-endpoints", "openapi-ghec"}, true},
		"not, and not listed": {"no", []string{"docs-endpoints", "go-github-v88"}, false},
	} {
		if got := isListed(fact{InstallationToken: c.token, Sources: c.sources}); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	got, err := refresh([]byte(`{
		"b": {"levels": ["read"], "scope": "repository", "levels_basis": "openapi", "sources": [],
			"installation_token": "yes", "description": "Theirs."},
		"a": {"levels": ["write"], "scope": "account", "levels_basis": "observed", "sources": [],
			"installation_token": "yes", "description": "New."},
		"c": {"levels": ["write"], "scope": "account", "levels_basis": "observed", "sources": [],
			"installation_token": "no", "description": "Gone."}
	}`), []byte(`[{"name":"b","scope":"repository","levels":["write"],"description":"Ours."}]`))
	want := `[
{"name":"a","scope":"account","levels":["write"],"observed":true,"description":"New."},
{"name":"b","scope":"repository","levels":["read"],"description":"Ours."}
]
`
	if err != nil || string(got) != want {
		t.Errorf("got\n%s%v\nwant\n%s", got, err, want)
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	permissions := []byte(`[{"name":"a_b","scope":"account","levels":["read","write"],"description":"Some \"thing\"."}]`)
	got, err := inputs(permissions, []byte("x\n"+begin+"  old:\n"+end+"y\n"))
	want := "x\n" + begin + "  permission-a-b:\n    description: \"Some \\\"thing\\\". Levels: read, write. Example: read\"\n" + end + "y\n"
	if err != nil || string(got) != want {
		t.Errorf("got\n%s%v\nwant\n%s", got, err, want)
	}
	if _, err := inputs(permissions, []byte("x\n"+end)); err == nil {
		t.Error("no markers, no error")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"name":"b","scope":"account","levels":["read"],"description":"B."}`
	for name, text := range map[string]string{
		"no JSON":       `[`,
		"unknown field": `[{"nmae":"b"}]`,
		"twice":         `[` + good + `,` + good + `]`,
		"no levels":     strings.Replace(`[`+good+`]`, `"read"`, ``, 1),
		"odd name":      strings.Replace(`[`+good+`]`, `"b"`, `"b-c"`, 1),
		"odd scope":     strings.Replace(`[`+good+`]`, `account`, `galaxy`, 1),
		"expression":    strings.Replace(`[`+good+`]`, `B.`, `${{ b }}.`, 1),
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "internal", "permission")
	for _, dir := range []string{dir, filepath.Join(root, "docs")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		filepath.Join(root, "permissions.json"): `{"a": {"levels": ["read"], "scope": "account", ` +
			`"installation_token": "yes", "description": "A."}}`,
		filepath.Join(root, "scopes.json"): `{"s": {"grants": "S.", "permissions": {"a": "read"}}}`,
		filepath.Join(root, "endpoint-permissions.json"): `{"endpoints": {"GET /user/a": {"perms": {"a": "read"}, "token": "user"}, ` +
			`"GET /a": {"perms": {"a": "read"}, "token": "app"}}}`,
		filepath.Join(dir, "commands.tsv"): "git a\ta=read\t\n",
		filepath.Join(root, "action.yml"):  "inputs:\n" + begin + end,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(dir, root); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, filepath.Join(root, "action.yml"))); !strings.Contains(got, "  permission-a:\n") {
		t.Errorf("got %s", got)
	}
	if got := string(read(t, filepath.Join(dir, "table_gen.go"))); !strings.Contains(got, `Name: "a"`) {
		t.Errorf("got %s", got)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "commands_gen.go"):         `{"git a", "a=read", ""},`,
		filepath.Join(dir, "operations.tsv"):          "GET\t/a\ta=read\taccount\nGET\t/user/a\ta=read\tuser\n",
		filepath.Join(root, "docs", "permissions.md"): "| `a` | account | A. | read 1: `GET /a` |",
	} {
		if got := string(read(t, path)); !strings.Contains(got, want) {
			t.Errorf("%s: got %s", path, got)
		}
	}
	if got, err := unpack(read(t, filepath.Join(dir, "scopes.tsv.gz"))); err != nil || string(got) != "s\t\tS.\ta=read\t\t\t\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := run(dir, ""); err != nil {
		t.Errorf("a second time, without facts: %v", err)
	}
	if err := run(dir, filepath.Join(root, "nowhere")); err == nil {
		t.Error("no facts, no error")
	}
}
