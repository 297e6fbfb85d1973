package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	// namedPlaces is how many places a line of the log names. The report file
	// has all.
	namedPlaces = 3

	// shownGroups limits the lines of the log if hardly two places are alike.
	shownGroups = 200
)

// group is the outcome of one secret, and the reason for it, at all places
// where these are the same. Even a fleet of thousands has few groups.
type group struct {
	Secret  string
	Outcome secret.Outcome
	Places  []string

	first  string // the first place that had it
	reason string // as it is worded there
	mixed  bool   // other places have another time or request id in it
	shape  string // the reason without those
	err    error  // of the first place, if the outcome is Failed
}

type groupKey struct {
	name, shape string
	outcome     secret.Outcome
}

// groups are those of one run.
type groups struct {
	all map[groupKey]*group
}

// add adds a result to its group.
func (s *groups) add(r secret.Result) {
	reason := r.Reason
	if r.Err != nil {
		reason = r.Err.Error()
	}
	key := groupKey{r.Name, shapeOf(reason, r.Place), r.Outcome}
	g := s.all[key]
	if g == nil {
		g = &group{Secret: r.Name, Outcome: r.Outcome, first: r.Place.String(), reason: reason, shape: key.shape, err: r.Err}
		if s.all == nil {
			s.all = map[groupKey]*group{}
		}
		s.all[key] = g
	}
	g.mixed = g.mixed || g.reason != reason
	g.Places = append(g.Places, r.Place.String())
}

// particular matches the parts of GitHub's answers that differ from one answer
// to the next.
var particular = pattern.Pattern{Text: ` \((request|tried) [^)]*\)|\d{4}-\d\d-\d\dT[\d:]+Z`}

// shapeOf returns a text without the parts that are about one place.
func shapeOf(text string, at secret.Place) string {
	if text == "" {
		return ""
	}
	names := []string{at.String(), "…"}
	if !at.IsOrganization() {
		names = append(names, at.Owner+"/"+at.Repository, "…")
	}
	return particular.Regexp().ReplaceAllStringFunc(strings.NewReplacer(names...).Replace(text), func(found string) string {
		if strings.HasPrefix(found, " (") {
			return ""
		}
		return "…"
	})
}

// inOrder returns the groups, the unusual ones first.
func (s *groups) inOrder() []*group {
	order := []secret.Outcome{secret.Failed, secret.Deleted, secret.Created, secret.Updated, secret.Unchanged}
	list := make([]*group, 0, len(s.all))
	for _, g := range s.all {
		slices.Sort(g.Places)
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *group) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Outcome), slices.Index(order, b.Outcome)),
			-cmp.Compare(min(1, len(a.reason)), min(1, len(b.reason))), // secrets that are as they should be come last
			cmp.Compare(len(a.Places), len(b.Places)),
			cmp.Compare(a.Secret, b.Secret),
			cmp.Compare(a.shape, b.shape),
		)
	})
	return list
}

// why returns the reason that all places of the group have in common.
func (g *group) why() string {
	if g.mixed {
		return g.shape
	}
	return g.reason
}

// text returns the reason, with the hint of a failure, for a cell of a table.
func (g *group) text() string {
	if g.err == nil {
		return g.why()
	}
	return fault.Line(fault.New(g.why(), fault.Hint(g.err)))
}

// line returns the line of the log on the group. A plan says what would be
// done.
func (g *group) line(plan bool) string {
	word := string(g.Outcome)
	if plan && g.Outcome != secret.Failed && g.Outcome != secret.Unchanged {
		word = strings.TrimSuffix(word, "d") // create, update, delete
	}
	line := fmt.Sprintf("%-9s %s for %s", word, g.Secret, folded(g.Places, namedPlaces))
	if why := g.why(); why != "" {
		line += ": " + why
	}
	return line
}

// folded lists the first few of many names.
func folded(names []string, few int) string {
	separator := ", "
	if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, ", ") }) {
		separator = "; "
	}
	if len(names) <= few+1 { // "and 1 more" is no shorter than its name
		return strings.Join(names, separator)
	}
	return strings.Join(names[:few], separator) + " and " + wording.Number(len(names)-few) + " more"
}

// groupError is a failure, reported once for all places that have it.
type groupError struct{ *group }

func (e groupError) Error() string {
	text := e.Secret + " for " + e.first + ": " + e.reason
	others := func(place string) bool { return place == e.first }
	if more := slices.DeleteFunc(slices.Clone(e.Places), others); len(more) > 0 {
		text += " (and so for " + folded(more, namedPlaces) + ")"
	}
	return text
}

func (e groupError) Unwrap() error { return e.err }

// report writes the groups to the log.
func (s *groups) report(r *actions.Runner, plan bool) {
	list := s.inOrder()
	for i, g := range list {
		if i == shownGroups {
			r.Info("… and %s lines more; report-file has every target", wording.Number(len(list)-i))
			break
		}
		r.Info("%s", g.line(plan))
	}
}
