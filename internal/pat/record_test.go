package pat

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
)

// A record is a line of JSON with the names that docs and jq go by, and without
// a text that looks like a secret.
func TestRecords(t *testing.T) {
	value := "ghp" + "_" + strings.Repeat("a1B2", 9)
	o := &organization{name: "acme", inquiry: (&Engine{}).inquire("acme")}
	o.facts.Repositories[Listed{Request, 25}] = []string{"acme/api"}
	it := &item{
		Decision: Decision{Token: *token(Request), Action: Deny, Rule: "too much", Reason: "Ask for less."}, why: "it has contents: write",
		outcome: Failed, err: fault.New("GitHub answered 502", "run again"), requestID: "A1:B2", due: noon,
	}
	it.Token.Name, it.Token.Reason = value, "my token is "+value
	hidden := &item{Decision: Decision{Token: *token(Authorization), Action: Keep, Reason: "no rule matches it"}}
	r := &run{Engine: &Engine{Enforce: true, Now: func() time.Time { return noon }}, organizations: []*organization{o}}
	o.items = []*item{it, hidden}
	report := r.report()
	report.Leaks = []Leak{{Organization: "acme", Kind: "leak", Repository: "acme/api", Alert: 7}}
	var b strings.Builder
	if err := report.WriteRecords(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), value) {
		t.Error("it shows a token")
	}
	golden(t, "records.jsonl", strings.TrimSpace(b.String()))
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Error(line)
		}
	}
}

func TestReport(t *testing.T) {
	o := &organization{name: "acme", inquiry: (&Engine{}).inquire("acme")}
	for _, c := range []struct {
		kind    Kind
		action  Action
		expires time.Time
	}{
		{Request, Wait, noon.Add(day)}, // opens nothing yet
		{Request, Approve, noon.Add(day)},
		{Grant, Wait, noon.Add(-day)},
		{Grant, Keep, noon.Add(9 * day)},
		{Authorization, Keep, noon.Add(8 * day)},
		{Grant, Keep, time.Time{}},
	} {
		one := token(c.kind, func(t *Token) { t.Expires = c.expires })
		o.items = append(o.items, &item{Decision: Decision{Token: *one, Action: c.action}})
	}
	failure := errors.New("a list failed")
	r := &run{Engine: &Engine{Now: func() time.Time { return noon }}, organizations: []*organization{o}, errs: []error{failure}}
	r.lacks(noSSO, "acme")
	r.lacks(noSSO, "beta")
	report := r.report()
	if report.Waiting != 1 || report.Counts[Keep] != 3 || report.Outcomes[Would] != 1 || !report.NextExpiry.Equal(noon.Add(8*day)) {
		t.Errorf("%+v", report)
	}
	if !errors.Is(report.Err(), failure) || !slices.Equal(report.Notes, []string{"acme, beta: " + noSSO}) {
		t.Errorf("%v, %q", report.Err(), report.Notes)
	}
	if err := (&Report{}).Err(); err != nil {
		t.Error(err)
	}
}
