package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/markdown"
	"github.com/valetkey/valetkey/internal/pat"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

// rowsOfRule is how many tokens the summary shows of one rule: the report file
// has all of them.
const rowsOfRule = 100

// summary returns the job summary: the numbers first, then what each rule did,
// then its tokens. A token that no rule changes is in no table.
func (all *patsReport) summary() string {
	var b strings.Builder
	b.WriteString("#### Personal access tokens\n\n")
	if all.auditOnly != "" {
		b.WriteString("**Nothing was changed**: " + markdown.Cell(all.auditOnly) + ".\n\n")
	}
	all.writeNumbers(&b)
	for _, note := range all.Notes {
		b.WriteString(markdown.Cell(note) + "\n\n")
	}
	if len(all.Errors) > 0 {
		b.WriteString("**Errors**\n\n")
		for i, err := range all.Errors {
			if i == summaryPlaces {
				fmt.Fprintf(&b, "- and %s more, which the log has\n", wording.Number(len(all.Errors)-i))
				break
			}
			b.WriteString("- " + markdown.Cell(strings.ReplaceAll(fault.Line(err), "\n", "; ")) + "\n")
		}
		b.WriteString("\n")
	}
	rules := all.byRule()
	if len(rules) > 0 {
		b.WriteString("| rule | decision | tokens | done | notice | failed |\n|---|---|---|---|---|---|\n")
		for _, g := range rules {
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d |\n", g.title(), g.Action, len(g.records),
				g.with(isDone), g.with(isTold), g.with(isFailed))
		}
		b.WriteString("\n")
	}
	for i, g := range rules {
		if b.Len() > shownBytes {
			fmt.Fprintf(&b, "… and %s more rules; `report-file` has them all.\n\n", wording.Number(len(rules)-i))
			break
		}
		g.write(&b)
	}
	all.writeLeaks(&b)
	return b.String()
}

func (all *patsReport) writeNumbers(b *strings.Builder) {
	var names, numbers []string
	for _, c := range counted {
		names, numbers = append(names, c.output), append(numbers, wording.Number(all.count(c.action)))
	}
	names = append(names, "waiting", "failed")
	numbers = append(numbers, wording.Number(all.Waiting), wording.Number(all.failed()))
	b.WriteString("| " + strings.Join(names, " | ") + " |\n|" + strings.Repeat("---|", len(names)) + "\n")
	b.WriteString("| " + strings.Join(numbers, " | ") + " |\n\n")
	if !all.NextExpiry.IsZero() {
		b.WriteString("The next token expires on " + all.NextExpiry.UTC().Format("2006-01-02") + ".\n\n")
	}
}

// ruleGroup is what one rule decided.
type ruleGroup struct {
	Rule    string
	Action  pat.Action
	Kind    pat.Kind
	records []*pat.Record
}

// byRule groups the decisions that change something, wait or are skipped. Those
// that change something come first.
func (all *patsReport) byRule() []*ruleGroup {
	type key struct {
		rule   string
		action pat.Action
		kind   pat.Kind
	}
	groups := map[key]*ruleGroup{}
	for i := range all.Records {
		record := &all.Records[i]
		if record.Decision == pat.Keep {
			continue
		}
		k := key{record.Rule, record.Decision, record.Kind}
		if groups[k] == nil {
			groups[k] = &ruleGroup{Rule: k.rule, Action: k.action, Kind: k.kind}
		}
		groups[k].records = append(groups[k].records, record)
	}
	order := []pat.Action{pat.Revoke, pat.Withdraw, pat.Deny, pat.Approve, pat.Notice, pat.Wait, pat.Skip}
	return slices.SortedFunc(maps.Values(groups), func(a, b *ruleGroup) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Action), slices.Index(order, b.Action)), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Rule, b.Rule))
	})
}

func (g *ruleGroup) title() string {
	if g.Rule == "" {
		return "– (" + string(g.Kind) + "s)"
	}
	return markdown.Code(g.Rule)
}

// with counts the decisions of a rule that are in one column of its row.
func (g *ruleGroup) with(counts func(*pat.Record) bool) (n int) {
	for _, record := range g.records {
		if counts(record) {
			n++
		}
	}
	return n
}

func isDone(record *pat.Record) bool { return !isTold(record) && effect(record) != "" }

func isTold(record *pat.Record) bool { return effect(record) == pat.Notice }

func isFailed(record *pat.Record) bool {
	return record.Outcome == pat.Failed || record.Outcome == pat.NotDone
}

// write writes the tokens of a rule, folded.
func (g *ruleGroup) write(b *strings.Builder) {
	title := cmp.Or(htmlText(g.Rule), "no rule")
	fmt.Fprintf(b, "<details><summary>%s: %s, %s</summary>\n\n", title, wording.Count(len(g.records), string(g.Kind)), g.Action)
	b.WriteString("| owner | token | organization | opens | may | expires | last used | outcome | why |\n" +
		strings.Repeat("|---", 9) + "|\n")
	for i, record := range g.records {
		if i == rowsOfRule || b.Len() > shownBytes {
			fmt.Fprintf(b, "\n… and %s more; `report-file` has them all.\n", wording.Number(len(g.records)-i))
			break
		}
		cells := []string{
			markdown.Code(record.Owner), markdown.Cell(record.Token), markdown.Code(record.Organization), opens(record), may(record),
			dateOr(record.Expires, "never"), dateOr(record.LastUsed, "never"), markdown.Cell(outcomeText(record)),
			markdown.Cell(record.Why),
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	b.WriteString("\n</details>\n\n")
}

// htmlText keeps what a name has of plain text, for a place where Markdown is
// not read. A rule's name is one line of the policy.
func htmlText(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("<>&@#`|", r) {
			return '?'
		}
		return r
	}, name)
}

// opens shows which repositories a token opens.
func opens(record *pat.Record) string {
	switch {
	case len(record.Repositories) > 0:
		return strings.Join(markdown.Codes(wording.Shortened(record.Repositories)), ", ")
	case record.Selection == "all":
		return "all repositories"
	case record.Selection == "subset":
		return "some repositories"
	case record.Selection == "none":
		return "no repository"
	}
	return "–"
}

// may shows what a token may do.
func may(record *pat.Record) string {
	var lines []string
	if p := record.Permissions; p != nil {
		for _, family := range []map[string]string{p.Organization, p.Repository, p.Other} {
			lines = append(lines, permission.Set(family).Lines()...)
		}
	}
	lines = append(lines, record.Scopes...)
	if len(lines) == 0 {
		return "–"
	}
	return strings.Join(markdown.Codes(wording.Shortened(lines)), ", ")
}

func (all *patsReport) writeLeaks(b *strings.Builder) {
	if len(all.Leaks) == 0 {
		return
	}
	fmt.Fprintf(b, "**%s that still worked**\n\n", wording.Count(len(all.Leaks), "leaked token"))
	b.WriteString("| repository | alert | kind | found | outcome |\n|---|---|---|---|---|\n")
	for i := range all.Leaks {
		if i == rowsOfRule || b.Len() > shownBytes {
			fmt.Fprintf(b, "\n… and %s more; `report-file` has them all.\n", wording.Number(len(all.Leaks)-i))
			break
		}
		leak := &all.Leaks[i]
		text := cmp.Or(string(leak.Outcome), "reported")
		if leak.Resolved {
			text += ", alert closed"
		}
		if leak.Error != "" {
			text += ": " + leak.Error
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s |\n", markdown.Code(leak.Repository), leak.Alert, markdown.Code(leak.Type),
			dateOr(&leak.Found, "–"), markdown.Cell(text))
	}
	b.WriteString("\n")
}
