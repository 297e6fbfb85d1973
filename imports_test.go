package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/valetkey/valetkey"

// goPackage is the part of `go list -json` that the tests use.
type goPackage struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Dir,GoFiles", "./...").Output()
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

// leaves may be imported by every package, and import only each other.
var leaves = []string{
	"internal/address", "internal/apicall", "internal/fault", "internal/manifest", "internal/markdown", "internal/nearest",
	"internal/pattern", "internal/permission", "internal/redact", "internal/safefile", "internal/wording",
}

// imports has the packages that each package may import besides the leaves.
// Only cli composes them. The fakes import nothing, since a fake that shared
// our code would confirm our mistakes.
var imports = map[string][]string{
	"":                    {"internal/cli"},
	"internal/actions":    {},
	"internal/cli":        {"*"},
	"internal/custody":    {},
	"internal/demo":       {"internal/actions", "internal/fakegithub", "internal/fakerunner", "internal/githubapp"}, // what it shows
	"internal/envelope":   {},
	"internal/fakegithub": nil,
	"internal/fakerunner": nil,
	"internal/fleet":      {"internal/githubapp", "internal/secret"}, // whose tokens, and for what
	"internal/gitauth":    {},
	"internal/githubapp":  {},
	"internal/pat":        {},
	"internal/rotate":     {"internal/secret"}, // storing is what it is for
	"internal/secret":     {},
	"internal/setup":      {},
}

// The picture in CONTRIBUTING.md has an arrow for each import of that table.
func TestPictureOfTheHouse(t *testing.T) {
	_, text, _ := strings.Cut(readAll(t, "CONTRIBUTING.md"), "\nflowchart TD\n")
	text, _, _ = strings.Cut(text, "\n```")
	drawn := map[string][]string{}
	for line := range strings.Lines(text) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " --> ")
		drawn[from] = strings.Split(to, " & ")
	}
	want := map[string][]string{}
	for name, imported := range imports {
		from := path.Base(name)
		if name == "" {
			from = "main"
		}
		for _, to := range imported {
			if to == "*" {
				continue
			}
			want[from] = append(want[from], path.Base(to))
		}
		if imported != nil && name != "" && name != "internal/cli" {
			want["cli"] = append(want["cli"], path.Base(name))
		}
	}
	for _, list := range want {
		slices.Sort(list)
	}
	if diff := cmp.Diff(want, drawn); diff != "" {
		t.Error(diff)
	}
}

// network are the packages that may use all of net/http. The others may use its
// constants and types of data alone. Clients are built in githubapp; the fake
// and the demo serve, and setup serves one page to one browser. main takes the
// rule for proxies from net/http, and cli the type of that rule.
var network = []string{"", "internal/cli", "internal/demo", "internal/fakegithub", "internal/githubapp", "internal/setup"}

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
				noConnections(t, p)
			case !ok, slices.Contains(allowed, ours), slices.Contains(allowed, "*") && ours != "internal/fakegithub":
			case slices.Contains(leaves, ours) && (!listed || allowed != nil):
			default:
				t.Errorf("%s imports %s", name, ours)
			}
		}
	}
}

// connections are the names of net/http that open or accept connections. The
// rest of it are constants, such as methods and statuses, and types of data.
var connections = regexp.MustCompile(`\bhttp\.(Client|Transport|Server|RoundTripper|Get|Head|Post|PostForm|` +
	`(NewRequest|Default|Handle|Serve|ListenAndServe)\w*)\b`)

func noConnections(t *testing.T, p goPackage) {
	for _, file := range p.GoFiles {
		source, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			t.Error(err)
		}
		if found := connections.Find(source); found != nil {
			t.Errorf("%s of %s has %s", file, p.ImportPath, found)
		}
	}
}

// The picture of the packages in CONTRIBUTING.md has every package.
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

// The image, which gets an App's key, contains neither the fake GitHub nor an
// HTTP server, and makes no App.
func TestImageHasNoDemo(t *testing.T) {
	file, err := os.ReadFile(".ci/build")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`image\) tags=(\S+) `).FindSubmatch(file)
	if tags == nil {
		t.Fatal(".ci/build names no build tags")
	}
	for what, flags := range map[string][]string{"image": {"-tags", string(tags[1])}, "program": nil} {
		out, err := exec.Command("go", append(append([]string{"list", "-deps"}, flags...), ".")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"demo", "fakegithub", "fakerunner", "setup"} {
			if has := strings.Contains(string(out), module+"/internal/"+name+"\n"); has != (what == "program") {
				t.Errorf("the %s holds internal/%s: %v", what, name, has)
			}
		}
	}
}

// Only main reads the environment and exits.
func TestOnlyMainTouchesTheProcess(t *testing.T) {
	forbidden := regexp.MustCompile(`\bos\.(Getenv|LookupEnv|Environ|Exit|Setenv|Stdout|Stderr|Stdin)\b|\blog\.(Fatal|Panic)`)
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
