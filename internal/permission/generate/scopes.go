package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// scope is one element of scopes.json; its texts are ours.
type scope struct {
	Name        string            `json:"name"`
	Preset      bool              `json:"preset,omitempty"`
	Grants      string            `json:"grants"`
	Permissions map[string]string `json:"permissions"`
	Notice      string            `json:"notice,omitempty"`
	Why         string            `json:"why,omitempty"` // why no App can have it
	Instead     string            `json:"instead,omitempty"`
}

// scopeFact is one value of the collected facts, whose keys are the names.
type scopeFact struct {
	Grants      string                       `json:"grants"`
	Permissions map[string]string            `json:"permissions"`
	Presets     map[string]map[string]string `json:"presets"`
	Partial     string                       `json:"partial"`
	Note        string                       `json:"note"`
	Unsupported string                       `json:"unsupported"`
}

// refreshScopes makes scopes.json from collected facts. It keeps existing
// texts.
func refreshScopes(collected, old []byte) ([]byte, error) {
	var facts map[string]scopeFact
	if err := json.Unmarshal(collected, &facts); err != nil {
		return nil, err
	}
	known := map[string]scope{}
	if len(old) > 0 {
		var list []scope
		if err := json.Unmarshal(old, &list); err != nil {
			return nil, err
		}
		for _, s := range list {
			known[s.Name] = s
		}
	}
	var list []scope
	add := func(s scope) {
		if old, ok := known[s.Name]; ok {
			s.Grants, s.Notice, s.Why, s.Instead = old.Grants, old.Notice, old.Why, old.Instead
		}
		list = append(list, s)
	}
	for name, f := range facts {
		s := scope{Name: name, Grants: f.Grants, Permissions: f.Permissions, Notice: strings.TrimSpace(f.Partial + " " + f.Note)}
		if len(f.Permissions) == 0 {
			s.Notice, s.Why, s.Instead = "", "no App can have it", f.Unsupported
		}
		add(s)
		for preset, permissions := range f.Presets {
			add(scope{Name: name + ":" + preset, Preset: true, Grants: "One job of " + name + ".", Permissions: permissions})
		}
	}
	slices.SortFunc(list, func(a, b scope) int { return strings.Compare(a.Name, b.Name) })
	return lines(list)
}

// readScopes reads scopes.json and checks what the package relies on.
func readScopes(data, permissions []byte) ([]scope, error) {
	levels, err := levelsOf(permissions)
	if err != nil {
		return nil, err
	}
	var list []scope
	if err := decodeStrict(data, &list); err != nil {
		return nil, err
	}
	for i, s := range list {
		switch {
		case i > 0 && list[i-1].Name >= s.Name:
			return nil, fmt.Errorf("%s: out of order, or a duplicate", s.Name)
		case (len(s.Permissions) == 0) != (s.Instead != ""):
			return nil, fmt.Errorf("%s: neither permissions nor what to use instead, or both", s.Name)
		case (s.Why != "") != (s.Instead != ""):
			return nil, fmt.Errorf("%s: why no App can have it without what to use instead, or the other way round", s.Name)
		case !strings.HasSuffix(s.Grants, ".") || s.Notice != "" && !strings.HasSuffix(s.Notice, "."):
			return nil, fmt.Errorf("%s: not a sentence", s.Name)
		}
		for name, level := range s.Permissions {
			if !slices.Contains(levels[name], level) {
				return nil, fmt.Errorf("%s: there is no such permission and level: %s: %s", s.Name, name, level)
			}
		}
	}
	return list, nil
}

// scopeLines makes the text of scopes.tsv.gz from scopes.json: name, "preset"
// or nothing, what it opens, permissions, notice, why no App can have it and
// what to use instead.
func scopeLines(data, permissions []byte) ([]byte, error) {
	list, err := readScopes(data, permissions)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, s := range list {
		preset := ""
		if s.Preset {
			preset = "preset"
		}
		fields := []string{s.Name, preset, s.Grants, joined(s.Permissions), s.Notice, s.Why, s.Instead}
		if strings.ContainsAny(strings.Join(fields, ""), "\t\n") {
			return nil, fmt.Errorf("%s: a tab or a new line", s.Name)
		}
		b.WriteString(strings.Join(fields, "\t") + "\n")
	}
	return b.Bytes(), nil
}

// joined formats permissions as "contents=read,issues=write".
func joined(permissions map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(permissions)) {
		list = append(list, name+"="+permissions[name])
	}
	return strings.Join(list, ",")
}
