package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files of cli can be read one at a time: no more than two may refer to
// each other. (In a package around one type, such as githubapp, the files share
// its methods.)
func TestFilesOfCLIFormNoCircle(t *testing.T) {
	refs := fileReferences(t, "./internal/cli")
	for _, circle := range refs.circles() {
		t.Errorf("%d files of internal/cli refer to each other: %s\nTo open the circle, move what one of these lines names:\n%s",
			len(circle), strings.Join(circle, ", "), refs.between(circle))
	}
}

func TestCircles(t *testing.T) {
	for given, want := range map[string]string{
		"a>b b>c a>c":             "",
		"a>b b>a":                 "", // two files may
		"a>b b>c c>a c>d d>e":     "a b c: a>b b>c c>a",
		"a>b b>c c>d d>a b>d":     "a b c d: a>b d>a", // without b>c, a, b and d are a circle still
		"a>b b>c c>a d>e e>f f>d": "a b c: a>b b>c c>a; d e f: d>e e>f f>d",
		"a>b b>c c>a a>c c>b b>a": "a b c: a>b a>c b>a b>c c>a c>b", // no line alone opens it
	} {
		refs := references{}
		for ref := range strings.FieldsSeq(given) {
			from, to, _ := strings.Cut(ref, ">")
			refs[reference{from, to}] = nil
		}
		var got []string
		for _, circle := range refs.circles() {
			lines := strings.ReplaceAll(refs.between(circle), " → ", ">")
			got = append(got, strings.Join(circle, " ")+": "+strings.Join(strings.Fields(lines), " "))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s:\ngot  %s\nwant %s", given, strings.Join(got, "; "), want)
		}
	}
}

type reference struct{ from, to string }

// references are the names that each file takes from others.
type references map[reference][]string

// circles returns the groups of more than two files that all lead to each other.
func (r references) circles() (groups [][]string) {
	next, leads := map[string][]string{}, map[reference]bool{}
	for ref := range r {
		next[ref.from] = append(next[ref.from], ref.to)
	}
	files := slices.Sorted(maps.Keys(next))
	for _, file := range files {
		for open := []string{file}; len(open) > 0; open = open[1:] {
			for _, to := range next[open[0]] {
				if !leads[reference{file, to}] {
					leads[reference{file, to}] = true
					open = append(open, to)
				}
			}
		}
	}
	for _, file := range files {
		apart := func(other string) bool { return !leads[reference{file, other}] || !leads[reference{other, file}] }
		if group := slices.DeleteFunc(slices.Clone(files), apart); len(group) > 2 && group[0] == file { // each group once
			groups = append(groups, group)
		}
	}
	return groups
}

// between lists the references that make a circle: those that would open it if
// any one were gone, or else all of them.
func (r references) between(circle []string) string {
	within := maps.Clone(r)
	maps.DeleteFunc(within, func(ref reference, _ []string) bool {
		return !slices.Contains(circle, ref.from) || !slices.Contains(circle, ref.to)
	})
	var all, decisive []string
	for ref, names := range maps.Clone(within) {
		slices.Sort(names)
		line := "  " + ref.from + " → " + ref.to + " " + strings.Join(slices.Compact(names), ", ")
		all = append(all, line)
		delete(within, ref)
		if len(within.circles()) == 0 {
			decisive = append(decisive, line)
		}
		within[ref] = names
	}
	if len(decisive) > 0 {
		all = decisive
	}
	return strings.Join(slices.Sorted(slices.Values(all)), "\n")
}

// fileReferences type-checks a package, without its tests, and returns which
// file takes which names from which other file.
func fileReferences(t *testing.T, pattern string) references {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles", pattern).Output()
	if err != nil {
		t.Fatal(err)
	}
	type goPackage struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
	}
	exports, listed := map[string]string{}, goPackage{} // at last the package itself: it comes after what it imports
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); exports[listed.ImportPath] = listed.Export {
		listed = goPackage{}
		if err := dec.Decode(&listed); err != nil {
			t.Fatal(err)
		}
	}
	fset, files := token.NewFileSet(), []*ast.File{}
	for _, name := range listed.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(listed.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	pkg, err := (&types.Config{Importer: importer.ForCompiler(fset, "gc", open)}).Check(listed.ImportPath, fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	refs, nameOf := references{}, func(pos token.Pos) string { return filepath.Base(fset.Position(pos).Filename) }
	for used, object := range info.Uses {
		if ref := (reference{nameOf(used.Pos()), nameOf(object.Pos())}); object.Pkg() == pkg && ref.from != ref.to {
			refs[ref] = append(refs[ref], object.Name())
		}
	}
	return refs
}
