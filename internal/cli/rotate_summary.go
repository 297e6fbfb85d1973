package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/valetkey/valetkey/internal/markdown"
	"github.com/valetkey/valetkey/internal/rotate"
)

// rotationLine returns the line of the log on a rotation.
func rotationLine(report *rotate.Report) string {
	line := fmt.Sprintf("%s: %s", report.Name, report.Outcome)
	if report.Reason != "" {
		line += ": " + report.Reason
	}
	line += compromised(report)
	if !report.Due.IsZero() && report.Outcome != rotate.Due {
		line += "; next due " + report.Due.UTC().Format("2006-01-02 15:04 UTC")
	}
	if n := len(report.Others); n > 0 {
		line += "; " + others(report)
	}
	return line
}

// compromised returns what became of a credential that was said to be
// compromised.
func compromised(report *rotate.Report) string {
	switch {
	case !report.Exposed || report.Outcome == rotate.Due:
		return ""
	case !outOfUse(report) && report.Kind == "installation-token" && report.Outcome == rotate.Rotated:
		return "; the previous token lives until it expires"
	case !outOfUse(report):
		return "; the compromised credential is still in use: see the error, and run it again with compromised"
	case report.Kind == "deploy-key":
		return fmt.Sprintf("; compromised: retired at once, %d removed", report.Retired)
	}
	return "; compromised: no store has the old one any more"
}

// outOfUse reports whether a credential that was said to be compromised is not
// accepted any more.
func outOfUse(report *rotate.Report) bool {
	return report.Exposed && report.Outcome == rotate.Rotated && report.Err == nil && report.Kind != "installation-token"
}

// others names the deploy keys that are like those of valetkey and do not
// belong to the rotation.
func others(report *rotate.Report) string {
	const shown = 5
	var list []string
	for _, o := range report.Others[:min(shown, len(report.Others))] {
		list = append(list, fmt.Sprintf("%d (%s)", o.ID, o.Rotation))
	}
	if more := len(report.Others) - shown; more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return "deploy keys of other rotations are left alone: " + strings.Join(list, ", ")
}

// rotationSummary returns the job summary: a table, and when each rotation is
// due next.
func rotationSummary(reports []rotate.Report, dryRun bool) string {
	var b strings.Builder
	b.WriteString("#### Rotation")
	if dryRun {
		b.WriteString(": dry run")
	}
	b.WriteString("\n\n| rotation | kind | outcome | age | next due | keys | why |\n|---|---|---|---|---|---|---|\n")
	for i := range reports {
		r := &reports[i]
		age, due, keys := "–", "–", "–"
		if !r.Since.IsZero() {
			age = rotate.FormatAge(r.Age)
		}
		if !r.Due.IsZero() {
			due = r.Due.UTC().Format("2006-01-02 15:04 UTC")
		}
		if r.Kept > 0 || r.Retired > 0 {
			keys = fmt.Sprintf("%d, %d retired", r.Kept, r.Retired)
		}
		why := r.Reason
		if r.Err != nil {
			why = r.Err.Error()
		}
		why += compromised(r)
		if len(r.Others) > 0 {
			why += "; " + others(r)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", markdown.Code(r.Name), r.Kind, r.Outcome, age, due, keys,
			markdown.Cell(strings.ReplaceAll(why, "\n", "; ")))
	}
	b.WriteString("\n" + timeline(reports))
	return b.String()
}

// timelineName returns a name for a timeline, in whose syntax colons, #, ; and
// %% have a meaning, as does the end of the block.
func timelineName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_. ", r) {
			return r
		}
		return '?'
	}, name)
}

// timeline draws, as Mermaid, when each rotation is due. It shows dates and no
// times, since a colon separates columns there.
func timeline(reports []rotate.Report) string {
	dated := make([]*rotate.Report, 0, len(reports))
	for i := range reports {
		if !reports[i].Due.IsZero() {
			dated = append(dated, &reports[i])
		}
	}
	if len(dated) == 0 {
		return ""
	}
	slices.SortStableFunc(dated, func(a, b *rotate.Report) int {
		return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Name, b.Name))
	})
	var b strings.Builder
	b.WriteString("```mermaid\ntimeline\n    title Due next\n")
	day := ""
	for _, r := range dated {
		if on := r.Due.UTC().Format(time.DateOnly); on != day {
			day = on
			fmt.Fprintf(&b, "    %s : %s\n", day, timelineName(r.Name))
		} else {
			fmt.Fprintf(&b, "        : %s\n", timelineName(r.Name))
		}
	}
	b.WriteString("```\n\n")
	return b.String()
}
