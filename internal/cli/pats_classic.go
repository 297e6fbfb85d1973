package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/markdown"
	"github.com/valetkey/valetkey/internal/pat"
	"github.com/valetkey/valetkey/internal/wording"
)

// classicReport is who would be stopped if classic tokens were forbidden, as
// the log, the job summary and the report file have it.
type classicReport struct{ pat.ClassicReport }

// publishClassic writes what the report found, and returns its failures.
func publishClassic(r *actions.Runner, req patsRequest, found pat.ClassicReport) error {
	report := classicReport{found}
	var errs []error
	if err := r.Summary(report.summary()); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
	if req.Report != "" {
		errs = append(errs, writeReport(req.Report, &report))
	}
	r.Info("%s", report.total())
	for _, note := range report.Notes {
		r.Info("%s", note)
	}
	return errors.Join(append(errs, report.Errors...)...)
}

func (c *classicReport) total() string {
	tokens, events := 0, 0
	for i := range c.Users {
		tokens, events = tokens+c.Users[i].Tokens, events+c.Users[i].Events
	}
	return fmt.Sprintf("if classic tokens were forbidden, %s people would be stopped, as far as can be seen: "+
		"%s tokens are authorized for single sign-on, and the audit log has %s events of classic tokens",
		wording.Number(len(c.Users)), wording.Number(tokens), wording.Number(events))
}

// encode writes one person a line.
func (c *classicReport) encode(w io.Writer) error {
	buffer := bufio.NewWriter(w)
	lines := json.NewEncoder(buffer)
	for i := range c.Users {
		if err := lines.Encode(&c.Users[i]); err != nil {
			return err
		}
	}
	return buffer.Flush()
}

func (c *classicReport) summary() string {
	var b strings.Builder
	b.WriteString("#### Before classic tokens are forbidden\n\n" + markdown.Cell(c.total()) + ".\n\n")
	for _, note := range c.Notes {
		b.WriteString(markdown.Cell(note) + "\n\n")
	}
	b.WriteString("A token that nobody authorized, and what it does without an audit log, is seen by nobody but its owner.\n\n" +
		"| owner | organization | tokens | scopes | last used | events | what they do |\n|---|---|---|---|---|---|---|\n")
	for i := range c.Users {
		if i == shownRows || b.Len() > shownBytes {
			fmt.Fprintf(&b, "\n… and %s more; `report-file` has them all.\n", wording.Number(len(c.Users)-i))
			break
		}
		u := &c.Users[i]
		used := "never"
		if !u.LastUsed.IsZero() {
			used = u.LastUsed.UTC().Format(time.DateOnly)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %s |\n", markdown.Code(u.Owner), markdown.Code(u.Organization), u.Tokens,
			orDash(markdown.Codes(wording.Shortened(u.Scopes))), used, wording.Number(u.Events),
			orDash(markdown.Codes(wording.Shortened(mostDone(u.Actions)))))
	}
	b.WriteString("\n")
	return b.String()
}

func orDash(list []string) string {
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, ", ")
}

// mostDone lists actions with their numbers, the most frequent first.
func mostDone(done map[string]int) []string {
	names := slices.SortedFunc(maps.Keys(done), func(a, b string) int {
		if done[a] != done[b] {
			return done[b] - done[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s: %d", name, done[name])
	}
	return names
}
