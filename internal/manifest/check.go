package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// check checks the keys of a mapping against the rules of its shape.
func (p *parser) check(v *value, s *shape) {
	for _, f := range s.fields {
		if f.required && v.fields[f.key] == nil && !slices.Contains(v.likelyKeys, f.key) {
			p.add(v.at, "no "+f.key, "add "+f.key+": "+f.example)
		}
	}
	needed := s.anyOf
	if s.atLeastOne {
		needed = s.keys()
	}
	named := slices.Concat(v.keys, v.likelyKeys)
	isNeeded := func(key string) bool { return key == "" || slices.Contains(needed, key) } // an unknown key may be any
	if len(needed) > 0 && !slices.ContainsFunc(named, isNeeded) {
		p.add(v.at, cmp.Or(s.empty, "neither "+strings.Join(needed, " nor ")), s.hint)
	}
	var there []string
	for _, key := range v.keys {
		if slices.Contains(s.exactlyOne, key) {
			there = append(there, key)
		}
	}
	meant := slices.ContainsFunc(v.likelyKeys, func(key string) bool { return slices.Contains(s.exactlyOne, key) })
	switch {
	case len(s.exactlyOne) > 0 && len(there) == 0 && !meant:
		p.add(v.at, "none of "+strings.Join(s.exactlyOne, ", "), s.hint)
	case len(there) > 1:
		p.add(v.get(there[1]).at, strings.Join(there, " and ")+" in one mapping", s.hint)
	}
	for _, r := range s.rules {
		p.rule(v, r)
	}
}

func (p *parser) rule(v *value, r rule) {
	it := v.get(r.key)
	if it == nil || r.is != "" && it.text != r.is {
		return
	}
	name := r.key
	if r.is != "" {
		name += ": " + r.is
	}
	if r.needs != "" && v.get(r.needs) == nil && !slices.Contains(v.likelyKeys, r.needs) {
		p.add(it.at, name+" without "+r.needs, r.hint)
	}
	if r.not != "" && v.get(r.not) != nil {
		p.add(it.at, name+" next to "+r.not, r.hint)
	}
	only := v.get(r.only)
	if only == nil {
		return
	}
	ok := only.text == "" || only.text == r.word
	for _, item := range only.items {
		ok = ok && (item.text == "" || item.text == r.word)
	}
	if !ok {
		p.add(only.at, fmt.Sprintf("%s goes only with %s: %s", name, r.only, r.word), r.hint)
	}
}
