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
	maxText   = 64 << 10 // bytes of text that Parse looks at
	maxFaults = 10       // faults that are told one by one
)

const example = "write one permission a line, such as contents: read"

// Parse reads a set of permissions from any of these forms:
//
//	contents: read            one a line, with # comments and optional quotes
//	contents: read, issues=write
//	{"contents": "read", "issues": "write"}
//
// Names are taken with dashes or underscores, names and levels in any case. All
// faults are reported, in the order of the text; the set then holds the entries
// without fault, good for further checks but not for a request. No text gives
// an empty set.
func Parse(text string) (Set, []error) {
	if err := refuse(text, "permissions", example); err != nil {
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

// Check tells what is wrong with one permission, such as an input
// permission-<name> holds it; nil when nothing is. Both words are taken as
// [Parse] takes them. A name that is well-formed but not known is no fault, unless
// it is so near to a known one that it is a misspelling of it.
func Check(name, level string) error {
	return check("the name", Name(name), word(level))
}

type parser struct {
	set    Set
	faults faults
}

// lines reads the forms that are no JSON.
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
	p.add(where, Name(unquote(name)), word(unquote(level)))
}

// object reads the JSON form. It goes by tokens because a map would hide
// duplicates, and leaves out the decoder's errors because they quote the text.
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

// member takes one key and value of a JSON object.
func (p *parser) member(seen map[string]bool, where, key string, value json.RawMessage) {
	name := Name(key)
	var level string
	switch {
	case seen[name]:
		p.faults.add(fault.New(subject(where, name)+": the key is there twice", "keep one of them"))
	case !bytes.HasPrefix(value, []byte(`"`)) || json.Unmarshal(value, &level) != nil:
		p.faults.add(fault.New(subject(where, name)+": the level is not a string", oneOf(name)))
	default:
		p.add(where, name, word(level))
	}
	seen[name] = true
}

// add checks one entry and puts it into the set.
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

// check is the one judge of a name and a level, both normalised; where stands
// for the name when that must not be repeated.
func check(where, name, level string) error {
	it := subject(where, name)
	p, known := Lookup(name)
	if isSecret(name) || isSecret(level) {
		return fault.New(it+": looks like a token", "take it out and revoke it, permissions need no secret")
	}
	if !known {
		if err := noName(it, name); err != nil {
			return err
		}
	}
	switch {
	case strings.HasPrefix(name, "_ "): // a dash, as [Name] has it
		return fault.New(it+": begins with a dash, as in a list of YAML", "write it without, such as contents: read")
	case !wellFormed(name):
		return fault.New(it+": no permission name", "it takes a name and a level, such as contents: read")
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

// noLevel is the fault of a text that is the level of nothing.
func noLevel(it, name, level string) error {
	if !isWord(level) {
		return fault.New(it+": what is given is no level", oneOf(name))
	}
	hint := oneOf(name)
	if near := nearestWord(level, levelsOf(name)); near != "" {
		hint += " (did you mean " + near + "?)"
	}
	return fault.New(fmt.Sprintf("%s: %q is no level", it, level), hint)
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

// subject is the name, where a message may repeat it, or else its place.
func subject(where, name string) string {
	if speakable(name) {
		return name
	}
	return where
}

func word(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// uncomment cuts a # comment off, which begins the line or follows white space.
func uncomment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// unquote takes one pair of quotes off.
func unquote(text string) string {
	text = strings.TrimSpace(text)
	if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		return text[1 : n-1]
	}
	return text
}

// faults collects errors and keeps the first ones and the number of the rest.
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
	return append(f.first, fault.New(fmt.Sprintf("%d more faults", f.more), fmt.Sprintf("mend the first %d, then try again", maxFaults)))
}
