package manifest

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// position returns where a node begins.
func position(n ast.Node) Position {
	switch t := n.(type) {
	case *ast.MappingNode:
		if !t.IsFlowStyle && len(t.Values) > 0 {
			return position(t.Values[0])
		}
	case *ast.MappingValueNode:
		return positionOf(t.Key.GetToken())
	}
	return positionOf(n.GetToken())
}

// entries returns the pairs of a mapping.
func entries(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch t := n.(type) {
	case *ast.MappingNode:
		return t.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{t}, true
	}
	return nil, false
}

// joinAtColon joins a text such as topic:acme/api again, which goccy/go-yaml
// splits into a key and its value in a list within braces.
func joinAtColon(n ast.Node) (joined string, ok bool) {
	pairs, ok := entries(n)
	if !ok || len(pairs) != 1 || n.GetToken().Type == token.MappingStartType {
		return "", false
	}
	key, mid, val := pairs[0].Key.GetToken(), pairs[0].Start, pairs[0].Value.GetToken()
	if key.Type != token.StringType || val.Type == token.SingleQuoteType || val.Type == token.DoubleQuoteType {
		return "", false
	}
	_, scalar := pairs[0].Value.(ast.ScalarNode)
	at := positionOf(key)
	at.Column += utf8.RuneCountInString(key.Value)
	next := Position{at.Line, at.Column + 1}
	return key.Value + ":" + val.Value, scalar && positionOf(mid) == at && positionOf(val) == next
}

// hide hides everything from one token to the end of a node in messages.
func (p *parser) hide(n ast.Node, from *token.Token) {
	if n == nil || from == nil || p.hidden[from] {
		return
	}
	p.hidden[from] = true
	last := &lastToken{last: from}
	ast.Walk(last, n)
	begin, end := positionOf(from), Position{Line: math.MaxInt}
	if next := last.last.Next; next != nil {
		end = positionOf(next)
	}
	if from.Type == token.MappingValueType {
		begin.Column++
	}
	p.source.hide(begin, end)
}

// lastToken finds the last token of a node.
type lastToken struct{ last *token.Token }

func (l *lastToken) Visit(n ast.Node) ast.Visitor {
	if t := n.GetToken(); t != nil && positionOf(l.last).before(positionOf(t)) {
		l.last = t
	}
	return l
}

// keyOf returns the key of a pair as text.
func keyOf(pair *ast.MappingValueNode) string {
	if s, ok := pair.Key.(*ast.StringNode); ok {
		return s.Value
	}
	return pair.Key.GetToken().Value
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case uint64:
		return int64(min(n, math.MaxInt64))
	}
	return math.MaxInt64
}

var kindNames = map[kind]string{
	text: "a text", list: "a list", integers: "a list", boolean: "true or false", integer: "a whole number",
	levels: "a mapping", object: "a mapping", objects: "a list", duration: "a time such as 30d",
}

// describe names the kind of a node.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	}
	return "what it is"
}

// mappingHint says what a mapping of a shape could hold.
func mappingHint(s *shape) string {
	if keys := s.keys(); len(keys) > 0 {
		return "write a mapping, with keys out of " + strings.Join(keys, ", ")
	}
	return "write {}, without any keys"
}
