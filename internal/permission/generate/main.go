// Command generate makes what is derived from permissions.json, scopes.json,
// operations.tsv and commands.tsv: the tables of package permission,
// docs/permissions.md and the permission-* inputs of the root action.yml. It is
// run by go generate in internal/permission and never uses the network.
//
// When VALETKEY_GITHUB_FACTS names a directory of collected facts
// (permissions.json, scopes.json, endpoint-permissions.json), the first three
// files are refreshed from it before.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(".", os.Getenv("VALETKEY_GITHUB_FACTS")); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run reads and writes the files of package permission in dir; facts may be "".
func run(dir, facts string) error {
	if facts != "" {
		if err := refreshAll(dir, facts); err != nil {
			return err
		}
	}
	var own, scopes, tsv, words []byte
	for name, data := range map[string]*[]byte{"permissions.json": &own, "scopes.json": &scopes, "operations.tsv": &tsv, "commands.tsv": &words} {
		var err error
		if *data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	root := filepath.Join(dir, "..", "..")
	for _, step := range []struct {
		path   string
		change func(old []byte) ([]byte, error)
	}{
		{filepath.Join(dir, "table_gen.go"), func([]byte) ([]byte, error) { return table(own) }},
		{filepath.Join(dir, "words_gen.go"), func([]byte) ([]byte, error) { return wordTable(words, own) }},
		{filepath.Join(dir, "scopes.tsv.gz"), func(old []byte) ([]byte, error) {
			text, err := scopeLines(scopes, own)
			if err != nil {
				return nil, err
			}
			return pack(text, old)
		}},
		{filepath.Join(dir, "operations.tsv.gz"), func(old []byte) ([]byte, error) { return pack(tsv, old) }},
		{filepath.Join(root, "docs", "permissions.md"), func([]byte) ([]byte, error) { return page(own, scopes, tsv, words) }},
		{filepath.Join(root, "action.yml"), func(old []byte) ([]byte, error) { return inputs(own, old) }},
	} {
		if err := rewrite(step.path, step.change); err != nil {
			return err
		}
	}
	return nil
}

// refreshAll renews the files that the others are made of.
func refreshAll(dir, facts string) error {
	own := []byte(nil)
	for _, step := range []struct {
		from, to string
		change   func(collected, old []byte) ([]byte, error)
	}{
		{"permissions.json", "permissions.json", func(collected, old []byte) (_ []byte, err error) {
			own, err = refresh(collected, old)
			return own, err
		}},
		{"scopes.json", "scopes.json", refreshScopes},
		{"endpoint-permissions.json", "operations.tsv", func(collected, _ []byte) ([]byte, error) { return operations(collected, own) }},
	} {
		collected, err := os.ReadFile(filepath.Join(facts, step.from))
		if err != nil {
			return err
		}
		err = rewrite(filepath.Join(dir, step.to), func(old []byte) ([]byte, error) { return step.change(collected, old) })
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite replaces a file, which need not exist, by what change makes of it.
func rewrite(path string, change func([]byte) ([]byte, error)) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	changed, err := change(old)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(old, changed) {
		return nil
	}
	return os.WriteFile(path, changed, 0o644)
}

// entry is one element of permissions.json.
type entry struct {
	Name        string   `json:"name"`
	Scope       string   `json:"scope"`
	Levels      []string `json:"levels"`
	Observed    bool     `json:"observed,omitempty"` // see permission.Permission
	Description string   `json:"description"`
}

// fact is one value of the collected facts, whose keys are the names.
type fact struct {
	Scope             string   `json:"scope"`
	Levels            []string `json:"levels"`
	LevelsBasis       string   `json:"levels_basis"`
	Sources           []string `json:"sources"`
	InstallationToken string   `json:"installation_token"`
	Description       string   `json:"description"`
}

// kept is the rule for what is in the table: every key that an installation
// token can carry or that GitHub's own schema lists. So a key goes only when
// installation tokens are known not to carry it and no OpenAPI source lists it.
// The schema's account permissions stay because actions/create-github-app-token
// offers them, and its users need not change a line.
func kept(f fact) bool {
	return f.InstallationToken != "no" || slices.ContainsFunc(f.Sources, func(source string) bool {
		return strings.HasPrefix(source, "openapi")
	})
}

// refresh makes permissions.json from collected facts. A description that is
// already there stays: the text is ours, written for the readers of action.yml.
func refresh(collected, own []byte) ([]byte, error) {
	var facts map[string]fact
	if err := json.Unmarshal(collected, &facts); err != nil {
		return nil, err
	}
	described := map[string]string{}
	if len(own) > 0 {
		entries, err := parse(own)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			described[e.Name] = e.Description
		}
	}
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		f := facts[name]
		if !kept(f) {
			continue
		}
		text := described[name]
		if text == "" {
			text = f.Description
		}
		entries = append(entries, entry{name, f.Scope, f.Levels, f.LevelsBasis != "openapi", text})
	}
	return lines(entries)
}

// lines is a JSON array with one entry a line, so that differences read well.
func lines[E any](entries []E) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteString("[\n")
	for i, e := range entries {
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
		if i < len(entries)-1 {
			b.Truncate(b.Len() - 1) // the newline that Encode adds
			b.WriteString(",\n")
		}
	}
	b.WriteString("]\n")
	return b.Bytes(), nil
}

// parse reads permissions.json and checks what the package relies on.
func parse(own []byte) ([]entry, error) {
	var entries []entry
	d := json.NewDecoder(bytes.NewReader(own))
	d.DisallowUnknownFields()
	if err := d.Decode(&entries); err != nil {
		return nil, err
	}
	for i, e := range entries {
		switch {
		case i > 0 && entries[i-1].Name >= e.Name:
			return nil, fmt.Errorf("%s: out of order, or twice", e.Name)
		case len(e.Levels) == 0 || strings.Trim(e.Name, "abcdefghijklmnopqrstuvwxyz_") != "":
			return nil, fmt.Errorf("%s: no levels, or an odd name", e.Name)
		case !slices.Contains([]string{"repository", "organization", "enterprise", "account"}, e.Scope):
			return nil, fmt.Errorf("%s: no such scope: %s", e.Name, e.Scope)
		case !strings.HasSuffix(e.Description, ".") || strings.Contains(e.Description, "${{"):
			return nil, fmt.Errorf("%s: the description is no sentence, or holds an expression", e.Name)
		}
	}
	return entries, nil
}

// levelsOf reads permissions.json and returns the levels by name.
func levelsOf(own []byte) (map[string][]string, error) {
	entries, err := parse(own)
	if err != nil {
		return nil, err
	}
	levels := map[string][]string{}
	for _, e := range entries {
		levels[e.Name] = e.Levels
	}
	return levels, nil
}

// table makes table_gen.go from permissions.json.
func table(own []byte) ([]byte, error) {
	entries, err := parse(own)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("// Code generated by internal/permission/generate from permissions.json. DO NOT EDIT.\n\n")
	b.WriteString("package permission\n\nvar table = []Permission{\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "{Name: %q, Scope: %q, Levels: %#v", e.Name, e.Scope, e.Levels)
		if e.Observed {
			b.WriteString(", Observed: true")
		}
		fmt.Fprintf(&b, ", Description: %q},\n", e.Description)
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}

const (
	begin = "  # permission inputs, made by go generate ./...: begin\n"
	end   = "  # permission inputs, made by go generate ./...: end\n"
)

// inputs replaces what stands between the two markers of an action.yml by one
// input for each entry of permissions.json.
func inputs(own, action []byte) ([]byte, error) {
	entries, err := parse(own)
	if err != nil {
		return nil, err
	}
	head, rest, ok := strings.Cut(string(action), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return nil, errors.New("the marker comments of the permission inputs are not there")
	}
	var b strings.Builder
	b.WriteString(head + begin)
	for _, e := range entries {
		text := fmt.Sprintf("%s Levels: %s. Example: %s", e.Description, strings.Join(e.Levels, ", "), e.Levels[0])
		fmt.Fprintf(&b, "  permission-%s:\n    description: %s\n", strings.ReplaceAll(e.Name, "_", "-"), strconv.QuoteToASCII(text))
	}
	b.WriteString(end + tail)
	return []byte(b.String()), nil
}
