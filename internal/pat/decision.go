package pat

import (
	"fmt"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// Action is what becomes of a token.
type Action string

// The actions.
const (
	Wait     Action = "wait" // for a person
	Approve  Action = "approve"
	Deny     Action = "deny"
	Keep     Action = "keep"
	Notice   Action = "notice"
	Revoke   Action = "revoke"
	Withdraw Action = "withdraw"
	Skip     Action = "skip" // protected: no rule was asked
)

// Decision is what a policy says about one token.
type Decision struct {
	Token  Token
	Action Action
	Rule   string // the one that decided; empty: none did
	Reason string // for the owner (approve, deny; may be empty), or why it waits, is kept or is skipped

	// Audit reports that nothing is to be changed: the policy or the rule is in
	// audit mode. The action is the same as in enforce mode.
	Audit bool
	// Notice is how long before it ends the owner has to be told; zero: not at
	// all.
	Notice time.Duration

	// Missing is what has to be found out first. While it is not empty, Action
	// is Wait, and nothing else of the decision counts.
	Missing []Fact
	// Steps are the rules that were asked, in order, for `pats explain`.
	Steps []Step
}

// Why returns why the rule that decided matches, one phrase for each of its
// conditions: "last used 100 days ago, granted 300 days ago". Where no rule
// decided, it returns the reason.
func (d Decision) Why() string {
	if d.Rule == "" || len(d.Steps) == 0 {
		return d.Reason
	}
	parts := d.Steps[len(d.Steps)-1].Parts
	phrases := make([]string, len(parts))
	for i, part := range parts {
		phrases[i] = part.Why
	}
	return strings.Join(phrases, ", ")
}

// String returns the decision for a line of a log: revoke by rule "unused":
// last used 100 days ago.
func (d Decision) String() string {
	text := string(d.Action)
	if d.Audit && d.Rule != "" && d.Action != Wait && d.Action != Keep {
		text = "would " + text
	}
	if d.Rule != "" {
		text += fmt.Sprintf(" by rule %q", d.Rule)
	}
	return text + ": " + d.Why()
}

// Step is how one rule came out, and each of its conditions.
type Step struct {
	Rule   string
	Answer Answer
	Parts  []Part
}

// Part is one condition of a rule.
type Part struct {
	Text   string // as the manifest has it: "unused-for: 90d"
	Answer Answer
	Why    string // what was compared: "last used 41 days ago"
}

// Answer is whether a condition or rule applies. What is not known is Unknown,
// and a rule that may apply is never passed over for a later one.
type Answer uint8

// The answers.
const (
	No Answer = iota
	Yes
	Unknown
)

func (a Answer) String() string {
	switch a {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// Protection says which tokens no rule touches, and why: besides those that the
// policy protects, the ones without which the run itself could not go on.
type Protection struct {
	Policy manifest.PATProtection
	Owners map[string]string // login in lower case → why: "it started this run"
}
