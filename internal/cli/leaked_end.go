package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	// maxChecked is the largest number of values that are checked after GitHub
	// accepted their revocation: each that has ended costs one of the 60 calls
	// that GitHub allows an address in an hour without a good credential.
	maxChecked = 25

	// checkTime is all the time that the checks may take.
	checkTime = 30 * time.Second

	// endedAtOnce is the number of installation tokens that are ended at once.
	endedAtOnce = 8
)

// endLeaked ends the values of a list, all that can be ended, but for those that
// the step runs with. It tells what it will do and what came of it by counts,
// kinds and lines. The error names each line that is not ended, or not known to
// be.
func endLeaked(
	ctx context.Context, r *actions.Runner, api *githubapp.API, list leakedList, own ...redact.String,
) (leakedList, error) {
	for _, token := range own {
		list.leaveAlone(token.Reveal(), "this step runs with it")
	}
	r.Info("leaked: %s; what ends now ends everywhere and for good", list.announce())
	list.endByValue(ctx, api)
	list.endThemselves(ctx, api)
	list.check(ctx, api)
	for _, fate := range []leakedFate{
		leakedEnded, leakedAccepted, leakedAlive, leakedUnknown, leakedFailed, leakedOwn, leakedForeign,
	} {
		if of := list.with(fate); len(of) > 0 {
			r.Info("leaked: %s: %s", fate, kindsOf(of))
		}
	}
	for _, v := range list.with(leakedOwn) {
		if !v.Kind.IsPersonal() { // it ends with its job
			r.Warning("%s", fault.Text(v.Why))
		}
	}
	return list, list.err()
}

// endFound ends tokens of people that secret scanning found. One that still
// works afterwards is an error. One that can't be checked is not: GitHub
// accepted it.
func endFound(ctx context.Context, api *githubapp.API, values []redact.String) error {
	var list leakedList
	for i, value := range values {
		list.Values = append(list.Values, leakedValue{Line: i + 1, Kind: redact.KindOf(value.Reveal()), value: value})
	}
	list.endByValue(ctx, api)
	if failed := list.with(leakedFailed); len(failed) > 0 {
		return failed[0].Why
	}
	list.check(ctx, api)
	if alive := len(list.with(leakedAlive)); alive > 0 {
		return fault.New(fmt.Sprintf("leaked tokens that still work, although GitHub accepted their revocation: %d", alive), worksStill)
	}
	return nil
}

// announce counts what is in the list.
func (l *leakedList) announce() string {
	text := kindsOf(l.with())
	if l.Blank+l.Repeated > 0 {
		text += fmt.Sprintf("; blank lines left out: %d, repetitions: %d", l.Blank, l.Repeated)
	}
	return text
}

// endByValue ends the tokens of people.
func (l *leakedList) endByValue(ctx context.Context, api *githubapp.API) {
	var personal []*leakedValue
	var values []redact.String
	for _, v := range l.with("") {
		if v.Kind.IsPersonal() {
			personal, values = append(personal, v), append(values, v.value)
		}
	}
	if len(values) == 0 {
		return
	}
	accepted, err := api.RevokeCredentials(ctx, values)
	for i, v := range personal {
		if v.Fate = leakedAccepted; i >= accepted {
			v.Fate, v.Why = leakedFailed, err
		}
	}
}

// endThemselves ends the installation tokens, each by a call with it.
func (l *leakedList) endThemselves(ctx context.Context, api *githubapp.API) {
	left := l.with("")
	apicall.Each(len(left), endedAtOnce, func(i int) {
		v := left[i]
		v.Fate = leakedEnded
		if _, err := api.Revoke(ctx, v.value); err != nil {
			v.Fate, v.Why = leakedFailed, err
		}
	})
}

// check finds out which of the tokens have ended whose revocation was accepted.
func (l *leakedList) check(ctx context.Context, api *githubapp.API) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var checked []*leakedValue
	for _, v := range l.with(leakedAccepted) {
		if v.Kind != redact.RefreshToken && len(checked) < maxChecked {
			checked = append(checked, v)
		}
	}
	apicall.Each(len(checked), maxChecked, func(i int) {
		v := checked[i]
		switch ended, err := api.AwaitEnd(ctx, v.value); {
		case err != nil:
			v.Fate = leakedUnknown
			v.Why = fmt.Errorf("input leaked: %s may still work, although GitHub accepted its revocation: %w", v.where(), err)
		case ended:
			v.Fate = leakedEnded
		default:
			v.Fate = leakedAlive
			problem := v.where() + " still works, although GitHub accepted its revocation"
			v.Why = actions.Fault{Input: "leaked", Problem: problem, Hint: worksStill}
		}
	})
}

// err returns an error for each value that is not ended, or not known to be.
func (l *leakedList) err() error {
	var errs []error
	for _, v := range l.with(leakedAlive, leakedUnknown, leakedForeign) {
		errs = append(errs, v.Why)
	}
	for _, v := range l.with(leakedOwn) {
		if v.Kind.IsPersonal() {
			errs = append(errs, v.Why)
		}
	}
	lines := map[error][]string{} // one failure may be that of many
	var failures []error
	for _, v := range l.with(leakedFailed) {
		if lines[v.Why] == nil {
			failures = append(failures, v.Why)
		}
		lines[v.Why] = append(lines[v.Why], strconv.Itoa(v.Line))
	}
	for _, err := range failures {
		errs = append(errs, fmt.Errorf("input leaked: not ended: line %s: %w", wording.Names(lines[err]), err))
	}
	return errors.Join(errs...)
}
