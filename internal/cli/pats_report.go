package cli

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/pat"
	"github.com/valetkey/valetkey/internal/wording"
)

// patsReport is what a run tells: outputs, log, job summary and report file are
// made of it.
type patsReport struct {
	*pat.Report
	auditOnly string // why nothing was changed; empty if it could be
	ended     int    // leaked tokens
}

// counted are the actions that change something, with the outputs that count
// them.
var counted = []struct {
	action pat.Action
	output string
}{
	{pat.Approve, "approved"}, {pat.Deny, "denied"}, {pat.Notice, "noticed"}, {pat.Revoke, "revoked"}, {pat.Withdraw, "withdrawn"},
}

// effect returns what a decision did, or would do if it was enforced: a token
// that is to end after a notice is only told of until then. It is empty for one
// that did nothing.
func effect(record *pat.Record) pat.Action {
	switch {
	case record.Outcome == pat.Noticed, record.Outcome == pat.Would && record.Pending:
		return pat.Notice
	case record.Outcome == pat.Done, record.Outcome == pat.Would:
		return record.Decision
	}
	return ""
}

// count returns how many decisions had an action as their effect.
func (all *patsReport) count(action pat.Action) (n int) {
	for i := range all.Records {
		if effect(&all.Records[i]) == action {
			n++
		}
	}
	if action == pat.Revoke {
		n += all.ended
	}
	return n
}

// failed returns how many decisions could not be carried out.
func (all *patsReport) failed() (n int) {
	n = all.Outcomes[pat.Failed] + all.Outcomes[pat.NotDone]
	for i := range all.Leaks {
		if all.Leaks[i].Error != "" && all.Leaks[i].Outcome != pat.NotDone { // of a kind that the policy does not name
			n++
		}
	}
	return n
}

func (all *patsReport) outputs() []actions.Pair {
	var pairs []actions.Pair
	for _, c := range counted {
		pairs = append(pairs, actions.Pair{Name: c.output, Value: strconv.Itoa(all.count(c.action))})
	}
	next := ""
	if !all.NextExpiry.IsZero() {
		next = all.NextExpiry.UTC().Format(time.RFC3339)
	}
	return append(pairs,
		actions.Pair{Name: "waiting", Value: strconv.Itoa(all.Waiting)},
		actions.Pair{Name: "failed", Value: strconv.Itoa(all.failed())},
		actions.Pair{Name: "next-expiry", Value: next},
	)
}

// total returns the counts in one line.
func (all *patsReport) total() string {
	var parts []string
	for _, c := range counted {
		parts = append(parts, wording.Number(all.count(c.action))+" "+c.output)
	}
	parts = append(parts, wording.Number(all.Waiting)+" waiting for a person", wording.Number(all.failed())+" failed")
	text := strings.Join(parts, ", ")
	if all.auditOnly != "" {
		text = "this would be done: " + text
	}
	return text
}

// encode writes every decision and every leak as JSON, one a line.
func (all *patsReport) encode(w io.Writer) error {
	buffer := bufio.NewWriter(w)
	if err := all.WriteRecords(buffer); err != nil {
		return err
	}
	return buffer.Flush()
}

// outcomeText says what became of a decision, for a cell of the summary.
func outcomeText(record *pat.Record) string {
	text := string(record.Outcome)
	switch record.Outcome {
	case pat.Noticed:
		text = "notice"
	case pat.NotDone:
		text = "not done"
	case "":
		text = string(record.Decision)
	}
	if record.Due != nil {
		text += ", ends " + record.Due.UTC().Format(time.DateOnly)
	}
	if record.Error != "" {
		text += ": " + record.Error
	}
	return text
}

// dateOr returns a date, or a word where there is none.
func dateOr(t *time.Time, never string) string {
	if t == nil {
		return never
	}
	return t.UTC().Format(time.DateOnly)
}
