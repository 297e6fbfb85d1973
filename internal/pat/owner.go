package pat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// endOwner is the rule that stands in the records of [Engine.EndOwner].
const endOwner = "revoke-owner"

// EndOwner ends everything that one person's tokens have in the organizations
// of the policy, at once and whatever its rules, mode and limits are: grants,
// authorizations for single sign-on, and requests that wait. Unlike in a run,
// one failure does not stop the rest. At the end it looks at what is left.
//
// It refuses a person who is protected, and reports a person who has nothing
// anywhere as an error: the login is likely misspelt.
func (e *Engine) EndOwner(ctx context.Context, login string) Report {
	r := &run{Engine: e}
	if err := r.mayEnd(login); err != nil {
		return Report{Errors: []error{err}}
	}
	found := 0
	for _, name := range e.Policy.Organizations {
		o := &organization{name: name, inquiry: e.inquire(name), read: map[Kind]bool{}}
		r.organizations = append(r.organizations, o)
		for _, kind := range []Kind{Grant, Authorization, Request} {
			for _, t := range r.ownedBy(ctx, o, kind, login) {
				it := r.endOf(t)
				if it.Action == Skip {
					r.notes = append(r.notes, t.name()+" stays: "+it.why)
				}
				o.items = append(o.items, it)
			}
		}
		found += len(o.items)
		if !e.Enforce {
			continue
		}
		for _, it := range o.items {
			r.endNow(ctx, it)
		}
		r.lookAgain(ctx, o, login)
	}
	if found == 0 && len(r.errs) == 0 {
		r.errs = append(r.errs, fault.New("nothing of "+shown(login)+" was found in any organization of the policy",
			"check the login, and that these are the right organizations"))
	}
	return r.report()
}

// mayEnd returns why the tokens of a person stay; nil if they don't.
func (r *run) mayEnd(login string) error {
	whose := &Token{Owner: login, TokenID: -1} // no token has this id
	why := r.Protection.Why(whose)
	if why == "" {
		why = Protection{Policy: r.Policy.Protect}.Why(whose)
	}
	switch {
	case login == "":
		return errors.New("whose tokens are to end is not said")
	case why != "":
		return fault.New("the tokens of "+shown(login)+" stay: "+why, "take the owner out of protect, if they are to end")
	}
	return nil
}

// ownedBy lists what a person has of a kind. GitHub is asked for that person
// alone, and each answer is checked for whose it is.
func (r *run) ownedBy(ctx context.Context, o *organization, kind Kind, login string) []Token {
	filter := url.Values{"owner[]": {login}}
	if kind == Authorization {
		filter = url.Values{"login": {login}}
	}
	listed, answer, err := r.list(ctx, o.name, kind, filter)
	switch {
	case err != nil && kind == Authorization && answer.Status == http.StatusNotFound:
		r.lacks(noSSO, o.name)
		return nil
	case err != nil:
		r.errs = append(r.errs, err)
		return nil
	}
	o.read[kind] = true
	var theirs []Token
	for _, t := range listed {
		if strings.EqualFold(t.Owner, login) {
			theirs = append(theirs, t)
		}
	}
	return theirs
}

// endOf returns what becomes of a token whose owner loses everything.
func (r *run) endOf(t Token) *item {
	it := &item{Decision: Decision{Token: t, Rule: endOwner, Reason: "All access of this account to the organization was ended."}}
	it.Action = map[Kind]Action{Request: Deny, Grant: Revoke, Authorization: Withdraw}[t.Kind]
	why := r.Protection.Why(&t)
	if why == "" {
		why = Protection{Policy: r.Policy.Protect}.Why(&t)
	}
	if why != "" {
		it.Action, it.Rule, it.Reason, it.why = Skip, "", why, why
	}
	return it
}

func (r *run) endNow(ctx context.Context, it *item) {
	if it.Action == Skip {
		return
	}
	if err := ctx.Err(); err != nil {
		it.outcome, it.err = NotDone, err
		return
	}
	if it.outcome, it.err = r.send(ctx, it, it.Reason, r.Call); it.outcome == Failed {
		r.errs = append(r.errs, it.err)
	}
}

// lookAgain reports what a person still has, be it new.
func (r *run) lookAgain(ctx context.Context, o *organization, login string) {
	for _, kind := range []Kind{Grant, Authorization, Request} {
		if !o.read[kind] {
			continue
		}
		left := 0
		for _, t := range r.ownedBy(ctx, o, kind, login) {
			if r.endOf(t).Action != Skip {
				left++
			}
		}
		if left > 0 {
			r.errs = append(r.errs, fault.New(fmt.Sprintf("%d %ss of %s are left in %s", left, kind, shown(login), o.name), "run again"))
		}
	}
}
