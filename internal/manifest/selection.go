package manifest

import (
	"slices"
	"strings"
)

// Selection is a list of repositories by name, by pattern and by topic. Case
// doesn't count, as for GitHub. [Selection.Select] returns the repositories
// that it selects from those that an App reaches.
type Selection struct {
	// AllowEmpty permits entries that select nothing today; without it such an
	// entry is misspelt more often than not.
	AllowEmpty bool

	entries []Entry
}

// Entry is one text of a list. A topic without an owner becomes one entry for
// each owner of the list, at the same position.
type Entry struct {
	Position
	owner, name string // name may be a pattern; empty with topic
	topic       string
	excluded    bool
}

// Empty reports whether nothing was listed, and so no repository is selected.
func (s Selection) Empty() bool { return len(s.entries) == 0 }

// Owners returns the owners of the listed repositories, each once.
func (s Selection) Owners() []string {
	var owners []string
	for _, e := range s.entries {
		if !containsFold(owners, e.owner) {
			owners = append(owners, e.owner)
		}
	}
	return owners
}

// Exact returns the repositories as OWNER/NAME, each once, if the list alone
// decides: without pattern, topic or exclusion, and not empty.
func (s Selection) Exact() (names []string, ok bool) {
	seen := make(map[string]bool, len(s.entries))
	for _, e := range s.entries {
		if e.excluded || !e.exact() {
			return nil, false
		}
		name := e.owner + "/" + e.name
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			names = append(names, name)
		}
	}
	return names, len(names) > 0
}

// Covers reports whether the list includes a repository, going by its name
// alone: names and patterns decide, exclusions win, and topics say nothing.
func (s Selection) Covers(owner, name string) bool {
	included, lower := false, strings.ToLower(name)
	for _, e := range s.entries {
		if e.topic != "" || !strings.EqualFold(e.owner, owner) || !e.matches(lower) {
			continue
		}
		if e.excluded {
			return false
		}
		included = true
	}
	return included
}

// All returns the owner of a list that is OWNER/* and nothing else.
func (s Selection) All() (owner string, ok bool) {
	if len(s.entries) != 1 || s.entries[0].excluded || s.entries[0].name != "*" {
		return "", false
	}
	return s.entries[0].owner, true
}

// String returns the list as the manifest has it, except that topics come with
// their owner.
func (s Selection) String() string {
	words := make([]string, len(s.entries))
	for i, e := range s.entries {
		words[i] = e.String()
	}
	return strings.Join(words, ", ")
}

// Of returns the part of the list about one owner's repositories, for messages.
func (s Selection) Of(owner string) string {
	var words []string
	for _, e := range s.entries {
		if strings.EqualFold(e.owner, owner) {
			words = append(words, strings.Replace(e.String(), e.owner+"/", "", 1))
		}
	}
	return strings.Join(words, ", ")
}

// String returns the entry as the manifest has it, with its owner.
func (e Entry) String() string {
	text := e.owner + "/" + e.name
	if e.topic != "" {
		text = "topic:" + e.owner + "/" + e.topic
	}
	if e.excluded {
		return "!" + text
	}
	return text
}

func (e Entry) exact() bool { return e.topic == "" && !strings.ContainsAny(e.name, wildcards) }

// wildcards are the characters that turn a name into a pattern; no name has
// them.
const wildcards = "*?["

func containsFold(list []string, word string) bool {
	return slices.ContainsFunc(list, func(w string) bool { return strings.EqualFold(w, word) })
}

// selection makes a Selection of a list. With an owner, it takes that owner's
// repositories only.
func (p *parser) selection(list *value, owner string) Selection {
	if list == nil || !list.valid {
		return Selection{}
	}
	var raw []Entry
	var owners []string
	included := false
	for _, item := range list.items {
		e := parseEntry(item.text)
		e.Position = item.at
		raw = append(raw, e)
		included = included || !e.excluded
		if e.owner != "" && !containsFold(owners, e.owner) {
			owners = append(owners, e.owner)
		}
		if owner != "" && e.owner != "" && !strings.EqualFold(e.owner, owner) {
			p.add(item.at, "a repository that is not "+owner+"'s", "this list takes repositories of "+owner+" alone")
		}
	}
	if !included {
		p.add(list.at, "a list that only excludes", "say first what it excludes from, such as acme/*")
	}
	if owner != "" {
		owners = []string{owner}
	}
	var s Selection
	for i, e := range raw {
		if e.owner != "" {
			s.entries = append(s.entries, e)
			continue
		}
		if len(owners) == 0 {
			p.add(list.items[i].at, "a topic without an owner", "name the owner, such as topic:acme/"+e.topic)
		}
		for _, e.owner = range owners {
			s.entries = append(s.entries, e)
		}
	}
	return s
}

// parseEntry reads one text in the form that the table checked.
func parseEntry(text string) Entry {
	var e Entry
	text, e.excluded = strings.CutPrefix(text, "!")
	text, topic := strings.CutPrefix(text, "topic:")
	if owner, name, ok := strings.Cut(text, "/"); ok {
		e.owner, text = owner, name
	}
	if topic {
		e.topic = text
	} else {
		e.name = text
	}
	return e
}
