package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// head explains operations.tsv to its readers.
const head = `# API operations that an App can use in one way or another, sorted by path and method. Fields are separated by tabs:
# method, path, permissions, notes. A comma between permissions means and, a semicolon or, as in GitHub's header
# X-Accepted-GitHub-Permissions; only the narrowest alternatives are here. Notes:
#   account    the permission is one over a user account
#   cloud      only on GitHub Enterprise Cloud
#   jwt        takes the App's JWT, no token
#   unlisted   no permission is published for it
#   unsure     nobody says how the permissions combine, or that they are all; every one of them is taken
#   user       takes user tokens only, no installation token
#   workflows  takes workflows=write as well when files in .github/workflows change
# From collected facts, see generate; then operations.tsv.gz is made of it. DO NOT EDIT.
`

// endpoints are the collected facts about operations.
type endpoints struct {
	JWTOnly   []string            `json:"jwt_only"`
	Unlisted  []string            `json:"no_permission_listed"`
	Endpoints map[string]endpoint `json:"endpoints"`
}

type endpoint struct {
	Permissions map[string]string `json:"perms"`
	Token       string            `json:"token"`
	Additional  bool              `json:"additional"`
	Combine     string            `json:"combine"`
	Cloud       bool              `json:"ghec_only"`
}

// operations makes operations.tsv from collected facts; permissions is
// permissions.json.
func operations(collected, permissions []byte) ([]byte, error) {
	var facts endpoints
	if err := json.Unmarshal(collected, &facts); err != nil {
		return nil, err
	}
	entries, err := parse(permissions)
	if err != nil {
		return nil, err
	}
	account := map[string]bool{}
	for _, e := range entries {
		account[e.Name] = e.Scope == "account"
	}
	rows := map[string]string{} // "path method" → line
	shapes := map[string]bool{}
	add := func(name, permissions string, notes ...string) {
		method, path, _ := strings.Cut(name, " ")
		rows[path+" "+method] = strings.Join([]string{method, path, permissions, strings.Join(notes, " ")}, "\t") + "\n"
		shapes[shape(name)] = true
	}
	for name, e := range facts.Endpoints {
		permissions, notes, err := e.row(account)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		add(name, permissions, notes...)
	}
	for _, name := range facts.JWTOnly {
		add(name, "", "jwt")
	}
	for _, name := range facts.Unlisted {
		if !shapes[shape(name)] { // not listed under another name for its placeholder
			add(name, "", "unlisted")
		}
	}
	var b strings.Builder
	b.WriteString(head)
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		b.WriteString(rows[key])
	}
	return []byte(b.String()), nil
}

var placeholder = regexp.MustCompile(`\{[^/]*\}`)

// shape returns what two spellings of one operation have in common.
func shape(name string) string { return placeholder.ReplaceAllString(name, "{}") }

// row decides how the permissions of an endpoint combine. Where the facts don't
// say, it takes all of them: a token with too little is of no use.
func (e endpoint) row(account map[string]bool) (permissions string, notes []string, err error) {
	kept := maps.Clone(e.Permissions)
	separator := ","
	switch {
	case e.Combine == "any":
		separator = ";"
	case e.Combine == "all+metadata:read":
		kept["metadata"] = "read"
	case strings.HasPrefix(e.Combine, "contents, plus workflows when"):
		delete(kept, "workflows")
		notes = append(notes, "workflows")
	case e.Combine == "unknown":
		notes = append(notes, "unsure")
	case e.Combine != "" && e.Combine != "all", e.Combine == "" && (e.Additional || len(kept) != 1):
		return "", nil, fmt.Errorf("no rule for combine %q of %d permissions", e.Combine, len(kept))
	}
	switch e.Token {
	case "user":
		notes = append(notes, "user")
	case "app", "app+user":
		isAccount := func(name, _ string) bool { return account[name] }
		if all := len(kept); all > countAccount(kept, account) { // next to others, these are for user tokens
			maps.DeleteFunc(kept, isAccount)
		} else {
			notes = append(notes, "account")
		}
	default:
		return "", nil, fmt.Errorf("no rule for token %q", e.Token)
	}
	if e.Cloud {
		notes = append(notes, "cloud")
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		list = append(list, name+"="+kept[name])
	}
	slices.Sort(notes)
	return strings.Join(list, separator), notes, nil
}

func countAccount(permissions map[string]string, account map[string]bool) int {
	n := 0
	for name := range permissions {
		if account[name] {
			n++
		}
	}
	return n
}

// operation is one line of operations.tsv.
type operation struct {
	Method, Path, Permissions string
	Notes                     []string
}

// usable reports whether an installation token with permissions opens it.
func (o operation) usable() bool {
	return o.Permissions != "" && !slices.Contains(o.Notes, "user") && !slices.Contains(o.Notes, "jwt")
}

var (
	linePattern = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE)\t(/[^\s?#]*)\t([a-z_=,;]*)\t([a-z ]*)$`)
	knownNotes  = strings.Fields("account cloud jwt unlisted unsure user workflows")
)

// readOperations reads operations.tsv and checks what the package relies on.
func readOperations(tsv, permissions []byte) ([]operation, error) {
	levels, err := levelsOf(permissions)
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(tsv, []byte(head))
	if !ok {
		return nil, fmt.Errorf("operations.tsv does not begin with the head that generate writes")
	}
	var list []operation
	before := ""
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSuffix(line, "\n")
		m := linePattern.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("operations.tsv: not an operation: %s", line)
		}
		o := operation{Method: m[1], Path: m[2], Permissions: m[3], Notes: strings.Fields(m[4])}
		key := o.Path + " " + o.Method
		if key <= before {
			return nil, fmt.Errorf("operations.tsv: %s is out of order, or a duplicate", key)
		}
		before = key
		if err := o.check(levels); err != nil {
			return nil, fmt.Errorf("operations.tsv: %s: %w", key, err)
		}
		list = append(list, o)
	}
	return list, nil
}

// check checks an operation against the known permissions.
func (o operation) check(levels map[string][]string) error {
	for _, note := range o.Notes {
		if !slices.Contains(knownNotes, note) {
			return fmt.Errorf("there is no note %s", note)
		}
	}
	if o.Permissions == "" {
		if !slices.Contains(o.Notes, "jwt") && !slices.Contains(o.Notes, "unlisted") && !slices.Contains(o.Notes, "user") {
			return fmt.Errorf("no permissions")
		}
		return nil
	}
	for part := range strings.FieldsFuncSeq(o.Permissions, func(r rune) bool { return r == ',' || r == ';' }) {
		name, level, _ := strings.Cut(part, "=")
		if o.usable() && !slices.Contains(levels[name], level) {
			return fmt.Errorf("there is no such permission and level: %s", part)
		}
	}
	return nil
}

// pack compresses a file for embedding. The bytes may differ from one release
// of Go to the next, so it keeps an old file that unpacks to the same.
func pack(text, old []byte) ([]byte, error) {
	if same, err := unpack(old); err == nil && bytes.Equal(same, text) {
		return old, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	return b.Bytes(), err
}
