package pat

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule is one rule of a policy. It matches a token that meets all its
// conditions.
type rule struct {
	name       string
	action     Action
	audit      bool
	reason     string // a template
	notice     time.Duration
	conditions []condition
}

// condition is one part of a rule's if.
type condition struct {
	text string // as in the manifest
	ask  ask
}

// ask answers whether a token meets a condition, and says what was compared.
type ask func(q *question) (Answer, string)

// question is one token, and what is known for judging it.
type question struct {
	*Token
	facts   *Facts
	now     time.Time // by GitHub's clock
	missing []Fact    // what the conditions wanted to know and can still be found out
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

// yes returns Yes for true and No for false.
func yes(b bool) Answer {
	if b {
		return Yes
	}
	return No
}
