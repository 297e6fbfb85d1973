package secret

import (
	"context"
	"slices"

	"github.com/valetkey/valetkey/internal/redact"
)

// Wanted is one wanted secret at one place.
type Wanted struct {
	Place
	Name  string
	Value redact.String
	Fresh bool // a new value each run: written each time

	// ValueFunc, if any, returns the value when it is written, instead of
	// Value: a value that does not live long must not wait for its turn. Many
	// goroutines call it at once.
	ValueFunc func(context.Context) (redact.String, error) `json:"-"`

	// Access says who sees an organization's secret. Nil keeps the present
	// access; a new secret is visible to private repositories.
	Access *Access
	// CreateEnvironment creates the environment if it does not exist.
	CreateEnvironment bool
}

// same reports whether two wanted secrets with one name are the same.
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

// sameSet reports whether two lists hold the same ids, whatever their order and
// repetitions.
func sameSet(a, b []int64) bool {
	set := func(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }
	return slices.Equal(set(a), set(b))
}

// Action is what is to be done with a secret.
type Action string

// The actions. The answer to a Write tells whether it created or updated the
// secret.
const (
	Create Action = "create"
	Update Action = "update"
	Write  Action = "write"
	Delete Action = "delete"
	Keep   Action = "unchanged"
	Fail   Action = "failed"
)

func (a Action) writes() bool { return a == Create || a == Update || a == Write }

// Change is a secret and what is to be done with it.
type Change struct {
	Wanted // for a deletion, only place and name
	Action Action
	Reason string // in words
	Err    error  // with Fail

	updated  int64 // when GitHub says that it was last written; 0: not asked, or it does not exist
	selected bool  // the repositories that see it now are a list, which has to be read and sent again
	listed   bool  // a run lists the place first, with or without ListAll
	keyed    bool  // the public key of the place is known
	missing  bool  // its environment has to be created
	forget   bool  // the state can drop it
}

// Outcome is the result of a change.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
	Deleted   Outcome = "deleted"
	Failed    Outcome = "failed"
)

// Result is the result of the change of one secret.
type Result struct {
	Place   Place
	Name    string
	Outcome Outcome
	Reason  string // why it was done or not done
	Err     error  // with Failed
}
