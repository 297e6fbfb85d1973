package permission

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Scope is a scope of classic personal access tokens, or a preset: a part of a
// scope, for one job, under a name of our own such as "repo:clone".
type Scope struct {
	Name    string
	Preset  bool
	Grants  string // what it opens, for readers
	Notice  string // where the permissions cover less or more than the scope; may be empty
	Why     string // why no App can have it; empty if one can
	Instead string // what to use then
	needs   string // the permissions, as [parseSet] reads them
}

// packedScopes is scopes.json as lines, compressed.
//
//go:embed scopes.tsv.gz
var packedScopes string

// scopes returns the whole table, sorted by name.
var scopes = sync.OnceValue(func() []Scope {
	var list []Scope
	for _, f := range unpack(packedScopes) {
		list = append(list, Scope{Name: f[0], Preset: f[1] != "", Grants: f[2], needs: f[3], Notice: f[4], Why: f[5], Instead: f[6]})
	}
	return list
})

// Permissions returns the narrowest set that covers the scope, or an empty one
// if no App can have it.
func (s Scope) Permissions() Set { return parseSet(s.needs) }

// Presets returns the names of the presets of a scope.
func (s Scope) Presets() []string {
	var names []string
	for _, p := range scopes() {
		if p.Preset && !s.Preset && strings.HasPrefix(p.Name, s.Name+":") {
			names = append(names, p.Name)
		}
	}
	return names
}

// ScopeNames returns the names of all scopes and presets, sorted.
func ScopeNames() []string {
	names := make([]string, len(scopes()))
	for i, s := range scopes() {
		names[i] = s.Name
	}
	return names
}

// LookupScope finds a scope or preset by its name, in any case.
func LookupScope(name string) (Scope, bool) {
	name = normalize(name)
	for _, s := range scopes() {
		if s.Name == name {
			return s, true
		}
	}
	return Scope{}, false
}

const scopeExample = "write scopes as on a personal access token, such as repo, read:org"

// Scopes reads scopes of classic personal access tokens, and presets, separated
// by commas, spaces or lines, with # comments. It returns what each takes, in
// the order of the text and each once. All errors are returned, in the order of
// the text.
func Scopes(text string) ([]Need, []error) {
	if err := checkText(text, "scopes", scopeExample); err != nil {
		return nil, []error{err}
	}
	var needs []Need
	var wrong faults
	for i, name := range scopeWords(text) {
		s, known := LookupScope(name)
		switch {
		case !known:
			wrong.add(noScope(fmt.Sprintf("scope %d", i+1), name))
		case s.Why != "":
			wrong.add(fault.New(s.Name+": "+s.Why, s.Instead))
		case !slices.ContainsFunc(needs, func(n Need) bool { return n.From == s.Name }):
			needs = append(needs, s.need())
		}
	}
	return needs, wrong.list()
}

// scopeWords splits the text. "(no scope)", with which GitHub shows a token
// without scopes, is the only name with a space.
func scopeWords(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var list []string
	for _, line := range strings.Split(text, "\n") {
		for _, part := range strings.Split(uncomment(line), ",") {
			if part = normalize(unquote(part)); part == "" {
				continue
			}
			if _, known := LookupScope(part); known {
				list = append(list, part)
				continue
			}
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}

func (s Scope) need() Need {
	return Need{From: s.Name, Permissions: s.Permissions(), Notice: s.Notice, Narrower: s.Presets()}
}

// noScope returns the error for a word that is not a scope. where stands for
// the word if a message must not repeat it.
func noScope(where, name string) error {
	if isSecret(name) {
		return fault.New(where+": looks like a token", "take it out and revoke it, scopes need no secret")
	}
	if name == "-" {
		return fault.New(where+": a dash, as in a list of YAML", "leave the dashes out, and separate scopes by commas, spaces or lines")
	}
	hint := scopeExample
	if near := nearScope(name); near != "" {
		hint = "did you mean " + near + "?"
	}
	if len(name) <= 40 && consistsOf(name, func(c byte) bool { return isLower(c) || c == ':' || c == '_' || c == '-' }) {
		where = name
	}
	return fault.New(where+": not a scope that this release knows", hint)
}

// nearScope returns the scope or preset that a word was probably meant to be: a
// preset without its scope, or a misspelling.
func nearScope(name string) string {
	if len(name) > maxName {
		return ""
	}
	for _, s := range scopes() {
		if s.Preset && strings.HasSuffix(s.Name, ":"+name) {
			return s.Name
		}
	}
	return nearestWord(name, ScopeNames())
}

// checkText returns an error for a text that is not worth reading. kind says
// what it should have been.
func checkText(text, kind, example string) error {
	if len(text) > maxText {
		return fault.New("more than 64 KiB of text", example)
	}
	if strings.Contains(text, redact.PEM.Prefix()) {
		return fault.New("a PEM block, such as a private key, is not a list of "+kind, "pass the key as private-key, and "+example)
	}
	return nil
}
