package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rhysd/actionlint"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/pat"
)

// GitHub would accept every workflow in the texts, and valetkey accepts every
// manifest there.
func TestWorkflowsInDocs(t *testing.T) {
	for file, blocks := range yamlBlocks(t) {
		for _, block := range blocks {
			lintExample(t, file, []byte(block))
		}
	}
}

// yamlBlocks returns the YAML blocks of all texts, by file.
func yamlBlocks(t *testing.T) map[string][]string {
	t.Helper()
	blocks := map[string][]string{}
	for _, file := range markdown(t) {
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(readAll(t, file), -1) {
			blocks[file] = append(blocks[file], block[1])
		}
	}
	return blocks
}

// markdown lists the texts that users read.
func markdown(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files are %s: %v", len(files), pattern, err)
		}
		all = append(all, files...)
	}
	return all
}

// lintExample parses a manifest, and checks a workflow, or the steps of one, with
// actionlint.
func lintExample(t *testing.T, file string, source []byte) {
	t.Helper()
	switch {
	case bytes.HasPrefix(source, []byte("# .github/valetkey.yml\n")), bytes.HasPrefix(source, []byte("secrets:\n")):
		if _, err := manifest.Parse(file, source); err != nil {
			t.Errorf("%v in:\n%s", err, source)
		}
		return
	case !bytes.Contains(source, []byte("jobs:")): // steps alone
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

// The step that makes a table of a report works, and makes no formula of a
// name that somebody gave to a token.
func TestTableOfDecisions(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	step := regexp.MustCompile(`(?m)^        run: \|\n((?: {10}.*\n)+)`).FindStringSubmatch(readAll(t, "docs/personal-tokens.md"))
	if step == nil || !strings.Contains(step[1], "jq -r") {
		t.Fatal("the docs have no such step")
	}
	end := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	report := pat.Report{
		Records: []pat.Record{
			{
				Organization: "acme", Kind: pat.Grant, Owner: "mona", Token: `=HYPERLINK("x")`,
				Rule: "unused", Decision: pat.Revoke, Outcome: pat.Done,
			},
			{Organization: "acme", Kind: pat.Request, Owner: "hubot", Token: `ci, "night"`, Decision: pat.Wait, Expires: &end},
			{Organization: "acme", Kind: pat.Authorization, Owner: "mona", Decision: pat.Keep},
		},
		Leaks: []pat.Leak{{Organization: "acme", Kind: "leak", Repository: "acme/api", Alert: 1, Outcome: pat.Done}},
	}
	var lines bytes.Buffer
	dir := t.TempDir()
	err := report.WriteRecords(&lines)
	if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "decisions.jsonl"), lines.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-e", "-c", step[1])
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "decisions.csv"))
	want := `"acme","grant","mona","'=HYPERLINK(""x"")","unused","revoke","done",` + "\n" +
		`"acme","request","hubot","ci, ""night""",,"wait",,"2026-12-24T00:00:00Z"` + "\n" +
		`"acme","authorization","mona","",,"keep",,` + "\n" +
		`"acme","leak","acme/api","",,,"done",` + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Links between our texts lead to a file, and to a heading of it. A picture is
// there too, is of this repository, and says what it shows.
func TestLinksInDocs(t *testing.T) {
	for _, file := range markdown(t) {
		text := readAll(t, file)
		if strings.Contains(text, "<img") || strings.Contains(text, "![](") {
			t.Errorf("%s has a picture that does not say what it shows", file)
		}
		for _, link := range regexp.MustCompile(`(!?)\[[^][]*\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			picture, address := link[1] != "", link[2]
			switch {
			case !strings.Contains(address, "://"):
				checkLink(t, file, address)
			case picture:
				t.Errorf("%s has a picture of somebody else's: %s", file, address)
			}
		}
	}
	all := ""
	for _, file := range markdown(t) {
		all += readAll(t, file)
	}
	pictures, err := filepath.Glob("docs/pictures/*.png")
	if err != nil || len(pictures) == 0 {
		t.Fatalf("%d pictures: %v", len(pictures), err)
	}
	for _, picture := range pictures {
		if !strings.Contains(all, "pictures/"+filepath.Base(picture)+")") {
			t.Errorf("no text shows %s", picture)
		}
	}
}

// checkLink holds a link against the file and the heading that it leads to.
func checkLink(t *testing.T, file, link string) {
	t.Helper()
	path, fragment, _ := strings.Cut(link, "#")
	target := file
	if path != "" {
		target = filepath.Join(filepath.Dir(file), path)
	}
	if _, err := os.Stat(target); err != nil {
		t.Errorf("%s: %s: %v", file, link, err)
		return
	}
	if fragment == "" {
		return
	}
	var headings []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(readAll(t, target), -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		headings = append(headings, strings.ReplaceAll(anchor, " ", "-"))
	}
	if !slices.Contains(headings, fragment) {
		t.Errorf("%s: %s has no heading %s", file, target, fragment)
	}
}

// The tables of docs/mint.md and docs/actions.md name exactly the inputs and
// outputs that there are.
func TestTablesOfInputs(t *testing.T) {
	mint, action := readAll(t, "docs/mint.md"), readAll(t, "action.yml")
	for _, section := range []string{"inputs", "outputs"} {
		title := "## " + strings.ToUpper(section[:1]) + section[1:] + "\n"
		_, text, ok := strings.Cut(mint, title)
		if !ok {
			t.Fatalf("no section %q", title)
		}
		text, _, _ = strings.Cut(text, "\n## ")
		got, want := rows(text), declared(action, section)
		if !slices.Equal(got, want) {
			t.Errorf("%s in docs/mint.md: %v\nin action.yml: %v", section, got, want)
		}
	}
	others := readAll(t, "docs/actions.md")
	for _, name := range otherActions(t) {
		file := readAll(t, name+"/action.yml")
		_, text, ok := strings.Cut(others, "\n## "+name+"\n")
		if !ok {
			t.Fatalf("no section on %s", name)
		}
		text, _, _ = strings.Cut(text, "\n##")
		got := rows(text)
		want := slices.Concat(declared(file, "inputs"), declared(file, "outputs"))
		if name == "native" { // the root's stand in docs/mint.md
			want = []string{"binary"}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s in docs/actions.md: %v\nin its action.yml: %v", name, got, want)
		}
	}
}

// rows lists the names in the first column of a table, sorted.
func rows(text string) []string {
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\|((?: `[a-z<>-]+`,?)+) \\|").FindAllStringSubmatch(text, -1) {
		names = append(names, strings.FieldsFunc(row[1], func(r rune) bool { return strings.ContainsRune(" `,", r) })...)
	}
	slices.Sort(names)
	return names
}

// declared lists the inputs or outputs that action.yml declares. The many
// permission inputs count as one.
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
