package redact

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// No other package has a list of its own: one that lacked a kind would show a
// secret. The fake GitHub needs one, since it imports none of our packages.
func TestBeginningsStandHereAlone(t *testing.T) {
	words := []string{"ssh-ed25519", "ssh-rsa", "ssh-key"} // of age files and of policies
	const agentScheme = "ssh-agent:"                       // of a URI, which is no key of SSH
	looked := 0
	look := func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"redact", "fakegithub", "generate"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, "_gen.go"):
			return nil // a generated table describes inputs, in the words of each action.yml
		}
		looked++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Error(err)
			}
			text = strings.TrimLeft(text, `^\b(?:`) // a regular expression
			if kind := KindOf(text); kind != "" && !slices.Contains(words, text) && !strings.HasPrefix(text, agentScheme) {
				t.Errorf("%s has %s: use KindOf or Prefix", path, literal.Value)
			}
			return true
		})
		return nil
	}
	if err := filepath.WalkDir("..", look); err != nil {
		t.Fatal(err)
	}
	if looked < 150 {
		t.Errorf("%d files were looked at", looked)
	}
}
