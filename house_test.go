package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"

	"github.com/valetkey/valetkey/internal/manifest"
)

const module = "github.com/valetkey/valetkey"

// goPackage is what `go list -json` says of a package, as far as we ask.
type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// leaves may be imported by all, and import nothing of ours but each other.
var leaves = []string{
	"internal/address", "internal/apicall", "internal/manifest", "internal/nearest", "internal/permission", "internal/redact", "internal/safefile",
}

// imports is who may import what of ours, besides the leaves. Only cli composes; the
// fakes import nothing, since a double that shared our code would confirm our
// mistakes.
var imports = map[string][]string{
	"":                    {"internal/cli"},
	"internal/actions":    {},
	"internal/cli":        {"*"},
	"internal/demo":       {"internal/actions", "internal/fakegithub", "internal/fakerunner", "internal/githubapp"}, // what it shows
	"internal/envelope":   {},
	"internal/fakegithub": nil,
	"internal/fakerunner": nil,
	"internal/gitauth":    {},
	"internal/githubapp":  {},
	"internal/rotate":     {"internal/secret"}, // storing is what it is for
	"internal/secret":     {},
}

// network are the packages that speak HTTP: clients are built in githubapp, and the
// fake and the demo serve. main takes the rule for proxies from there, cli its type.
var network = []string{"", "internal/cli", "internal/demo", "internal/fakegithub", "internal/githubapp"}

func TestImportRules(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasSuffix(name, "test") || strings.HasSuffix(name, "/generate") || strings.HasPrefix(name, "test/") {
			continue // for tests and go generate only
		}
		allowed, listed := imports[name]
		if !listed && !slices.Contains(leaves, name) {
			t.Errorf("%s is not in the table of who may import what", name)
		}
		for _, imported := range p.Imports {
			ours, ok := strings.CutPrefix(imported, module+"/")
			switch {
			case imported == "net/http" && !slices.Contains(network, name):
				t.Errorf("%s imports net/http", name)
			case !ok, slices.Contains(allowed, ours), slices.Contains(allowed, "*") && ours != "internal/fakegithub":
			case slices.Contains(leaves, ours) && (!listed || allowed != nil):
			default:
				t.Errorf("%s imports %s", name, ours)
			}
		}
	}
}

// The picture of the house has every room.
func TestContributingNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, picture, _ := strings.Cut(string(text), "\n```\nmain.go ")
	picture, rules, _ := strings.Cut(picture, "\n```\n")
	for _, name := range append(slices.Sorted(maps.Keys(imports)), leaves...) {
		if !regexp.MustCompile(`\b` + strings.TrimPrefix(name, "internal/") + `\b`).MatchString(picture) {
			t.Errorf("the picture in CONTRIBUTING.md has no %s", name)
		}
	}
	for _, named := range regexp.MustCompile("`(internal/[a-z/_.]+)`").FindAllStringSubmatch(rules, -1) {
		if _, err := os.Stat(named[1]); err != nil {
			t.Errorf("CONTRIBUTING.md names %s, and there is none", named[1])
		}
	}
}

// The container that holds an App's key has neither a GitHub of its own nor an HTTP
// server in it.
func TestImageHasNoDemo(t *testing.T) {
	file, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`-tags (\S+)`).FindSubmatch(file)
	if tags == nil {
		t.Fatal("the Dockerfile names no build tags")
	}
	for what, flags := range map[string][]string{"image": {"-tags", string(tags[1])}, "program": nil} {
		out, err := exec.Command("go", append(append([]string{"list", "-deps"}, flags...), ".")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"demo", "fakegithub", "fakerunner"} {
			if has := strings.Contains(string(out), module+"/internal/"+name+"\n"); has != (what == "program") {
				t.Errorf("the %s holds internal/%s: %v", what, name, has)
			}
		}
	}
}

// The environment and the exit belong to main.
func TestOnlyMainTouchesTheProcess(t *testing.T) {
	forbidden := regexp.MustCompile(`\bos\.(Getenv|LookupEnv|Environ|Exit|Setenv|Stdout|Stderr|Stdin)\b`)
	err := filepath.WalkDir("internal", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if strings.Contains(path, "test/") || strings.Contains(path, "/generate/") {
			return nil
		}
		source, err := os.ReadFile(path)
		for _, found := range forbidden.FindAllString(string(source), -1) {
			t.Errorf("%s uses %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every workflow in the README is one that GitHub would take, and every manifest
// one that we take.
func TestREADMEWorkflows(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(readme, -1)
	if len(blocks) < 3 {
		t.Fatalf("the README has %d YAML blocks", len(blocks))
	}
	for _, block := range blocks {
		source := block[1]
		if bytes.HasPrefix(source, []byte("# .github/valetkey.yml\n")) { // a manifest
			if _, err := manifest.Parse("README.md", source); err != nil {
				t.Error(err)
			}
			continue
		}
		if !bytes.Contains(source, []byte("jobs:")) { // steps alone
			var job bytes.Buffer
			job.WriteString("on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n")
			for line := range bytes.Lines(source) {
				job.WriteString("      " + string(line))
			}
			source = job.Bytes()
		}
		linter, err := actionlint.NewLinter(&bytes.Buffer{}, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		faults, err := linter.Lint("README.yml", source, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults {
			t.Errorf("%v in:\n%s", fault, source)
		}
	}
}

// The tables of README.md and docs/actions.md name every input and output, and no
// others.
func TestREADMETables(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	action, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"inputs", "outputs"} {
		title := "## " + strings.ToUpper(section[:1]) + section[1:] + "\n"
		_, text, ok := strings.Cut(string(readme), title)
		if !ok {
			t.Fatalf("no section %q", title)
		}
		text, _, _ = strings.Cut(text, "\n## ")
		got, want := rows(text), declared(string(action), section)
		if !slices.Equal(got, want) {
			t.Errorf("%s in the README: %v\nin action.yml: %v", section, got, want)
		}
	}
	others, err := os.ReadFile("docs/actions.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"decrypt", "revoke", "encrypt", "sync", "rotate"} {
		file, err := os.ReadFile(name + "/action.yml")
		if err != nil {
			t.Fatal(err)
		}
		_, text, ok := strings.Cut(string(others), "\n## "+name+"\n")
		if !ok {
			t.Fatalf("no section on %s", name)
		}
		text, _, _ = strings.Cut(text, "\n##")
		got := rows(text)
		want := slices.Concat(declared(string(file), "inputs"), declared(string(file), "outputs"))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s in docs/actions.md: %v\nin its action.yml: %v", name, got, want)
		}
	}
}

// rows lists what the first column of a table names, sorted.
func rows(text string) []string {
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z<>-]+)`").FindAllStringSubmatch(text, -1) {
		names = append(names, row[1])
	}
	slices.Sort(names)
	return names
}

// declared lists what action.yml declares; the many permission inputs are one row.
func declared(action, section string) []string {
	_, text, _ := strings.Cut(action, "\n"+section+":\n")
	text = regexp.MustCompile(`(?m)^[a-z]`).Split(text, 2)[0] // up to the next key of the top level
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+):`).FindAllStringSubmatch(text, -1) {
		name := m[1]
		if strings.HasPrefix(name, "permission-") && name != "permission-check" {
			name = "permission-<name>"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// No file holds what a secret scanner would take for a token or a key: tests make
// theirs when they run.
func TestNothingTokenShaped(t *testing.T) {
	shaped := regexp.MustCompile(`gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9]{20,}|AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]{40,}|PRIVATE KEY-----\s+[A-Za-z0-9+/]{60,}`)
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		if found := shaped.Find(text); found != nil {
			t.Errorf("%s holds %.12s…", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
