package permission

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/nearest"
)

// closedPaths are parts of the API that no App can use with any form of token,
// and that operations.tsv therefore leaves out. {} is any segment.
var closedPaths = []struct{ path, hint string }{
	{"/notifications", "notifications belong to a person; use a classic personal access token"},
	{"/repos/{}/{}/notifications", "notifications belong to a person; use a classic personal access token"},
	{"/gists", "gists belong to a person; use a personal access token"},
	{"/orgs/{}/packages", "use the workflow's GITHUB_TOKEN with packages: write, or a classic personal access token"},
	{"/users/{}/packages", "use the workflow's GITHUB_TOKEN with packages: write, or a classic personal access token"},
	{"/user", "it acts for a person; use a personal access token, or a user access token of the App (ghu_)"},
	{
		"/enterprises/{}/actions/runners",
		"use runners of an organization (organization_self_hosted_runners), or a classic personal access token",
	},
	{
		"/enterprises/{}/actions/runner-groups",
		"use runner groups of an organization (organization_self_hosted_runners), or a classic personal access token",
	},
}

// unknownOperation returns the error for an operation that is not in the table.
func unknownOperation(method string, path []string, near bool) error {
	what := method + " " + displayPath(path) + " "
	for _, f := range closedPaths {
		if hasPathPrefix(strings.Split(f.path[1:], "/"), path) {
			return fault.New(what+"is not open to Apps", f.hint)
		}
	}
	hint := operationExample
	if near {
		if o := nearestOperation(method, path); o != "" {
			hint = "did you mean " + o + "?"
		}
	}
	return fault.New(what+"is not an operation that an App can use, as far as this release knows", hint)
}

// hasPathPrefix reports whether a path begins with the segments of prefix.
func hasPathPrefix(prefix, path []string) bool {
	if len(path) < len(prefix) {
		return false
	}
	for i, segment := range prefix {
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

// displayPath returns a path for a message. It repeats a segment that is a
// short word of small letters, which random secrets hardly ever are.
func displayPath(path []string) string {
	var b strings.Builder
	for _, segment := range path {
		inner := strings.TrimSuffix(strings.TrimLeft(segment, "{:"), "}")
		if inner == "" && segment != "" || len(inner) > 40 || isSecret(inner) ||
			!consistsOf(inner, func(c byte) bool { return isLower(c) || c == '_' || c == '-' }) {
			segment = "..."
		}
		b.WriteString("/" + segment)
	}
	if b.Len() > maxPath {
		return "with a long path"
	}
	return b.String()
}

// The costs of a difference in a suggestion: a segment, a method, and a cost
// that is too high to be meant.
const segmentCost, methodCost, tooFar = 4, 3, 5

// nearestOperation returns the operation that was probably meant, or "" if none
// is near. It is the one with the fewest letters to change. A placeholder takes
// any value; a missing or extra segment counts as four letters, another method
// as three.
func nearestOperation(method string, path []string) string {
	if len(path) > maxSegments || slices.ContainsFunc(path, func(s string) bool { return len(s) > maxName }) {
		return ""
	}
	best, at := "", tooFar
	row := make([]int, len(path)+1)
	for _, o := range operations() {
		d := 0
		if o.method != method {
			d = methodCost
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

// segmentDistance is [nearest.Distance] with segments for letters. row is
// scratch space.
func segmentDistance(pattern, path []string, row []int) int {
	for j := range row {
		row[j] = j * segmentCost
	}
	for i, want := range pattern {
		diagonal := row[0]
		row[0] = (i + 1) * segmentCost
		for j, got := range path {
			cost := diagonal
			switch {
			case placeholderTakes(want, got), want == got:
			case isPlaceholder(got):
				cost += segmentCost
			default:
				cost += wordDistance(want, got)
			}
			diagonal, row[j+1] = row[j+1], min(cost, segmentCost+row[j], segmentCost+row[j+1])
		}
	}
	return row[len(path)]
}

// wordDistance returns the distance of two words if one may be a misspelling of
// the other, or else tooFar.
func wordDistance(want, got string) int {
	if d := nearest.Distance(want, got); d <= max(2, len(want)/4) {
		return d
	}
	return tooFar
}
