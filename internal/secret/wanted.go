package secret

import (
	"context"
	"slices"

	"github.com/valetkey/valetkey/internal/redact"
)

// Wanted is one secret at one place.
type Wanted struct {
	Place
	Name  string
	Value redact.String
	Fresh bool // a new value each run: written each time

	// ValueFunc, if any, returns the value when it is written, instead of Value: one
	// that does not live long must not wait for its turn. Many goroutines call it.
	ValueFunc func(context.Context) (redact.String, error) `json:"-"`

	// Access is who sees an organization's secret. Nil keeps what is there; a new
	// one is for private repositories.
	Access *Access
	// CreateEnvironment makes the environment where it is missing.
	CreateEnvironment bool
}

// same tells whether two wishes for one name come down to one.
func (w *Wanted) same(other *Wanted) bool {
	return w.Value.Reveal() == other.Value.Reveal() && w.Fresh == other.Fresh && w.Access.same(other.Access) &&
		w.CreateEnvironment == other.CreateEnvironment
}

func (a *Access) same(other *Access) bool {
	if a == nil || other == nil {
		return a == other
	}
	return a.Visibility == other.Visibility && (a.Visibility != "selected" || sameSet(a.Repositories, other.Repositories))
}

// sameSet compares lists whose order and repetitions mean nothing.
func sameSet(a, b []int64) bool {
	set := func(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }
	return slices.Equal(set(a), set(b))
}

// Action is what is to be done about a secret.
type Action string

// The actions. Which of Create and Update a Write will be, GitHub's answer tells.
const (
	Create Action = "create"
	Update Action = "update"
	Write  Action = "write"
	Delete Action = "delete"
	Keep   Action = "unchanged"
	Fail   Action = "failed"
)

func (a Action) writes() bool { return a == Create || a == Update || a == Write }

// Change is a secret and what is to be done about it.
type Change struct {
	Wanted // of what is to be deleted, place and name alone
	Action Action
	Reason string // in words
	Err    error  // with Fail

	told     int64 // when GitHub says that it was written last; 0: not asked, or not there
	selected bool  // who sees it now is a list that has to be read and sent along
	listed   bool  // a run looks at the place first, whether or not with ListAll
	keyed    bool  // the public key of the place is known
	missing  bool  // its environment has to be created
	forget   bool  // the state need not know it any longer
}

// Outcome is what became of a change.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
	Deleted   Outcome = "deleted"
	Failed    Outcome = "failed"
)

// Result is what became of one secret.
type Result struct {
	Place   Place
	Name    string
	Outcome Outcome
	Reason  string // why it was done, or left
	Err     error  // with Failed
}
