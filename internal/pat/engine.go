package pat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

// Engine does what a policy says. Everything that it decides on was read in the
// same run, and each token is read and judged again directly before it is
// changed. It keeps no state of its own: what has to be remembered, which is
// since when an owner knows, is in the issues that tell them.
//
// Two runs at once do no harm. What one has done the other finds done, and of
// two issues for one owner the first counts.
//
// Call, Policy and Now must be set; Author where the policy gives notice;
// RevokeLeaked and Secret where it ends leaked tokens.
type Engine struct {
	Call       apicall.Func // for several goroutines at once
	Policy     *manifest.PATs
	Protection Protection
	Enforce    bool     // change what the policy enforces; otherwise only say what would be changed
	Sections   Sections // which parts of the policy are looked at
	Confirmed  []string // organizations in which the share of the limits may be exceeded
	Author     string   // the login that the App writes issues as; those of others count for nothing
	Now        func() time.Time

	Replacement  func(*Token) string                          // the step that makes a token unnecessary, in Markdown; nil: none
	RevokeLeaked func(context.Context, []redact.String) error // ends tokens by their values, at most a thousand
	Secret       func(redact.String)                          // called with the value of each leaked token before it is used
	Info         func(format string, args ...any)             // logs each change
}

// Sections are parts of a policy.
type Sections struct{ Requests, Grants, SSO, Leaks bool }

// kinds returns which lists a run reads: those that the policy has rules for.
func (e *Engine) kinds() []Kind { return kindsOf(e.Policy, e.Sections) }

func kindsOf(policy *manifest.PATs, s Sections) []Kind {
	var kinds []Kind
	for _, one := range []struct {
		kind   Kind
		wanted bool
	}{{Request, s.Requests}, {Grant, s.Grants}, {Authorization, s.SSO}} {
		if one.wanted && len(rulesOf(policy, one.kind)) > 0 {
			kinds = append(kinds, one.kind)
		}
	}
	return kinds
}

func rulesOf(policy *manifest.PATs, kind Kind) []manifest.PATRule {
	switch kind {
	case Request:
		return policy.Requests
	case Grant:
		return policy.Grants
	}
	return policy.Authorizations
}

// Run decides about every token, and does what the policy enforces. A failure
// in one organization does not stop the others.
func (e *Engine) Run(ctx context.Context) Report {
	r := &run{Engine: e}
	policy, err := Compile(e.Policy)
	if err != nil {
		return Report{Errors: []error{err}}
	}
	r.policy = policy
	if e.Sections.Leaks && e.Policy.Leaks != nil {
		r.endLeaks(ctx)
	}
	r.judge(ctx)
	r.consult(ctx)
	if r.withinLimits() {
		r.act(ctx)
		r.giveNotice(ctx)
	}
	return r.report()
}

// run is one run.
type run struct {
	*Engine
	policy        *Policy
	organizations []*organization
	desk          *desk // the notices that are open; nil: not read
	leaks         []Leak
	lacking       map[string][]string // what organizations lack → which
	notes         []string
	errs          []error
}

// organization is one organization in a run.
type organization struct {
	name string
	*inquiry
	read   map[Kind]bool // the lists that ended cleanly
	totals Total
	items  []*item
	halted bool // a write failed, so no other is tried
}

// item is one token in a run.
type item struct {
	Decision
	why        string
	conditions []string  // of the rule, as the manifest has them, where its owner is told
	told       bool      // its owner was told before this run
	since      time.Time // when they were told, or are
	due        time.Time // when the notice is over; zero: nothing ends
	counted    bool      // it is due, and the limits have counted it
	outcome    Outcome
	err        error
	requestID  string
	refused    bool // GitHub would not do it to this token
}

// judge reads all lists and decides about each token.
func (r *run) judge(ctx context.Context) {
	for _, name := range r.Policy.Organizations {
		o := &organization{name: name, inquiry: r.inquire(name), read: map[Kind]bool{}}
		r.organizations = append(r.organizations, o)
		var tokens []Token
		for _, kind := range r.kinds() {
			listed, err := r.readList(ctx, o, kind)
			if err != nil {
				r.errs = append(r.errs, fmt.Errorf("%w; nothing was decided on it", err))
				continue
			}
			tokens = append(tokens, listed...)
		}
		decisions := o.decide(ctx, r.policy, tokens)
		r.errs = append(r.errs, fewErrors(o.errs)...)
		o.items = make([]*item, len(decisions))
		for i, d := range decisions {
			it := &item{Decision: d, why: d.Why()}
			if it.tells() {
				it.conditions = conditionsOf(&d)
			}
			it.Steps = nil // many, and only for who explains
			o.items[i] = it
		}
	}
}

// readList reads one list of an organization. A list that there is not for its
// plan or host is empty, and said.
func (r *run) readList(ctx context.Context, o *organization, kind Kind) ([]Token, error) {
	tokens, answer, err := r.list(ctx, o.name, kind, nil)
	switch {
	case err != nil && kind == Authorization && answer.Status == http.StatusNotFound:
		r.lacks(noSSO, o.name)
		return nil, nil
	case err != nil:
		return nil, err
	}
	o.read[kind] = true
	switch kind {
	case Request:
		if len(tokens) == 0 {
			r.lacks(noRequests, o.name)
		}
	case Grant:
		o.totals.Grants = len(tokens)
	case Authorization:
		o.totals.Authorizations = len(tokens)
	}
	return tokens, nil
}

const (
	noSSO = "GitHub has no list of credentials for single sign-on there, which takes Enterprise Cloud and SAML; " +
		"classic tokens can't be seen"
	noRequests = "no request is waiting there; that is no proof that tokens have to be approved, " +
		"which only the organization's settings show"
	noValidity = "alerts of secret scanning do not tell there which tokens still work; none is ended"
	noScanning = "GitHub shows no alerts of secret scanning there; leaked tokens can't be seen"
)

// lacks notes what an organization does not have. The report says each once.
func (r *run) lacks(what, organization string) {
	if r.lacking == nil {
		r.lacking = map[string][]string{}
	}
	r.lacking[what] = append(r.lacking[what], organization)
}

// acts reports whether a decision is carried out, rather than only told.
func (r *run) acts(d *Decision) bool { return r.Enforce && !d.Audit }

// changes reports whether a decision takes or gives access.
func (d *Decision) changes() bool { return d.Action == Approve || d.Action == Deny || d.ends() }

// ends reports whether a decision takes access that somebody has.
func (d *Decision) ends() bool { return d.Action == Revoke || d.Action == Withdraw }

// isDue reports whether a decision that changes something is to be carried out
// now.
func (it *item) isDue(now time.Time) bool {
	return it.changes() && (it.Notice == 0 || it.told && !now.Before(it.due))
}

// withinLimits reports whether the run stays within what it may do, before
// anything was done. If not, nothing at all is. What becomes due later on was
// not counted, and is the next run's.
func (r *run) withinLimits() bool {
	var enforced, audited []Decision
	brake := Brake{Limits: r.Policy.Limits, Totals: map[string]Total{}, Confirmed: r.Confirmed}
	now := r.Now()
	for _, o := range r.organizations {
		brake.Totals[strings.ToLower(o.name)] = o.totals
		for _, it := range o.items {
			it.counted = it.isDue(now)
			switch {
			case !it.counted:
			case r.acts(&it.Decision):
				enforced = append(enforced, it.Decision)
			default:
				d := it.Decision
				d.Audit = false
				audited = append(audited, d)
			}
		}
	}
	if err := brake.Check(slices.Concat(enforced, audited)); err != nil && len(audited) > 0 {
		r.notes = append(r.notes, "if all rules were enforced: "+err.Error())
	}
	err := brake.Check(enforced)
	if err != nil {
		r.errs = append(r.errs, err)
		r.leaveUndone(errOverLimit)
	}
	return err == nil
}

var errOverLimit = errors.New("the run would have done more than its limits allow")

// leaveUndone notes why everything that was to be done is not.
func (r *run) leaveUndone(why error) {
	for _, o := range r.organizations {
		for _, it := range o.items {
			if r.acts(&it.Decision) && (it.changes() || it.Action == Notice) && it.outcome == "" {
				it.outcome, it.err = NotDone, why
			}
		}
	}
}

// fewErrors returns the first errors of many of one kind, and how many more
// there are.
func fewErrors(errs []error) []error {
	const few = 5
	if len(errs) <= few {
		return errs
	}
	return append(slices.Clone(errs[:few]), fmt.Errorf("%d more of that kind in the same organization", len(errs)-few))
}

func (e *Engine) info(format string, args ...any) {
	if e.Info != nil {
		e.Info(format, args...)
	}
}
