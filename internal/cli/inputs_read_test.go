package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// An input that an action.yml declares and no command reads would be ignored, and
// its user would not know. Reading one that is not declared panics.
func TestEveryDeclaredInputIsRead(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_gen.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					said[text] = true
				}
			}
			return true
		})
	}
	for _, schema := range schemas {
		for _, in := range schema.Inputs {
			if strings.HasPrefix(in.Name, "permission-") && in.Name != "permission-check" {
				continue // these are read by their prefix
			}
			if !said[in.Name] {
				t.Errorf("no command reads the input %s of %s/action.yml", in.Name, schema.Folder)
			}
		}
	}
}
