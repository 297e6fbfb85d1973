package pat

import (
	"slices"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// always is a condition that every token of the tests meets.
var always = manifest.PATCondition{Owner: "mona*"}

func TestNoRuleMatches(t *testing.T) {
	for kind, want := range map[Kind]Action{Request: Wait, Grant: Keep, Authorization: Keep} {
		for _, rules := range [][]manifest.PATRule{nil, {{Name: "bots", Do: does[kind], If: manifest.PATCondition{Owner: "*-bot"}}}} {
			d := compile(t, kind, rules...).Decide(Protection{}, token(kind), nil, noon)
			if d.Action != want || d.Rule != "" || d.Reason != "no rule matches it" || len(d.Steps) != len(rules) {
				t.Errorf("%s: got %s", kind, d)
			}
		}
	}
}

// Each list has its own rules, and the first that matches decides.
func TestFirstRuleDecides(t *testing.T) {
	source := &manifest.PATs{Organizations: []string{"Acme"}, Enforce: true}
	for kind, do := range may {
		for _, action := range do {
			source := *source
			*listOf(&source, kind) = []manifest.PATRule{
				{Name: "bots", Do: does[kind], If: manifest.PATCondition{Owner: "*-bot"}},
				{Name: "it", Do: string(action), If: always, Notice: 14 * day},
				{Name: "later", Do: does[kind], If: always, Audit: true},
			}
			p, err := Compile(&source)
			if err != nil {
				t.Fatal(err)
			}
			for other := range may {
				d := p.Decide(Protection{}, token(other), nil, noon)
				if other != kind {
					if d.Rule != "" || len(d.Steps) != 0 {
						t.Errorf("a %s was judged as a %s: %s", other, kind, d)
					}
					continue
				}
				if d.Action != action || d.Rule != "it" || d.Audit || d.Notice != 14*day || len(d.Steps) != 2 ||
					d.Why() != "the owner is Monalisa" {
					t.Errorf("%s %s: got %s", action, kind, d)
				}
			}
		}
	}
}

func TestAudit(t *testing.T) {
	for _, c := range []struct{ enforce, audit, want bool }{
		{true, false, false},
		{true, true, true},
		{false, false, true},
		{false, true, true},
	} {
		p, err := Compile(&manifest.PATs{
			Organizations: []string{"acme"}, Enforce: c.enforce,
			Grants: []manifest.PATRule{{Name: "it", Do: "revoke", If: always, Audit: c.audit}},
		})
		if err != nil {
			t.Fatal(err)
		}
		d := p.Decide(Protection{}, token(Grant), nil, noon)
		want := `revoke by rule "it": the owner is Monalisa`
		if c.want {
			want = "would " + want
		}
		if d.Audit != c.want || d.Action != Revoke || d.String() != want {
			t.Errorf("%+v: got %s", c, d)
		}
	}
}

// A rule that may match is not passed over, and asks only for what matters.
func TestUnknownStops(t *testing.T) {
	team, member := Fact{Team: "platform"}, Fact{Member: "monalisa"}
	opens := Fact{Repositories: Listed{Grant, 25}}
	rule := func(of manifest.PATCondition) manifest.PATRule {
		return manifest.PATRule{Name: "it", Do: "keep", If: of}
	}
	levels := manifest.PATCondition{AnyOf: &manifest.PATPermissions{Repository: map[string]string{"contents": "write"}}}
	novel := func(t *Token) { t.Permissions.Repository = map[string]string{"contents": "maintain"} }
	and := func(c manifest.PATCondition, more func(*manifest.PATCondition)) manifest.PATCondition {
		more(&c)
		return c
	}
	both := manifest.PATCondition{Team: "platform", Membership: "member"}
	asksTeam := func(c *manifest.PATCondition) { c.Team = "platform" }
	for name, c := range map[string]struct {
		first  manifest.PATRule
		token  func(*Token)
		facts  Facts
		missed []Fact
		reason string // empty: the later rule decides
	}{
		"to be found out": {first: rule(both), missed: []Fact{team, member}},
		"found out in part": {
			first: rule(both), facts: Facts{Members: map[string]bool{"monalisa": true}}, missed: []Fact{team},
		},
		"No all the same": {first: rule(both), facts: Facts{Members: map[string]bool{"monalisa": false}}},
		"No by the token": {first: rule(manifest.PATCondition{Team: "platform", NeverExpires: true})},
		"the same fact once": {
			first:  rule(manifest.PATCondition{Repositories: repositories(t, "acme/api"), AnyRepository: repositories(t, "acme/api")}),
			missed: []Fact{opens},
		},
		"not to be known": {
			first: rule(levels), token: novel,
			reason: `rule "it" may match: contents: maintain is not a level that this release knows`,
		},
		"what else is missing may settle it": {first: rule(and(levels, asksTeam)), token: novel, missed: []Fact{team}},
		"and settles it": {
			first: rule(and(levels, asksTeam)), token: novel, facts: Facts{Teams: map[string]map[string]bool{"platform": nil}},
		},
		"two things are not to be known": {
			first: rule(and(levels, asksTeam)), token: novel, facts: Facts{Failed: map[Fact]string{team: "404"}},
			reason: `rule "it" may match: who belongs to team platform could not be found out: "404"; ` +
				`contents: maintain is not a level that this release knows`,
		},
	} {
		subject := token(Grant)
		if c.token != nil {
			c.token(subject)
		}
		p := compile(t, Grant, c.first, manifest.PATRule{Name: "later", Do: "revoke", If: always})
		d := p.Decide(Protection{}, subject, &c.facts, noon)
		switch decided := c.reason == "" && c.missed == nil; {
		case decided && (d.Action != Revoke || d.Rule != "later" || d.Missing != nil):
			t.Errorf("%s: got %s", name, d)
		case !decided && (d.Action != Wait || d.Rule != "" || len(d.Steps) != 1 || !slices.Equal(d.Missing, c.missed)):
			t.Errorf("%s: got %s, missing %v", name, d, d.Missing)
		case c.reason != "" && d.Reason != c.reason:
			t.Errorf("%s: got %s", name, d)
		}
	}
}

// A token that GitHub's answer tells too little of is left to a person.
func TestUnfitToken(t *testing.T) {
	for want, change := range map[string]func(*Token){
		"it is neither a request nor a grant nor an authorization": func(t *Token) { t.Kind = "" },
		"the policy is not about its organization":                 func(t *Token) { t.Organization = "acme-labs" },
		"GitHub does not say its id":                               func(t *Token) { t.ID = 0 },
		"GitHub does not say whose it is":                          func(t *Token) { t.Owner = "" },
		"GitHub does not say since when it is there":               func(t *Token) { t.Since = time.Time{} },
		"it is from the future: 2026-11-21T12:00:01Z":              func(t *Token) { t.Since = noon.Add(day + time.Second) },
	} {
		for kind := range may {
			subject := token(kind, change)
			p := compile(t, kind, manifest.PATRule{Name: "it", Do: does[kind], If: manifest.PATCondition{Owner: "*"}})
			if d := p.Decide(Protection{}, subject, nil, noon); d.Action != Wait || d.Reason != want || d.Rule != "" {
				t.Errorf("%s: %s: got %s", kind, want, d)
			}
		}
	}
	p := compile(t, Grant, manifest.PATRule{Name: "it", Do: "revoke", If: always})
	epoch := token(Grant, func(t *Token) { t.Since = time.Unix(0, 0) })
	if d := p.Decide(Protection{}, epoch, nil, noon); d.Reason != "GitHub does not say since when it is there" {
		t.Errorf("granted in 1970: got %s", d)
	}
	if d := p.Decide(Protection{}, token(Grant), nil, time.Time{}); d.Action != Wait || d.Reason != "GitHub's time is not known" {
		t.Errorf("without a time: got %s", d)
	}
	if d := p.Decide(Protection{}, token(Grant, func(t *Token) { t.Since = noon.Add(day) }), nil, noon); d.Action != Revoke {
		t.Errorf("a clock that is a little off: got %s", d)
	}
}

// Whys of a rule with several conditions come in their order.
func TestWhy(t *testing.T) {
	three := manifest.PATCondition{UnusedFor: 7 * day, Owner: "m*", GrantedFor: day}
	p := compile(t, Grant, manifest.PATRule{Name: "it", Do: "revoke", If: three})
	d := p.Decide(Protection{}, token(Grant), nil, noon)
	if got := d.String(); got != `revoke by rule "it": the owner is Monalisa, last used 10 days ago, granted 100 days ago` {
		t.Errorf("got %s", got)
	}
	byHand := Decision{Action: Revoke, Rule: "by hand", Reason: "acme asked for it"} // without steps
	if got := byHand.String(); got != `revoke by rule "by hand": acme asked for it` {
		t.Errorf("got %s", got)
	}
	waits := compile(t, Request, manifest.PATRule{Name: "it", Do: "wait", If: always}).Decide(Protection{}, token(Request), nil, noon)
	if waits.Reason != `rule "it" leaves it to a person` || waits.Rule != "it" {
		t.Errorf("got %s", waits)
	}
}
