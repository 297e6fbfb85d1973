package rotate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// variable is an Actions variable that publishes the recipient of an age
// identity. Several secrets may share one.
type variable struct {
	place   secret.Place // a repository or an organization
	name    string
	targets []*target
	before  string // its value when the run began
	absent  bool   // it did not exist then
}

// entry is what GitHub reports about a variable.
type entry struct {
	Value     string    `json:"value"`
	UpdatedAt time.Time `json:"updated_at"`
}

// variablePlace returns where the variable of an identity is: in the same place
// as the secret, or in the repository of its environment.
func (t *target) variablePlace() secret.Place {
	return secret.Place{Owner: t.place.Owner, Repository: t.place.Repository, App: "actions"}
}

// variables groups the targets by the variable that belongs to them.
func (j *job) variables() []*variable {
	var list []*variable
	known := map[string]*variable{}
	for _, t := range j.targets {
		if t.store.RecipientVariable == "" {
			continue
		}
		place := t.variablePlace()
		key := place.Key() + "/" + strings.ToUpper(t.store.RecipientVariable)
		if known[key] == nil {
			known[key] = &variable{place: place, name: t.store.RecipientVariable}
			list = append(list, known[key])
		}
		known[key].targets = append(known[key].targets, t)
	}
	return list
}

// behind reads the variables and returns the name of one that is missing or
// older than one of its secrets. It is always written last, so a run died
// between the two.
func (j *job) behind(ctx context.Context, variables []*variable) (name string, err error) {
	for _, v := range variables {
		now, found, err := v.read(ctx, j)
		if err == nil && found {
			err = v.checkOwner(now)
		}
		if err != nil {
			return "", err
		}
		v.before, v.absent = now.Value, !found
		for _, t := range v.targets {
			if now.UpdatedAt.Before(t.updated) {
				name = v.String()
			}
		}
	}
	return name, nil
}

// isRecipient reports whether a value has the form of an age recipient. That
// does not prove that it can be used, only that a person did not keep something
// else there.
func isRecipient(value string) bool {
	rest, ok := strings.CutPrefix(value, redact.AgeRecipient.Prefix())
	return ok && rest != "" && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// checkOwner returns an error unless a rotation may have written the variable:
// it holds a recipient, and was written after one of its secrets and not long
// after the last. Overwriting a variable of somebody else would take its value
// from its readers.
func (v *variable) checkOwner(now entry) error {
	const hint = "delete the variable, and the next run creates it again; or name another one in recipient-variable"
	last := slices.MaxFunc(observationsOf(v.targets), byTime).updated
	switch {
	case !isRecipient(now.Value):
		return fault.New(v.String()+" is somebody else's: it holds something other than an age recipient", hint)
	case last.IsZero():
		return fault.New(v.String()+" is somebody else's: none of the secrets that it would belong to exists", hint)
	case now.UpdatedAt.Sub(last) > 2*lease: // a run writes it after it has seen the last of them in place
		return fault.New(fmt.Sprintf("%s was written by somebody else at %s", v, now.UpdatedAt.UTC().Format(time.RFC3339)), hint)
	}
	return nil
}

// GitHub's limits for Actions variables.
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables#limits-for-configuration-variables
const (
	maxVariables             = 500
	maxOrganizationVariables = 1000
)

// checkRoom returns an error if the variable does not exist yet and there is no
// room for it.
func (v *variable) checkRoom(ctx context.Context, j *job) error {
	if !v.absent {
		return nil
	}
	most := maxVariables
	if v.place.IsOrganization() {
		most = maxOrganizationVariables
	}
	return j.checkRoom(ctx, v.place.Key()+"/variables", 1, most, v.place.String(), "variables",
		v.request("count the variables beside", http.MethodGet, "", nil, nil))
}

func (v *variable) String() string { return "variable " + v.name + " of " + v.place.String() }

func (v *variable) permission() string {
	if v.place.IsOrganization() {
		return "organization_actions_variables"
	}
	return "actions_variables"
}

func (v *variable) request(op, method, path string, body, result any) apicall.Request {
	return apicall.Request{
		Owner: v.place.Owner, Repository: v.place.Repository, Permission: v.permission(), Op: op + " " + v.String(), Method: method,
		Path: v.place.Path() + "/actions/variables" + path, Body: body, Result: result,
	}
}

func (v *variable) call(ctx context.Context, j *job, op, method, path string, body, result any) (apicall.Answer, error) {
	return j.Call(ctx, v.request(op, method, path, body, result))
}

func (v *variable) read(ctx context.Context, j *job) (now entry, found bool, err error) {
	answer, err := v.call(ctx, j, "look at", http.MethodGet, "/"+v.name, nil, &now)
	if answer.Status == http.StatusNotFound {
		return entry{}, false, nil
	}
	return now, err == nil, err
}

// renew writes the recipient, once all its secrets hold the identity. A failure
// is noted as that of its first secret.
func (v *variable) renew(ctx context.Context, j *job, recipient string) {
	for _, t := range v.targets {
		if t.err != nil {
			return
		}
	}
	err := v.write(ctx, j, recipient)
	if err == nil {
		err = eventually(ctx, func() error {
			now, _, err := v.read(ctx, j)
			if err == nil && now.Value != recipient {
				err = errors.New(v.String() + " holds another recipient than the one that was written")
			}
			return err
		})
	}
	if err != nil {
		v.targets[0].err = &fault.Error{
			Hint: "until the next rotation, data encrypted to " + v.name + " can't be decrypted with " + v.targets[0].store.Secret,
			Err:  fmt.Errorf("its recipient is not in place: %w", err),
		}
	}
}

// copyVisibility makes a new variable visible to the repositories that see its
// secret.
func (v *variable) copyVisibility(t *target, body map[string]any) {
	body["visibility"] = "private"
	switch a := t.access; {
	case a != nil && a.Visibility == "selected":
		body["visibility"], body["selected_repository_ids"] = a.Visibility, append([]int64{}, a.Repositories...) // [], not null
	case a != nil && a.Visibility != "":
		body["visibility"] = a.Visibility
	case t.visibility == "all": // the list of selected repositories is not known; a recipient is not secret
		body["visibility"] = t.visibility
	}
}

func (v *variable) write(ctx context.Context, j *job, recipient string) error {
	now, found, err := v.read(ctx, j)
	switch {
	case err != nil:
		return err
	case now.Value != v.before:
		// The new value would not belong to the identity that the other run
		// stored.
		return errors.New(v.String() + " was changed meanwhile: another run rotates the same identity")
	}
	body := map[string]any{"value": recipient}
	if !found {
		body["name"] = v.name
		if v.place.IsOrganization() {
			v.copyVisibility(v.targets[0], body)
		}
		answer, err := v.call(ctx, j, "create", http.MethodPost, "", body, nil)
		if answer.Status != http.StatusConflict {
			return err
		}
	}
	_, err = v.call(ctx, j, "update", http.MethodPatch, "/"+v.name, map[string]any{"value": recipient}, nil)
	return err
}
