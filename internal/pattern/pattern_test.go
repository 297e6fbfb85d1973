package pattern

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

var word = Pattern{Text: `^[a-z]+$`}

func TestPattern(t *testing.T) {
	if word.regexp != nil {
		t.Error("it is compiled before it is used")
	}
	if !word.Matches("word") || word.Matches("two words") {
		t.Error("it does not match what its text says")
	}
	if first := word.Regexp(); word.Regexp() != first {
		t.Error("it is compiled again each time")
	}
}

// No package compiles a regular expression when the program starts.
func TestNothingIsCompiledAtStart(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		switch {
		case err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return err
		case strings.Contains(path, "/generate/"), strings.HasSuffix(filepath.Dir(path), "test"), strings.Contains(path, "/testdata/"):
			return nil // not in the program
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			if variables, ok := declared.(*ast.GenDecl); ok {
				ast.Inspect(variables, func(n ast.Node) bool {
					if called, ok := n.(*ast.SelectorExpr); ok && strings.HasSuffix(called.Sel.Name, "Compile") {
						t.Errorf("%s calls %s for a variable of its package: make it a Pattern", path, called.Sel.Name)
					}
					_, later := n.(*ast.FuncLit)
					return !later
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
