package pat

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// question is one token, and what is known for judging it.
type question struct {
	*Token
	facts   *Facts
	now     time.Time // by GitHub's clock
	missing []Fact    // what the conditions wanted to know and can still be found out
}

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

// verdict is how a list of rules came out: the rule that matches or may match,
// and the rules up to it.
type verdict struct {
	rule   *rule // nil if the answer is No
	answer Answer
	steps  []Step
}

// first asks rules in order, up to the first that matches or may match.
func (q *question) first(rules []rule) verdict {
	v := verdict{steps: make([]Step, 0, len(rules))}
	for i := range rules {
		step := q.ask(&rules[i])
		v.steps = append(v.steps, step)
		if v.answer = step.Answer; v.answer != No {
			v.rule = &rules[i]
			break
		}
	}
	return v
}

// ask asks a rule about all of its conditions. A rule that does not match
// whatever else is found out leaves nothing missing.
func (q *question) ask(r *rule) Step {
	step := Step{Rule: r.name, Answer: Yes, Parts: make([]Part, len(r.conditions))}
	before := len(q.missing)
	for i, c := range r.conditions {
		answer, why := c.ask(q)
		step.Parts[i] = Part{Text: c.text, Answer: answer, Why: why}
		if answer == No || step.Answer == Yes {
			step.Answer = answer
		}
	}
	if step.Answer == No {
		q.missing = q.missing[:before]
	}
	return step
}

// doubt returns why a rule that may match does not decide.
func (v *verdict) doubt() string {
	var doubts []string
	last := v.steps[len(v.steps)-1]
	for _, part := range last.Parts {
		if part.Answer == Unknown {
			doubts = append(doubts, part.Why)
		}
	}
	return "rule " + strconv.Quote(last.Rule) + " may match: " + strings.Join(doubts, "; ")
}

// lacks returns why a fact is not known. One that can still be found out
// becomes missing.
func (q *question) lacks(f Fact, what string) string {
	if why, failed := q.facts.Failed[f]; failed {
		return what + " could not be found out: " + quoted(why)
	}
	if !slices.Contains(q.missing, f) {
		q.missing = append(q.missing, f)
	}
	return what + " is not known yet"
}
