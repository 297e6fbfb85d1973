package permission

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

const (
	maxText   = 64 << 10 // bytes of text that Parse reads
	maxFaults = 10       // errors that are listed one by one
)

const example = "write one permission a line, such as contents: read"

// Parse reads a set of permissions from any of these forms:
//
//	contents: read            one a line, with # comments and optional quotes
//	contents: read, issues=write
//	{"contents": "read", "issues": "write"}
//
// Names may have dashes or underscores; names and levels may be in any case.
// All errors are returned, in the order of the text; the set then holds the
// entries without error, good for further checks but not for a request. An
// empty text yields an empty set.
func Parse(text string) (Set, []error) {
	if err := checkText(text, "permissions", example); err != nil {
		return Set{}, []error{err}
	}
	p := parser{set: Set{}}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		p.object(text)
	} else {
		p.lines(text)
	}
	return p.set, p.faults.list()
}

// Check returns what is wrong with one permission, such as an input
// permission-<name>, or nil. It takes both words as [Parse] does. A well-formed
// name that is not known is not an error, unless it is close enough to a known
// one to be a misspelling of it.
func Check(name, level string) error {
	return check("the name", Name(name), normalize(level))
}

type parser struct {
	set    Set
	faults faults
}

// lines reads the forms that are not JSON.
func (p *parser) lines(text string) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		entries := strings.Split(uncomment(line), ",")
		for j, entry := range entries {
			entry = strings.TrimSpace(entry)
			if entry == "" { // a blank line, a comma at the end
				continue
			}
			where := fmt.Sprintf("line %d", i+1)
			if len(lines) == 1 {
				where = fmt.Sprintf("entry %d", j+1)
			} else if len(entries) > 1 {
				where += fmt.Sprintf(", entry %d", j+1)
			}
			p.entry(where, entry)
		}
	}
}

// entry reads "name: level" or "name=level".
func (p *parser) entry(where, text string) {
	name, level := text, ""
	if i := strings.IndexAny(text, ":="); i >= 0 {
		name, level = text[:i], text[i+1:]
	}
	p.add(where, Name(unquote(name)), normalize(unquote(level)))
}

// object reads the JSON form. It reads token by token because a map would hide
// duplicates, and it drops the decoder's errors because they quote the text.
func (p *parser) object(text string) {
	d := json.NewDecoder(strings.NewReader(text))
	broken := func() {
		p.faults.add(fault.New(fmt.Sprintf("no valid JSON object near byte %d", d.InputOffset()), `{"contents": "read"}, or `+example))
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		broken()
		return
	}
	seen := map[string]bool{}
	for n := 1; d.More(); n++ {
		var value json.RawMessage
		key, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			broken()
			return
		}
		p.member(seen, fmt.Sprintf("entry %d", n), key.(string), value)
	}
	if _, err := d.Token(); err != nil {
		broken()
		return
	}
	if _, err := d.Token(); err != io.EOF {
		broken()
	}
}

// member reads one key and value of a JSON object.
func (p *parser) member(seen map[string]bool, where, key string, value json.RawMessage) {
	name := Name(key)
	var level string
	switch {
	case seen[name]:
		p.faults.add(fault.New(subject(where, name)+": the key appears twice", "keep one of them"))
	case !bytes.HasPrefix(value, []byte(`"`)) || json.Unmarshal(value, &level) != nil:
		p.faults.add(fault.New(subject(where, name)+": the level is not a string", oneOf(name)))
	default:
		p.add(where, name, normalize(level))
	}
	seen[name] = true
}

// add checks one entry and adds it to the set.
func (p *parser) add(where, name, level string) {
	if err := check(where, name, level); err != nil {
		p.faults.add(err)
		return
	}
	if before, ok := p.set[name]; ok && before != level {
		p.faults.add(conflict(subject(where, name), before, level))
		return
	}
	p.set[name] = level
}

// check is the only place that judges a name and a level, both normalised.
// where stands for the name if a message must not repeat it.
func check(where, name, level string) error {
	it := subject(where, name)
	p, known := Lookup(name)
	if isSecret(name) || isSecret(level) {
		return fault.New(it+": looks like a token", "take it out and revoke it, permissions need no secret")
	}
	if !known {
		if err := unknownName(it, name); err != nil {
			return err
		}
	}
	switch {
	case strings.HasPrefix(name, "_ "): // [Name] turned the dash into an underscore
		return fault.New(it+": begins with a dash, as in a list of YAML", "write it without, such as contents: read")
	case !wellFormed(name):
		return fault.New(it+": not a permission name", "it takes a name and a level, such as contents: read")
	case level == "":
		return fault.New(it+": no level given", oneOf(name))
	case level == "none":
		return fault.New(it+`: "none" cannot be granted`, "leave it out and name what is needed, a token gets only what is named")
	case rank(level) < 0:
		return noLevel(it, name, level)
	case known && !p.Observed && !slices.Contains(p.Levels, level):
		return fault.New(fmt.Sprintf("%s: %q is not one of its levels", it, level), oneOf(name))
	}
	return nil
}

// noLevel returns the error for a text that is not a level of any permission.
func noLevel(it, name, level string) error {
	if !levelMayAppear(level) {
		return fault.New(it+": the given text is not a level", oneOf(name))
	}
	hint := oneOf(name)
	if near := nearestWord(level, levelsOf(name)); near != "" {
		hint += " (did you mean " + near + "?)"
	}
	return fault.New(fmt.Sprintf("%s: %q is not a level", it, level), hint)
}

func levelsOf(name string) []string {
	if p, known := Lookup(name); known {
		return p.Levels
	}
	return levels
}

func oneOf(name string) string {
	l := levelsOf(name)
	if len(l) == 1 {
		return "its only level is " + l[0]
	}
	return "one of " + strings.Join(l, ", ")
}

// subject returns the name if a message may repeat it, or else its place.
func subject(where, name string) string {
	if nameMayAppear(name) {
		return name
	}
	return where
}

func normalize(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// uncomment removes a # comment, which begins the line or follows white space.
func uncomment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// unquote removes one pair of quotes.
func unquote(text string) string {
	text = strings.TrimSpace(text)
	if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		return text[1 : n-1]
	}
	return text
}

// faults collects errors. It keeps the first ones and counts the rest.
type faults struct {
	first []error
	more  int
}

func (f *faults) add(err error) {
	if len(f.first) < maxFaults {
		f.first = append(f.first, err)
	} else {
		f.more++
	}
}

func (f *faults) list() []error {
	if f.more == 0 {
		return f.first
	}
	return append(f.first, fault.New(fmt.Sprintf("%d more faults", f.more), fmt.Sprintf("fix the first %d, then try again", maxFaults)))
}
