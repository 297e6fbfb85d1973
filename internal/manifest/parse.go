package manifest

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	yamlparser "github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxText   = 1 << 20 // bytes of a manifest
	maxDepth  = 20      // brackets within brackets
	maxIndent = 400     // columns before a dash or a key
	maxTokens = 100_000 // the YAML parser's time grows with the square of their number
	maxValues = 1 << 17 // including those that aliases repeat
)

// The YAML parser's messages may repeat the text, so these are our own.
const (
	noYAML      = "not valid YAML"
	noYAMLHint  = "check indentation, quotes and brackets"
	twoDocs     = "more than one document"
	twoDocsHint = "take the --- out; a manifest is one document"
)

// Parse reads a manifest. The error joins a [*Fault] for each problem, in the
// order of the file. name is the file's name in messages.
func Parse(name string, text []byte) (*File, error) {
	p := newParser(name)
	f := &File{source: p.source}
	if root := p.resolve(p.document(text)); root != nil {
		p.buildFile(f, p.object(root, fileShape))
	}
	if err := p.faults.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// document returns the one mapping of the text, or adds an error that says why
// there is none.
func (p *parser) document(text []byte) ast.Node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case len(text) > maxText:
		p.add(Position{}, "more than 1 MiB", "a manifest names secrets, it doesn't hold them; give it less text")
		return nil
	case !utf8.Valid(text):
		p.add(Position{}, "not UTF-8 text", "save it as UTF-8")
		return nil
	}
	clean := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))
	p.source.lines = strings.Split(clean, "\n")
	for i, line := range p.source.lines {
		if c := strings.IndexFunc(line, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }); c >= 0 {
			p.add(Position{i + 1, utf8.RuneCountInString(line[:c]) + 1}, "a control character", "take it out")
			return nil
		}
	}
	root, err := p.yaml(clean)
	if err != nil {
		p.source.strict = true // nothing tells the values apart
		p.faults.all = append(p.faults.all, err)
		return nil
	}
	return root
}

// yaml parses the text. It checks the tokens before it runs the parser, for
// depth and for what a manifest may not have, so that neither can bring it
// down.
func (p *parser) yaml(text string) (root ast.Node, fault *Fault) {
	failed := func(t *token.Token, problem, hint string) *Fault { return p.source.fault(positionOf(t), problem, hint) }
	defer func() {
		if recover() != nil {
			root, fault = nil, failed(nil, noYAML, noYAMLHint)
		}
	}()
	tokens := lexer.Tokenize(text)
	if t, problem, hint := checkTokens(tokens); t != nil {
		return nil, failed(t, problem, hint)
	}
	file, err := yamlparser.Parse(tokens, 0, yamlparser.AllowDuplicateMapKey())
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		problem, hint := explainSyntax(syntax.Message)
		return nil, failed(syntax.Token, problem, hint)
	}
	if err != nil {
		return nil, failed(nil, noYAML, noYAMLHint)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.NullType {
		return nil, failed(nil, "an empty manifest", "begin with secrets:, rotations: or pats:, as docs/manifest.md shows")
	}
	if len(file.Docs) > 1 {
		return nil, failed(file.Docs[1].GetToken(), twoDocs, twoDocsHint)
	}
	return file.Docs[0].Body, nil
}

// checkTokens returns the first token that a manifest may not have.
func checkTokens(tokens token.Tokens) (at *token.Token, problem, hint string) {
	if len(tokens) > maxTokens {
		return tokens[maxTokens], "more than anybody reads", "give the manifest less text; patterns say much with little"
	}
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case token.TagType:
			return t, "a tag", "take it out; the form of a value says what it is"
		case token.DirectiveType:
			return t, "a directive", "take it out"
		case token.MergeKeyType:
			return t, "a merge key", "write the keys out, or let an alias stand for a whole value"
		case token.DocumentHeaderType:
			if i > 0 && tokens[i-1].Type != token.CommentType {
				return t, twoDocs, twoDocsHint
			}
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if depth <= 0 && t.Position.Column > maxIndent {
				return t, "too deep", "take out some of the indentation"
			}
		}
		if depth > maxDepth {
			return t, "too many brackets within brackets", "a manifest is never that deep; close the ones before"
		}
	}
	return nil, "", ""
}

// explainSyntax puts a message of the YAML parser into our own words.
func explainSyntax(message string) (problem, hint string) {
	switch {
	case strings.Contains(message, "tab ") || strings.Contains(message, "\t"):
		return "a tab where YAML takes spaces only", "indent with spaces"
	case strings.ContainsAny(message, "[]{},"):
		return "a bracket that isn't closed, or a comma that is missing", "close what is opened, and put commas between"
	case strings.Contains(message, "quot"):
		return "a quote that isn't closed", "close it, or take the other one out"
	case strings.Contains(message, "anchor") || strings.Contains(message, "alias"):
		return "an anchor or alias that YAML doesn't take here", "write the value out"
	case strings.Contains(message, "map") || strings.Contains(message, "key") || strings.Contains(message, "value"):
		return "a key or value that YAML doesn't take here", "check the indentation, and the colon and the space after each key"
	}
	return noYAML, noYAMLHint
}

// positionOf returns the position of a token.
func positionOf(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{}
	}
	return Position{t.Position.Line, t.Position.Column}
}
