package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/valetkey/valetkey/internal/redact"
)

// parser checks one file against the table.
type parser struct {
	faults
	anchors map[string]ast.Node
	values  int
	stored  map[string]bool       // secrets that rotations write, with their places
	hidden  map[*token.Token]bool // where the hidden parts begin

	variables map[string]bool // variables that rotations write, with their places
}

func newParser(name string) *parser {
	return &parser{
		faults:  faults{source: &source{name: name, hiddenFrom: map[int]int{}, hiddenUpTo: map[int]int{}}},
		anchors: map[string]ast.Node{}, stored: map[string]bool{}, hidden: map[*token.Token]bool{}, variables: map[string]bool{},
	}
}

// resolve follows anchors and aliases.
func (p *parser) resolve(n ast.Node) ast.Node {
	for range maxDepth {
		switch t := n.(type) {
		case *ast.AnchorNode:
			p.anchors[t.Name.GetToken().Value] = t.Value
			n = t.Value
		case *ast.AliasNode:
			target, ok := p.anchors[t.Value.GetToken().Value]
			if !ok {
				p.add(positionOf(t.Start), "an alias without an anchor above it", "write the value out")
				return nil
			}
			n = target
		default:
			return n
		}
	}
	p.add(position(n), "an alias of itself", "write the value out")
	return nil
}

// object reads a mapping by its shape.
func (p *parser) object(n ast.Node, s *shape) *value {
	before := len(p.all)
	pairs, ok := entries(n)
	if !ok {
		p.hide(n, n.GetToken())
		p.add(position(n), "not a mapping, but "+describe(n), mappingHint(s))
		return &value{at: position(n)}
	}
	v := &value{at: position(n), fields: map[string]*value{}}
	for _, pair := range pairs {
		key := keyOf(pair)
		if _, twice := v.fields[key]; twice {
			p.hide(pair.Value, pair.Start)
			p.add(position(pair), quote(key)+" appears twice", "keep one of them")
			continue
		}
		f := s.field(key)
		if f == nil {
			v.likelyKeys = append(v.likelyKeys, p.addUnknownKey(pair, key, s))
			continue
		}
		v.keys = append(v.keys, key)
		v.fields[key] = p.value(pair.Value, f)
	}
	p.check(v, s)
	v.valid = len(p.all) == before
	return v
}

// addUnknownKey adds an error for a key that the shape doesn't have, and
// returns the key that was probably meant.
func (p *parser) addUnknownKey(pair *ast.MappingValueNode, key string, s *shape) (near string) {
	p.hide(pair.Value, pair.Start)
	if redact.IsSecret(key) {
		p.addSecretFault(position(pair))
		return ""
	}
	keys, hint := s.keys(), "take it out; nothing goes in here"
	if s.whole != nil && s.whole.field(key) != nil {
		hint = "it is a condition of " + s.whole.field(key).lists + "; the keys here are " + strings.Join(keys, ", ")
	} else if near = intended(key, keys); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(keys) > 0 {
		hint = "the keys here are " + strings.Join(keys, ", ")
	}
	p.add(position(pair), quote(key)+" is not a key of this mapping", hint)
	return near
}

// value reads the value of a key.
func (p *parser) value(n ast.Node, f *field) *value {
	before := len(p.all)
	v := &value{at: position(n)}
	if p.values++; p.values > maxValues {
		if p.values == maxValues+1 {
			p.add(v.at, "too many values", "aliases repeat too much; write less")
		}
		return v
	}
	n = p.resolve(n)
	if n == nil {
		return v
	}
	v.at = position(n)
	if _, mapping := entries(n); mapping && f.kind == object {
		return p.object(n, f.of)
	}
	if p.read(v, n, f) {
		p.scalar(v, n, f)
	} else {
		p.addMismatch(n, f)
	}
	v.valid = len(p.all) == before
	return v
}

// read reads a node that is not an object into v, and reports whether the node
// is of the field's kind.
func (p *parser) read(v *value, n ast.Node, f *field) bool {
	switch t := n.(type) {
	case *ast.StringNode:
		v.text = t.Value
		if f.kind == integer && f.form != nil && f.form.matches(v.text) {
			n, _ := strconv.ParseInt(strings.TrimSuffix(v.text, "%"), 10, 64) // of the form
			v.number = n
			return true
		}
		return f.kind == text || f.kind == duration
	case *ast.LiteralNode:
		v.text = t.Value.Value
		return f.kind == text || f.kind == duration
	case *ast.BoolNode:
		v.isTrue = t.Value
		return f.kind == boolean
	case *ast.IntegerNode:
		v.number = number(t.Value)
		return f.kind == integer
	case *ast.SequenceNode:
		if f.kind == list || f.kind == integers || f.kind == objects {
			p.sequence(v, t, f)
			return true
		}
	case *ast.MappingNode, *ast.MappingValueNode:
		if joined, ok := joinAtColon(n); ok && f.kind == text {
			v.text = joined
			return true
		}
		if f.kind == levels {
			p.levels(v, n, f)
			return true
		}
	}
	return false
}

// addMismatch adds an error for a value of the wrong kind. A text in the place
// of a mapping could be anything, so it isn't shown.
func (p *parser) addMismatch(n ast.Node, f *field) {
	if (f.private || f.kind > integer) && n.Type() != ast.NullType {
		p.hide(n, n.GetToken())
	}
	hint := f.howToWrite()
	if f.kind == text && describe(n) == "a number" {
		hint = "put it in quotes"
	}
	p.add(position(n), f.label()+" takes "+kindNames[f.kind]+", not "+describe(n), hint)
}

// scalar checks the text or number of a key.
func (p *parser) scalar(v *value, n ast.Node, f *field) {
	switch f.kind {
	case text, duration:
		p.text(v, n, f)
	case boolean:
		if f.onlyTrue && !v.isTrue {
			p.add(v.at, f.key+" takes true alone", "take it out; without it, the key asks for nothing")
		}
	case integer:
		if v.number < f.least || v.number > f.most {
			p.add(v.at, fmt.Sprintf("%s is not from %d to %d", f.key, f.least, f.most), f.howToWrite())
		}
	}
}

func (p *parser) text(v *value, n ast.Node, f *field) {
	switch {
	case redact.IsSecret(v.text):
		p.hide(n, n.GetToken())
		p.addSecretFault(v.at)
	case len(f.words) > 0 && !slices.Contains(f.words, v.text):
		shown := quote(v.text)
		if len(v.text) > 12 || strings.ContainsFunc(v.text, func(r rune) bool { return !isLetter(r) }) {
			p.hide(n, n.GetToken())
			shown = "this"
		}
		p.add(v.at, f.key+": "+shown+" is not one of its words", oneOf(v.text, f.words))
	case f.form != nil && !f.form.matches(v.text):
		shown := quote(v.text)
		if f.private {
			p.hide(n, n.GetToken())
			shown = "this"
		}
		problem, hint := f.form.fault(v.text, shown)
		p.add(v.at, f.key+": "+problem, hint)
	}
}

func (p *parser) addSecretFault(at Position) {
	p.add(at, "this looks like a token or a key", "take it out and revoke it; a manifest only names secrets")
}

// sequence reads a list of texts or of mappings.
func (p *parser) sequence(v *value, n *ast.SequenceNode, f *field) {
	if len(n.Values) == 0 {
		p.add(v.at, f.key+" is an empty list", f.howToWrite()+", or take it out")
	}
	item := &field{key: f.key, isEntry: true, form: f.form, words: f.words, of: f.of, least: f.least, most: f.most}
	item.example, _, _ = strings.Cut(strings.Trim(f.example, "[]"), ", ")
	if f.kind == integers {
		item.kind = integer
	}
	if f.kind == objects {
		item.kind, item.example = object, f.example[1:len(f.example)-1]
	}
	seen := map[string]bool{}
	for _, each := range n.Values {
		if p.values > maxValues {
			return
		}
		it := p.value(each, item)
		v.items = append(v.items, it)
		name := it.text
		if f.kind == integers {
			name = strconv.FormatInt(it.number, 10)
		}
		if lower := strings.ToLower(name); f.unique && it.valid {
			if seen[lower] {
				p.add(it.at, f.key+": "+quote(name)+" appears twice", "keep one of them")
			}
			seen[lower] = true
		}
	}
}

// levels reads permissions, each with its level.
func (p *parser) levels(v *value, n ast.Node, f *field) {
	pairs, _ := entries(n)
	if len(pairs) == 0 {
		p.add(v.at, f.key+" is empty", f.howToWrite())
	}
	v.fields = map[string]*value{}
	for _, pair := range pairs {
		key := keyOf(pair)
		name := strings.ReplaceAll(key, "-", "_")
		switch {
		case redact.IsSecret(key):
			p.hide(pair.Value, pair.Start)
			p.addSecretFault(position(pair))
		case !f.form.matches(key):
			p.hide(pair.Value, pair.Start)
			p.add(position(pair), f.key+": "+quote(key)+" is not "+f.form.name, f.form.hint)
		case v.fields[name] != nil:
			p.add(position(pair), quote(key)+" appears twice", "keep one of them")
		default:
			v.fields[name] = p.value(pair.Value, &field{key: name, words: f.words, example: f.words[0]})
		}
	}
}
