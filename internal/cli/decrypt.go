package cli

import (
	"context"
	"strconv"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

// runDecrypt is the main stage of the decrypt action. It masks in this job what
// another job encrypted, and hands it to later steps.
func runDecrypt(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	req, err := parseDecrypt(p.Getenv, r, in)
	if err != nil {
		return err
	}
	opened, err := open(r, in, req.Line, req.Identities)
	if err == nil {
		err = r.CheckFiles()
	}
	if err != nil {
		return err
	}
	if len(opened.Values) > 0 {
		return exportValues(r, in, opened, req)
	}
	if len(req.Names) > 0 {
		in.Fault("names", "is for values, and encrypted-token holds a token",
			"leave names and export out; export-env puts a token into a variable")
		return in.Err()
	}
	return exportToken(ctx, p, r, opened, req)
}

// exportToken hands a token over as mint does. It saves the state first, so
// that the post stage revokes the token whatever happens next.
func exportToken(ctx context.Context, p Process, r *actions.Runner, opened envelope.Payload, req decryptRequest) error {
	h, err := tokenHost(req.Host, req.Allowed, opened)
	if err != nil {
		return err
	}
	if req.Revoke {
		if err := saveToken(r, opened, h); err != nil {
			return err
		}
	}
	api, err := p.connect(r, h)
	if err != nil {
		return err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	seconds, err := secondsLeft(ctx, r, api, opened, req)
	if err != nil {
		return err
	}
	req.JobEnv.Server = website(r, h.URL) // which need not be the runner's GitHub
	lent, err := setUpOpened(ctx, r, api, opened, req.JobEnv)
	if err != nil {
		return err
	}
	pairs := append(tokenOutputs(opened), actions.Pair{Name: "remaining-seconds", Value: seconds})
	pairs = append(pairs, lent...)
	if req.Encrypted {
		pairs = without(pairs, "token")
	}
	if err := r.Output(pairs...); err != nil {
		return err
	}
	end := ""
	if !opened.ExpiresAt.IsZero() {
		end = "; expires at " + wording.Clock(opened.ExpiresAt)
	}
	if req.Revoke {
		end += ", revoked when the job ends"
	}
	permissions := permission.Set(opened.Permissions).Lines()
	r.Info("opened a token for %s: %s%s", wording.Names(opened.Repositories), wording.Names(permissions), end)
	return nil
}

// setUpOpened gives later steps what they asked for besides the outputs.
func setUpOpened(ctx context.Context, r *actions.Runner, api *githubapp.API, opened envelope.Payload, env jobEnv) ([]actions.Pair, error) {
	w, err := reachOf(opened.Repositories)
	if err != nil {
		return nil, err
	}
	if env.Git && w.All {
		selected, err := api.OpensSelected(ctx, opened.Token)
		if err == nil && selected {
			w, err = w.selected(ctx, api, opened.Token)
		}
		if err != nil {
			return nil, err
		}
	}
	bot, err := env.identify(ctx, r, api, opened)
	if err != nil {
		return nil, err
	}
	return env.export(r, opened.Token, w, bot, "")
}

const (
	lateHint = "tokens live an hour: mint it in a job that ends closer to this one, or again here; " +
		"when jobs are run again, re-run all jobs"
	deadHint = "when jobs are run again, re-run all jobs: the one that minted it is over. " +
		"It revoked the token at its end, unless skip-token-revoke: true is set there"
)

func deadToken(problem, hint string) error {
	return actions.Fault{Input: "encrypted-token", Problem: problem, Hint: hint}
}

// secondsLeft returns how many seconds a token has left by GitHub's clock, and
// an error if it is dead. With verify: false it asks nobody, and refuses
// nothing by this machine's clock, which may be hours off.
func secondsLeft(ctx context.Context, r *actions.Runner, api *githubapp.API, opened envelope.Payload, req decryptRequest) (string, error) {
	if req.Verify {
		alive, err := api.Alive(ctx, opened.Token, opened.ExpiresAt)
		if err != nil {
			return "", err
		}
		if skew := api.Skew(); req.Revoke && skew != 0 {
			if err := r.SaveState(actions.Pair{Name: stateSkew, Value: skew.String()}); err != nil {
				return "", err
			}
		}
		late := api.Now().Sub(opened.ExpiresAt)
		switch {
		case alive:
		case opened.ExpiresAt.IsZero():
			return "", deadToken("is revoked or expired: GitHub does not know the token", deadHint)
		case late >= 0:
			return "", deadToken("expired "+ago(late)+" ago", lateHint)
		default:
			return "", deadToken("is revoked: GitHub no longer knows the token", deadHint)
		}
	}
	if opened.ExpiresAt.IsZero() {
		return "", nil
	}
	rest, err := remaining(opened, api.Now())
	switch {
	case !req.Verify && (err != nil || rest <= 0):
		r.Warning("by the clock of this machine the token is dead, and with verify: false GitHub is not asked")
		return "", nil
	case err != nil:
		return "", err
	}
	return strconv.Itoa(max(0, int(rest.Seconds()))), nil
}
