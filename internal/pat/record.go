package pat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/wording"
)

// Outcome is what became of a decision.
type Outcome string

// The outcomes. A decision that changes nothing has none.
const (
	Done    Outcome = "done"
	Noticed Outcome = "noticed"  // the owner is told, and nothing is due yet
	Would   Outcome = "would"    // only in audit mode: this would be done
	Dropped Outcome = "dropped"  // what was judged had changed when it was to be done
	Gone    Outcome = "gone"     // it was no longer there: somebody was faster
	Failed  Outcome = "failed"   // see the error
	NotDone Outcome = "not-done" // it was not tried, see the error
)

// Record is one decision, as an auditor keeps it. It holds no value of a token,
// and no text that looks like one.
type Record struct {
	Organization  string       `json:"organization"`
	Kind          Kind         `json:"kind"`
	ID            int64        `json:"id"` // of the request, grant or authorization
	TokenID       int64        `json:"token_id,omitempty"`
	Owner         string       `json:"owner"`
	Token         string       `json:"token,omitempty"` // its name
	Permissions   *Permissions `json:"permissions,omitempty"`
	Scopes        []string     `json:"scopes,omitempty"`
	Credential    string       `json:"credential,omitempty"`
	Selection     string       `json:"selection,omitempty"`
	Repositories  []string     `json:"repositories,omitempty"` // if they mattered
	Since         time.Time    `json:"since,omitzero"`         // requested, granted or authorized
	Expires       *time.Time   `json:"expires"`                // null: never
	LastUsed      *time.Time   `json:"last_used"`              // null: never
	Justification string       `json:"justification,omitempty"`

	Rule     string     `json:"rule,omitempty"`
	Decision Action     `json:"decision"`
	Why      string     `json:"why,omitempty"`
	Reason   string     `json:"reason,omitempty"` // for the owner
	Mode     string     `json:"mode"`             // audit or enforce
	Outcome  Outcome    `json:"outcome,omitempty"`
	Due      *time.Time `json:"due,omitempty"` // when the notice is over
	Pending  bool       `json:"-"`             // it ends only after a notice, which is not over
	Error    string     `json:"error,omitempty"`
	Request  string     `json:"request_id,omitempty"` // GitHub's, of the call that did it
}

// Report is the result of a run.
type Report struct {
	Records    []Record
	Leaks      []Leak
	Counts     map[Action]int
	Outcomes   map[Outcome]int
	Waiting    int       // requests that a person has to decide on
	NextExpiry time.Time // of the tokens that have access; zero: none expires
	Errors     []error
	Notes      []string // what could not be seen, and why
}

// Err returns the errors of the run as one; nil if there are none.
func (r *Report) Err() error { return errors.Join(r.Errors...) }

// WriteRecords writes a line of JSON for each decision and each leaked token.
func (r *Report) WriteRecords(w io.Writer) error {
	lines := json.NewEncoder(w)
	for i := range r.Records {
		if err := lines.Encode(&r.Records[i]); err != nil {
			return err
		}
	}
	for i := range r.Leaks {
		if err := lines.Encode(&r.Leaks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) report() Report {
	report := Report{Counts: map[Action]int{}, Outcomes: map[Outcome]int{}, Errors: r.errs, Notes: r.notes, Leaks: r.leaks}
	for _, what := range slices.Sorted(maps.Keys(r.lacking)) {
		report.Notes = append(report.Notes, wording.Names(r.lacking[what])+": "+what)
	}
	for _, o := range r.organizations {
		for _, it := range o.items {
			if !r.acts(&it.Decision) && it.outcome == "" && (it.changes() || it.Action == Notice) {
				it.outcome = Would
			}
			report.add(r.record(o, it))
		}
	}
	now := r.Now()
	for i := range report.Records {
		if at := report.Records[i].Expires; report.Records[i].Kind != Request && at != nil && at.After(now) {
			if report.NextExpiry.IsZero() || at.Before(report.NextExpiry) {
				report.NextExpiry = *at
			}
		}
	}
	return report
}

func (r *Report) add(record Record) {
	r.Records = append(r.Records, record)
	r.Counts[record.Decision]++
	if record.Outcome != "" {
		r.Outcomes[record.Outcome]++
	}
	if record.Kind == Request && record.Decision == Wait {
		r.Waiting++
	}
}

func (r *run) record(o *organization, it *item) Record {
	t := &it.Token
	record := Record{
		Organization: t.Organization, Kind: t.Kind, ID: t.ID, TokenID: t.TokenID, Owner: shown(t.Owner), Credential: shown(t.Credential),
		Scopes: shownAll(t.Scopes), Selection: shown(t.Selection), Since: t.Since, Expires: orNull(t.Expires), LastUsed: orNull(t.LastUsed),
		Rule: it.Rule, Decision: it.Action, Why: it.why, Mode: "audit", Outcome: it.outcome, Due: orNull(it.due), Request: it.requestID,
		Pending: it.ends() && !it.isDue(r.Now()),
	}
	if t.Name != "" {
		record.Token = free(t.Name)
	}
	if t.Reason != "" {
		record.Justification = free(t.Reason)
	}
	if it.Rule != "" {
		record.Reason = it.Reason
	}
	if t.Kind != Authorization {
		record.Permissions = &t.Permissions
		record.Repositories = shownAll(o.facts.Repositories[Listed{t.Kind, t.ID}])
	}
	if r.acts(&it.Decision) {
		record.Mode = "enforce"
	}
	if it.err != nil {
		record.Error = fault.Line(it.err)
	}
	return record
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// name returns what a log calls a token: "request 12 of monalisa in acme".
func (t *Token) name() string {
	return fmt.Sprintf("%s %d of %s in %s", t.Kind, t.ID, shown(t.Owner), t.Organization)
}
