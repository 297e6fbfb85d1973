package permission

import (
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
)

// packedOperations is operations.tsv, compressed. It is not unpacked before an
// operation is looked up.
//
//go:embed operations.tsv.gz
var packedOperations string

// operation is one line of operations.tsv. Its parts share the line's memory.
type operation struct {
	method, path string
	needs        string // alternatives, as [parseAlternatives] reads them
	notes        string // words; the head of operations.tsv explains them
}

func (o operation) String() string { return o.method + " " + o.path }

func (o operation) hasNote(note string) bool {
	return slices.Contains(strings.Fields(o.notes), note)
}

// usable reports whether an installation token can call it.
func (o operation) usable() bool { return !o.hasNote("user") && !o.hasNote("jwt") }

// accepts returns the alternatives of permissions that open it, never none:
// where no permission is listed, it is "metadata: read", see
// [Need.Permissions].
func (o operation) accepts() []Set {
	if o.needs == "" {
		return []Set{{"metadata": "read"}}
	}
	return parseAlternatives(o.needs)
}

// operations returns the whole table, sorted by path and method.
var operations = sync.OnceValue(readOperations)

func readOperations() []operation {
	lines := unpack(packedOperations)
	list := make([]operation, len(lines))
	for i, f := range lines {
		list[i] = operation{method: f[0], path: f[1], needs: f[2], notes: f[3]}
	}
	return list
}

// unpack returns the lines of an embedded table, without comments, each split
// into its fields. The table is our own and tests read it, so that it can fail
// only in a broken build.
func unpack(packed string) [][]string {
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		panic("permission: an embedded table: " + err.Error())
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("permission: an embedded table: " + err.Error())
	}
	var lines [][]string
	for _, line := range strings.Split(string(text), "\n") {
		if line != "" && line[0] != '#' {
			lines = append(lines, strings.Split(line, "\t"))
		}
	}
	return lines
}

// parseAlternatives reads permissions in the form of the header
// X-Accepted-GitHub-Permissions: a comma means and, a semicolon or.
func parseAlternatives(text string) []Set {
	var list []Set
	for _, part := range strings.Split(text, ";") {
		list = append(list, parseSet(part))
	}
	return list
}

// parseSet reads "contents=read,issues=write" from our own tables.
func parseSet(text string) Set {
	s := Set{}
	for _, part := range strings.Split(text, ",") {
		if name, level, ok := strings.Cut(part, "="); ok {
			s[name] = level
		}
	}
	return s
}

// OperationCount returns how many API operations this release knows.
func OperationCount() int { return len(operations()) }

// Opens returns the API operations for which this one permission is enough,
// such as "GET /repos/{owner}/{repo}/issues", sorted by path. "metadata: read",
// which every token has, is assumed.
func Opens(name, level string) []string {
	held := Set{"metadata": "read"}
	held.raise(Set{name: level})
	var list []string
	for _, o := range operations() {
		if !o.usable() || o.needs == "" {
			continue
		}
		if slices.ContainsFunc(o.accepts(), func(s Set) bool { _, of := s[name]; return of && held.covers(s) }) {
			list = append(list, o.String())
		}
	}
	return list
}

// find returns the operation that a method and the segments of a path belong
// to.
func find(method string, path []string) (operation, bool) {
	var best operation
	fit := ""
	for _, o := range operations() {
		if o.method != method {
			continue
		}
		if f := match(o.path, path); f > fit {
			best, fit = o, f
		}
	}
	return best, fit != ""
}

// match returns how well a pattern matches a path: "" for not at all, and of
// two others the greater is better. It has one letter for each segment, so that
// the earliest literal decides, as in GitHub's router.
func match(pattern string, path []string) string {
	var most [16]byte // a path that does not match costs no memory
	fit := most[:0]
	want := strings.TrimPrefix(pattern, "/")
	for i, got := range path {
		segment, rest, more := strings.Cut(want, "/")
		switch {
		case got == "" && pattern != "/":
			return ""
		case placeholderTakes(segment, got):
			fit = append(fit, 'a')
		case isPlaceholder(segment) || isPlaceholder(got) || !strings.EqualFold(segment, got):
			return ""
		default:
			fit = append(fit, 'b')
		}
		last := i == len(path)-1
		switch {
		case last && !more:
			return string(fit)
		case last:
			return ""
		case !more && slices.Contains(multiSegment, segment) && !slices.Contains(path[i+1:], ""):
			return string(fit)
		case !more:
			return ""
		}
		want = rest
	}
	return ""
}

// multiSegment are the placeholders that take the rest of a path when they end
// it: names of files and branches have slashes.
var multiSegment = []string{"{path}", "{dir}", "{ref}", "{branch}", "{tag}", "{basehead}"}

// placeholderTakes reports whether a segment of a pattern is a placeholder that
// can have this value. {enablement} has known values: its path, with two
// placeholders after /orgs/{org}/, would otherwise take many misspelled paths.
func placeholderTakes(segment, value string) bool {
	if segment == "{enablement}" && !isPlaceholder(value) {
		return value == "enable_all" || value == "disable_all"
	}
	return isPlaceholder(segment)
}

// isPlaceholder reports whether a segment stands for any value: {owner}, or
// :owner in older documentation.
func isPlaceholder(segment string) bool {
	return strings.HasPrefix(segment, "{") || strings.HasPrefix(segment, ":")
}
