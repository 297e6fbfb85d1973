package pat

import (
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
)

func TestBrake(t *testing.T) {
	limits := manifest.PATLimits{Approve: 3, Deny: 2, Revoke: 20, Withdraw: 10, Share: 10}
	type acts map[string]int // "acme revoke unused" → how many
	const check = "; hint: check these rules; if this is what they are for, "
	for name, c := range map[string]struct {
		acts      acts
		total     Total // of both organizations
		confirmed []string
		audit     bool
		missing   bool
		want      string // the errors, one on each line
	}{
		"nothing": {},
		"within the limits": {
			acts: acts{
				"acme approve a": 3, "acme deny b": 2, "acme revoke c": 20, "acme withdraw d": 10,
				"acme keep e": 500, "acme notice e": 500, "acme wait f": 500, "acme skip g": 500,
			},
			total: Total{Grants: 200, Authorizations: 100},
		},
		"too many approvals": {
			acts: acts{"acme approve a": 3, "acme approve b": 1},
			want: `nothing is done: this run would approve 4 requests of acme, more than the 3 that limits allow ` +
				`(3 by rule "a", 1 by rule "b")` + check + "set limits: {approve: 4} in the manifest until it is done",
		},
		"each organization has its own": {
			acts: acts{"acme deny a": 2, "labs deny a": 2},
		},
		"however the organization is spelt": {
			acts: acts{"acme deny a": 2, "ACME deny a": 1},
			want: `nothing is done: this run would deny 3 requests of acme, more than the 2 that limits allow (3 by rule "a")` + check +
				"set limits: {deny: 3} in the manifest until it is done",
		},
		"too many revoked, confirmed or not": {
			acts: acts{"acme revoke a": 21}, total: Total{Grants: 1000}, confirmed: []string{"acme"},
			want: `nothing is done: this run would revoke 21 grants of acme, more than the 20 that limits allow (21 by rule "a")` + check +
				"set limits: {revoke: 21} in the manifest until it is done",
		},
		"too large a share": {
			acts: acts{"acme revoke a": 11, "labs withdraw b": 10, "labs revoke c": 10}, total: Total{Grants: 109, Authorizations: 99},
			want: `nothing is done: this run would revoke 11 of the 109 grants of acme, more than the 10% that need no confirmation ` +
				`(11 by rule "a")` + check + "run once with confirm: acme\n" +
				`nothing is done: this run would withdraw 10 of the 99 authorizations of labs, more than the 10% that need ` +
				`no confirmation (10 by rule "b")` + check + "run once with confirm: labs",
		},
		"another's confirmation": {
			acts:  acts{"acme revoke a": 11, "labs withdraw b": 10},
			total: Total{Grants: 109, Authorizations: 99}, confirmed: []string{"Labs"},
			want: `nothing is done: this run would revoke 11 of the 109 grants of acme, more than the 10% that need no confirmation ` +
				`(11 by rule "a")` + check + "run once with confirm: acme",
		},
		"a confirmed share": {acts: acts{"acme revoke a": 11}, total: Total{Grants: 11}, confirmed: []string{"Acme"}},
		"a share of nobody knows what": {
			acts: acts{"acme revoke a": 1},
			want: `nothing is done: this run would revoke 1 of the 0 grants of acme, more than the 10% that need no confirmation ` +
				`(1 by rule "a")` + check + "run once with confirm: acme",
		},
		"audit":             {acts: acts{"acme revoke a": 5000, "acme deny b": 5000}, audit: true},
		"not yet decided":   {acts: acts{"acme revoke a": 5000}, missing: true},
		"approvals at once": {acts: acts{"acme approve a": 1}}, // a share is of what ends
	} {
		b := Brake{Limits: limits, Totals: map[string]Total{"acme": c.total, "labs": c.total}, Confirmed: c.confirmed}
		var due []Decision
		for what, n := range c.acts {
			f := strings.Fields(what)
			d := Decision{Token: Token{Organization: f[0]}, Action: Action(f[1]), Rule: f[2], Audit: c.audit}
			if c.missing {
				d.Missing = []Fact{{Team: "platform"}}
			}
			for range n {
				due = append(due, d)
			}
		}
		var got []string
		for _, err := range fault.List(b.Check(due)) {
			got = append(got, fault.Line(err))
		}
		if text := strings.Join(got, "\n"); text != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, text, c.want)
		}
	}
	if err := new(Brake).Check([]Decision{{Action: Approve}}); err == nil {
		t.Error("limits that nobody set allow something")
	}
}
