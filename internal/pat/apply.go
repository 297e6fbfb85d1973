package pat

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
)

var errHalted = errors.New("a change in the same organization failed before")

// act carries out what is due, one token after the other. After a failure the
// rest of its organization stays as it is, unless GitHub refused that token
// alone: it would hold up all others for ever.
func (r *run) act(ctx context.Context) {
	for _, o := range r.organizations {
		for _, it := range o.items {
			if !r.acts(&it.Decision) || !it.counted {
				continue
			}
			switch {
			case ctx.Err() != nil:
				it.outcome, it.err = NotDone, ctx.Err()
			case o.halted:
				it.outcome, it.err = NotDone, errHalted
			default:
				it.outcome, it.err = r.carryOut(ctx, o, it)
				if it.outcome == Failed {
					o.halted = !it.refused
					r.errs = append(r.errs, it.err)
				}
			}
		}
	}
}

const (
	// fresh is how long one can rely on what was read of a token or an issue.
	// GitHub may make a call wait for up to an hour; a write that would have to
	// wait for longer is not sent before its subject was read again.
	fresh = 10 * time.Second

	// maxLooks is how often something is read for one write.
	maxLooks = 3
)

var errLate = errors.New("GitHub made the change wait each time that it was read again")

// carryOut does what was decided about a token, if it still is as it was judged
// directly before.
func (r *run) carryOut(ctx context.Context, o *organization, it *item) (Outcome, error) {
	for look := 1; ; look++ {
		outcome, late, err := r.lookAndSend(ctx, o, it)
		if !late || look == maxLooks {
			return outcome, err
		}
	}
}

// lookAndSend reads a token again, judges it again, and if all is as it was does
// what was decided. It reports late if it took too long for that.
func (r *run) lookAndSend(ctx context.Context, o *organization, it *item) (outcome Outcome, late bool, err error) {
	now, err := r.reread(ctx, &it.Token)
	if err != nil {
		return Failed, false, err
	}
	if now == nil {
		return Gone, false, nil
	}
	if what := difference(&it.Token, now); what != "" {
		return Dropped, false, fmt.Errorf("%s changed since it was judged", what)
	}
	read := r.Now()
	q := r.inquire(o.name)
	q.only, q.known = strings.ToLower(now.Owner), o.known
	again := q.decide(ctx, r.policy, []Token{*now})[0]
	listed := Listed{now.Kind, now.ID}
	before, known := o.facts.Repositories[listed]
	switch after, knownAgain := q.facts.Repositories[listed]; {
	case len(q.errs) > 0:
		return Failed, false, errors.Join(q.errs...)
	case again.Action != it.Action || again.Rule != it.Rule:
		return Dropped, false, fmt.Errorf("it is judged differently now: %s", again.Why())
	case known && (!knownAgain || !slices.Equal(before, after)):
		return Dropped, false, errors.New("its repositories changed since it was judged")
	case r.Now().Sub(read) > fresh:
		return Failed, true, errLate
	}
	outcome, err = r.send(ctx, it, again.Reason, func(ctx context.Context, req apicall.Request) (answer apicall.Answer, err error) {
		answer, late, err = r.soon(ctx, req)
		return answer, err
	})
	return outcome, late && outcome == Failed, err
}

// difference returns what differs between a token as it was judged and as it is
// now, in a word; empty if nothing does. The last use may differ: the rules
// look at it again.
func difference(was, is *Token) string {
	switch {
	case was.TokenID != is.TokenID:
		return "the token"
	case was.Owner != is.Owner, was.OwnerID != is.OwnerID:
		return "its owner"
	case was.Name != is.Name:
		return "its name"
	case was.Selection != is.Selection:
		return "its choice of repositories"
	case was.Reason != is.Reason:
		return "its reason"
	case was.Credential != is.Credential, !slices.Equal(was.Scopes, is.Scopes):
		return "its scopes"
	case !was.Expires.Equal(is.Expires), was.Expired != is.Expired:
		return "its end"
	case !was.Since.Equal(is.Since):
		return "its beginning"
	}
	for _, family := range families {
		if !maps.Equal(was.Permissions.of(family), is.Permissions.of(family)) {
			return "its permissions"
		}
	}
	return ""
}

// send does what was decided. GitHub's answer that there is no such token counts
// only if its list says so too: an App that lost its permission gets the same.
func (r *run) send(ctx context.Context, it *item, reason string, call apicall.Func) (Outcome, error) {
	answer, err := call(ctx, changeOf(it.Action, &it.Token, reason))
	it.requestID = answer.RequestID
	if err == nil {
		r.info("%s %s, by rule %s", pastTense[it.Action], it.Token.name(), quoted(it.Rule))
		return Done, nil
	}
	it.refused = answer.Status == http.StatusUnprocessableEntity
	if answer.Status == http.StatusNotFound || it.refused {
		if now, readErr := r.reread(ctx, &it.Token); readErr == nil && now == nil {
			return Gone, nil
		}
	}
	return Failed, err
}

// soon sends a write about what was just read. It reports late if a limit keeps
// it from being sent as long as that is fresh.
func (e *Engine) soon(ctx context.Context, req apicall.Request) (answer apicall.Answer, late bool, err error) {
	short, cancel := context.WithTimeout(ctx, fresh)
	defer cancel()
	answer, err = e.Call(short, req)
	mayBeLimit := answer.Status == http.StatusForbidden || answer.Status == http.StatusTooManyRequests
	return answer, err != nil && ctx.Err() == nil && (mayBeLimit || short.Err() != nil), err
}

var pastTense = map[Action]string{Approve: "approved", Deny: "denied", Revoke: "revoked", Withdraw: "withdrew"}

// changeOf returns the call that carries out an action. GitHub takes many ids
// at once as well, but then answers before anything was done, and says nothing
// about each.
func changeOf(action Action, t *Token, reason string) apicall.Request {
	from := sources[t.Kind]
	req := apicall.Request{
		Owner: t.Organization, Permission: from.permission, Level: "write", Op: fmt.Sprintf("%s %s", action, t.name()),
		Method: http.MethodPost, Path: fmt.Sprintf("orgs/%s/%s/%d", url.PathEscape(t.Organization), from.path, t.ID),
	}
	body := map[string]string{"action": string(action)}
	switch {
	case action == Withdraw:
		req.Method = http.MethodDelete
		return req
	case reason != "" && t.Kind == Request:
		body["reason"] = reason
	}
	req.Body = body
	return req
}
