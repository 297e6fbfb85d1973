package permission

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/nearest"
)

// families are parts of the API that no App can use, in no form of token, and
// that are therefore not in operations.tsv; {} is any segment.
var families = []struct{ path, hint string }{
	{"/notifications", "notifications belong to a person; use a classic personal access token"},
	{"/repos/{}/{}/notifications", "notifications belong to a person; use a classic personal access token"},
	{"/gists", "gists belong to a person; use a personal access token"},
	{"/orgs/{}/packages", "use the workflow's GITHUB_TOKEN with packages: write, or a classic personal access token"},
	{"/users/{}/packages", "use the workflow's GITHUB_TOKEN with packages: write, or a classic personal access token"},
	{"/user", "it acts for a person; use a personal access token, or a user access token of the App (ghu_)"},
	{"/enterprises/{}/actions/runners", "use runners of an organization (organization_self_hosted_runners), or a classic personal access token"},
	{"/enterprises/{}/actions/runner-groups", "use runner groups of an organization (organization_self_hosted_runners), or a classic personal access token"},
}

// unknown is the fault of an operation that is not in the table.
func unknown(method string, path []string, near bool) error {
	what := method + " " + shownPath(path) + " "
	for _, f := range families {
		if below(strings.Split(f.path[1:], "/"), path) {
			return fault.New(what+"is not open to Apps", f.hint)
		}
	}
	hint := operationExample
	if near {
		if o := nearestOperation(method, path); o != "" {
			hint = "did you mean " + o + "?"
		}
	}
	return fault.New(what+"is no operation that an App can use, as far as this release knows", hint)
}

// below reports whether a path begins with a family's.
func below(family, path []string) bool {
	if len(path) < len(family) {
		return false
	}
	for i, segment := range family {
		if segment != "{}" && !strings.EqualFold(segment, path[i]) {
			return false
		}
	}
	return true
}

const (
	maxPath     = 120 // bytes of a path that a message repeats
	maxSegments = 16
)

// shownPath is a path for a message. A segment is repeated when it is a short
// word of small letters, which random secrets hardly ever are.
func shownPath(path []string) string {
	var b strings.Builder
	for _, segment := range path {
		inner := strings.TrimSuffix(strings.TrimLeft(segment, "{:"), "}")
		if inner == "" && segment != "" || len(inner) > 40 || isSecret(inner) ||
			!only(inner, func(c byte) bool { return isLower(c) || c == '_' || c == '-' }) {
			segment = "..."
		}
		b.WriteString("/" + segment)
	}
	if b.Len() > maxPath {
		return "with a long path"
	}
	return b.String()
}

// What a suggestion may cost: a segment, a method, and what is too far to be meant.
const segment, verb, far = 4, 3, 5

// nearestOperation returns the operation that was probably meant, "" when none is
// near: the one with the fewest letters to change. Whatever stands in the place of a
// placeholder is right; a segment too many or too few counts as four letters,
// another method as three.
func nearestOperation(method string, path []string) string {
	if len(path) > maxSegments || slices.ContainsFunc(path, func(s string) bool { return len(s) > maxName }) {
		return ""
	}
	best, at := "", far
	row := make([]int, len(path)+1)
	for _, o := range operations() {
		d := 0
		if o.method != method {
			d = verb
		}
		pattern := strings.Split(o.path[1:], "/")
		if !o.usable() || d >= at || len(pattern) > len(path)+1 || len(path) > len(pattern)+1 {
			continue
		}
		if d += segmentDistance(pattern, path, row); d < at {
			best, at = o.String(), d
		}
	}
	return best
}

// segmentDistance is [nearest.Distance] with segments for letters. row is scratch space.
func segmentDistance(pattern, path []string, row []int) int {
	for j := range row {
		row[j] = j * segment
	}
	for i, want := range pattern {
		diagonal := row[0]
		row[0] = (i + 1) * segment
		for j, got := range path {
			cost := diagonal
			switch {
			case holds(want, got), want == got:
			case isPlaceholder(got):
				cost += segment
			default:
				cost += letters(want, got)
			}
			diagonal, row[j+1] = row[j+1], min(cost, segment+row[j], segment+row[j+1])
		}
	}
	return row[len(path)]
}

// letters is the distance of two words, if one may be a misspelling of the other.
func letters(want, got string) int {
	if d := nearest.Distance(want, got); d <= max(2, len(want)/4) {
		return d
	}
	return far
}
