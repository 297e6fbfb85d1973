package pat

import (
	"cmp"
	"fmt"
	"time"
)

// Decide returns what the policy says about a token. The first rule of its list
// that matches decides. A rule that may match, as far as is known, stops there:
// no later one is asked.
//
// While facts lack something that matters, the decision names it as Missing;
// find it out, add it to facts, under Failed if it cannot be known, and decide
// again. The time is GitHub's.
func (p *Policy) Decide(protection Protection, t *Token, facts *Facts, now time.Time) Decision {
	d := Decision{Token: *t, Action: Wait, Audit: !p.enforce}
	if d.Reason = cmp.Or(protection.Why(t), p.protection.Why(t)); d.Reason != "" {
		d.Action = Skip
		return d
	}
	if d.Reason = p.whyUnfit(t, now); d.Reason != "" {
		return d
	}
	if facts == nil {
		facts = &Facts{}
	}
	q := &question{Token: t, facts: facts, now: now}
	v := q.first(p.rules[t.Kind])
	d.Steps = v.steps
	switch {
	case v.answer == Yes && !q.canWord(v.rule.reason), len(q.missing) > 0:
		d.Missing, d.Reason = q.missing, "more has to be found out first"
	case v.answer == Yes:
		d.Action, d.Rule, d.Audit, d.Notice = v.rule.action, v.rule.name, d.Audit || v.rule.audit, v.rule.notice
		d.Reason = q.render(v.rule)
		if d.Reason == "" && d.Action == Wait {
			d.Reason = fmt.Sprintf("rule %q leaves it to a person", d.Rule)
		}
	case v.answer == Unknown:
		d.Reason = v.doubt()
	case t.Kind == Request:
		d.Reason = "no rule matches it"
	default:
		d.Action, d.Reason = Keep, "no rule matches it"
	}
	return d
}

// oldest is before GitHub was; no time that it tells of a token is earlier.
var oldest = time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC)

// whyUnfit returns why no rule can judge a token, whatever the rules are; empty
// if they can.
func (p *Policy) whyUnfit(t *Token, now time.Time) string {
	switch {
	case may[t.Kind] == nil:
		return "it is neither a request nor a grant nor an authorization"
	case !p.covers(t.Organization):
		return "the policy is not about its organization"
	case t.ID <= 0:
		return "GitHub does not say its id"
	case t.Owner == "":
		return "GitHub does not say whose it is"
	case t.Since.Before(oldest):
		return "GitHub does not say since when it is there"
	case now.Before(oldest):
		return "GitHub's time is not known"
	case t.Since.Sub(now) > 24*time.Hour:
		return "it is from the future: " + t.Since.UTC().Format(time.RFC3339)
	}
	return ""
}
