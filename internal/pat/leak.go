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
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Leak is a token that secret scanning found and that still works. It does not
// hold the token's value.
type Leak struct {
	Organization string    `json:"organization"`
	Kind         string    `json:"kind"` // leak
	Repository   string    `json:"repository"`
	Alert        int64     `json:"alert"`
	Type         string    `json:"type"` // in GitHub's words
	Found        time.Time `json:"found"`
	Mode         string    `json:"mode"`
	Outcome      Outcome   `json:"outcome,omitempty"`
	Resolved     bool      `json:"resolved"`
	Error        string    `json:"error,omitempty"`
}

// maxValues is how many tokens GitHub ends in one call.
const maxValues = 1000

// secretTypes are the types of alerts that are about kinds of tokens.
var secretTypes = map[string]string{
	"ghp": "github_personal_access_token", "github_pat": "github_personal_access_token",
	"gho": "github_oauth_access_token", "ghu": "github_oauth_access_token", "ghr": "github_refresh_token",
}

// wireAlert is an alert as GitHub lists it.
type wireAlert struct {
	Number     int64     `json:"number"`
	Type       string    `json:"secret_type"`
	State      string    `json:"state"`
	Validity   string    `json:"validity,omitempty"`
	Secret     *string   `json:"secret"`
	CreatedAt  time.Time `json:"created_at"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository,omitzero"`
}

// leaked is one alert in a run.
type leaked struct {
	Leak
	value redact.String
}

// endLeaks reports the leaked tokens that still work, and ends them where the
// policy says so. The limits of a run do not count them, and do not hold them
// up: everybody who reads the repository has such a token, GitHub itself says
// that it works, and no rule of the policy could have meant another one.
func (r *run) endLeaks(ctx context.Context) {
	enforced := r.Enforce && r.Policy.Enforce && r.Policy.Leaks.Revoke
	for _, name := range r.Policy.Organizations {
		// Values are asked for only to send them away again.
		found, err := r.findLeaks(ctx, name, enforced, true)
		if err == nil && enforced && len(found) > 0 {
			found, err = r.findLeaks(ctx, name, enforced, false)
		}
		if err != nil {
			r.errs = append(r.errs, err)
			continue
		}
		if enforced {
			if err := r.endFound(ctx, found); err != nil {
				r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
			}
		}
		for _, l := range found {
			r.leaks = append(r.leaks, l.Leak)
		}
	}
}

// findLeaks lists the alerts about tokens that work.
func (r *run) findLeaks(ctx context.Context, organization string, enforced, hide bool) ([]*leaked, error) {
	types := secretTypesOf(r.Policy.Leaks.Kinds)
	if len(types) == 0 {
		return nil, errors.New("leaks: none of their kinds is one that GitHub finds")
	}
	alerts, err := r.listAlerts(ctx, organization, types, hide)
	if err != nil {
		return nil, err
	}
	values := r.takeValues(alerts)
	var found []*leaked
	for i, a := range alerts {
		if a.Validity == "" {
			r.lacks(noValidity, organization)
			return nil, nil
		}
		if a.State != "open" || a.Validity != "active" || !slices.Contains(types, a.Type) {
			continue
		}
		l := &leaked{value: values[i], Leak: Leak{
			Organization: organization, Kind: "leak", Repository: shown(a.Repository.FullName), Alert: a.Number, Type: a.Type,
			Found: a.CreatedAt, Mode: "audit",
		}}
		switch {
		case enforced:
			l.Mode = "enforce"
		case r.Policy.Leaks.Revoke:
			l.Outcome = Would
		}
		found = append(found, l)
	}
	return found, nil
}

func secretTypesOf(kinds []string) (types []string) {
	for _, kind := range kinds {
		if t := secretTypes[kind]; t != "" && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// listAlerts lists the open alerts of some types. An organization without
// secret scanning has none, which is said.
func (r *run) listAlerts(ctx context.Context, organization string, types []string, hide bool) ([]wireAlert, error) {
	query := url.Values{"state": {"open"}, "validity": {"active"}, "secret_type": {strings.Join(types, ",")}, "direction": {"asc"}}
	if hide {
		query.Set("hide_secret", "true")
	}
	req := aboutAlerts(organization, "read", "list the leaked tokens of "+organization,
		"orgs/"+url.PathEscape(organization)+"/secret-scanning/alerts?"+query.Encode())
	alerts, answer, err := apicall.List(ctx, r.Call, req, "", func(a *wireAlert) string {
		return fmt.Sprintf("%s#%d", a.Repository.FullName, a.Number)
	})
	if err != nil && answer.Status == http.StatusNotFound {
		r.lacks(noScanning, organization)
		return nil, nil
	}
	return alerts, err
}

// takeValues takes the values out of alerts, and passes each to Secret before
// anything else is done with one of them.
func (r *run) takeValues(alerts []wireAlert) []redact.String {
	values := make([]redact.String, len(alerts))
	for i := range alerts {
		values[i] = redact.New(orZero(alerts[i].Secret))
		alerts[i].Secret = nil
		if !values[i].Empty() && r.Secret != nil {
			r.Secret(values[i])
		}
	}
	return values
}

func aboutAlerts(organization, level, op, path string) apicall.Request {
	return apicall.Request{
		Owner: organization, Permission: "secret_scanning_alerts", Level: level, Op: op, Method: http.MethodGet, Path: path,
	}
}

// endFound ends leaked tokens, and resolves their alerts.
func (r *run) endFound(ctx context.Context, found []*leaked) error {
	var sent []*leaked
	for _, l := range found {
		if kind := prefixOf(l.value); !slices.Contains(r.Policy.Leaks.Kinds, kind) {
			l.Outcome, l.Error = NotDone, "its value is not of a kind that the policy names"
			continue
		}
		sent = append(sent, l)
	}
	var err error
	for batch := range slices.Chunk(sent, maxValues) {
		outcome := NotDone // after a batch that failed
		if err == nil {
			outcome, err = r.endBatch(ctx, batch)
		}
		for _, l := range batch {
			if l.Outcome = outcome; err != nil {
				l.Error = fault.Line(err)
			}
		}
	}
	for _, l := range sent {
		if !r.Policy.Leaks.Resolve || l.Outcome != Done {
			continue
		}
		if err := r.resolve(ctx, l); err != nil {
			l.Error = fault.Line(err)
			return err
		}
	}
	return err
}

// endBatch ends as many leaked tokens as GitHub takes in one call.
func (r *run) endBatch(ctx context.Context, batch []*leaked) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return NotDone, err
	}
	if r.RevokeLeaked == nil {
		return NotDone, errors.New("leaked tokens can't be ended from here")
	}
	values := make([]redact.String, len(batch))
	for i, l := range batch {
		values[i] = l.value
	}
	if err := r.RevokeLeaked(ctx, values); err != nil {
		return Failed, err
	}
	r.info("%s", sentence(batch))
	return Done, nil
}

// prefixOf returns the prefix of a token's kind without its underscore.
func prefixOf(value redact.String) string {
	return strings.TrimSuffix(redact.KindOf(value.Reveal()).Prefix(), "_")
}

// sentence tells how many tokens of which kinds were ended.
func sentence(batch []*leaked) string {
	counts := map[string]int{}
	for _, l := range batch {
		counts[prefixOf(l.value)]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d of kind %s", counts[kind], kind))
	}
	return "ended leaked tokens of " + batch[0].Organization + ": " + strings.Join(parts, ", ")
}

// resolve closes the alert about a token that was ended, unless somebody did
// meanwhile.
func (r *run) resolve(ctx context.Context, l *leaked) error {
	owner, name, ok := strings.Cut(l.Repository, "/")
	if !ok || !strings.EqualFold(owner, l.Organization) {
		return fmt.Errorf("alert %d is about a repository of somebody else", l.Alert)
	}
	op := fmt.Sprintf("alert %d of %s", l.Alert, l.Repository)
	path := fmt.Sprintf("repos/%s/%s/secret-scanning/alerts/%d", url.PathEscape(owner), url.PathEscape(name), l.Alert)
	var now wireAlert
	read := aboutAlerts(l.Organization, "read", "read "+op, path+"?hide_secret=true")
	read.Result = &now
	answer, err := r.Call(ctx, read)
	if answer.Status == http.StatusNotFound {
		return nil
	}
	if err != nil || now.State != "open" || now.Type != l.Type {
		return err
	}
	write := aboutAlerts(l.Organization, "write", "resolve "+op, path)
	write.Method, write.Body = http.MethodPatch, map[string]string{
		"state": "resolved", "resolution": "revoked",
		"resolution_comment": "The token worked when the alert was read, and was passed to GitHub to be revoked at " +
			r.Now().UTC().Format(time.RFC3339) + ".",
	}
	if _, err := r.Call(ctx, write); err != nil {
		return err
	}
	l.Resolved = true
	return nil
}
