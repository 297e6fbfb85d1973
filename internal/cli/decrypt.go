package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// decryptRequest is everything that opening an envelope needs.
type decryptRequest struct {
	Line       string
	Identities []envelope.Identity
	Host       host
	Revoke     bool
	Encrypted  bool // the token itself is no output
	ToEnv      bool // values go to the environment of later steps
	Loan       loan
}

func (p Process) parseDecrypt(r *actions.Runner, in *actions.Inputs) (decryptRequest, error) {
	req := decryptRequest{
		Identities: parseIdentities(r, in),
		Line:       in.String("encrypted-token"),
		Host:       parseHost(in),
		Revoke:     in.Bool("revoke"),
		Encrypted:  !in.Bool("plaintext-output"),
		ToEnv:      in.Choice("export", "outputs", "env") == "env",
	}
	req.Loan = parseLoan(p, r, in, req.Host.URL)
	return req, in.Err()
}

// decrypt is the main stage of the decrypt action: what another job encrypted,
// masked in this job and handed to its later steps.
func (p Process) decrypt(ctx context.Context) int {
	r := p.runner()
	in := p.inputs(r, "decrypt")
	req, err := p.parseDecrypt(r, in)
	if err != nil {
		return exitCode(r, err)
	}
	opened, err := open(r, in, req)
	if err == nil {
		err = r.Ready()
	}
	if err != nil {
		return exitCode(r, err)
	}
	if len(opened.Values) > 0 {
		return exitCode(r, exportValues(r, opened, req.ToEnv))
	}
	return exitCode(r, p.exportToken(ctx, r, opened, req))
}

// open decrypts, and masks what came out before anything else is done with it.
func open(r *actions.Runner, in *actions.Inputs, req decryptRequest) (envelope.Payload, error) {
	opened, err := envelope.Open(req.Line, req.Identities)
	if envelopeFault(in, "encrypted-token", err) {
		return envelope.Payload{}, in.Err()
	}
	if !opened.Token.Empty() {
		r.Mask(actions.Forms(opened.Token)...)
		if !redact.CanMask(opened.Token.Reveal()) {
			in.Fault("encrypted-token", fmt.Sprintf("holds a token of under %d characters, which can't be masked", redact.MinMask),
				"no token of GitHub's is so short: whoever made it put something else in")
			return envelope.Payload{}, in.Err()
		}
	}
	for _, value := range opened.Values {
		r.Mask(actions.EachLine(value)...)
	}
	return opened, nil
}

// exportToken hands a token over as mint does.
func (p Process) exportToken(ctx context.Context, r *actions.Runner, opened envelope.Payload, req decryptRequest) error {
	h := home(opened, req.Host)
	remaining := ""
	if !opened.ExpiresAt.IsZero() {
		left := time.Until(opened.ExpiresAt)
		if left <= 0 {
			return actions.Fault{
				Input: "encrypted-token", Problem: fmt.Sprintf("expired %s ago", ago(-left)),
				Cure: "tokens live an hour: mint it in a job that ends closer to this one, or again here",
			}
		}
		remaining = strconv.Itoa(int(left.Seconds()))
	}
	if req.Revoke && r.HasState() {
		if err := saveToken(r, opened, h); err != nil {
			return err
		}
	}
	lent, err := p.lend(ctx, r, opened, h, req.Loan)
	if err != nil {
		return err
	}
	pairs := append(tokenOutputs(opened), actions.Pair{Name: "remaining-seconds", Value: remaining})
	pairs = append(pairs, lent...)
	if req.Encrypted {
		pairs = without(pairs, "token")
	}
	if err := r.Output(pairs...); err != nil {
		return err
	}
	end := ""
	if !opened.ExpiresAt.IsZero() {
		end = "; expires at " + clockTime(opened.ExpiresAt)
	}
	if req.Revoke {
		end += ", revoked when the job ends"
	}
	r.Info("opened a token for %s: %s%s", joined(opened.Repositories), joined(levels(opened.Permissions)), end)
	return nil
}

// lend gives later steps what they asked for beside the outputs.
func (p Process) lend(ctx context.Context, r *actions.Runner, opened envelope.Payload, h host, l loan) ([]actions.Pair, error) {
	l.Server = website(r, h.URL) // the token's GitHub, which need not be the runner's
	w, err := reachOf(opened.Repositories)
	if err != nil {
		return nil, err
	}
	if !l.wantsBot() {
		return l.give(r, opened.Token, w, nil, "")
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	api, err := p.connect(r, h)
	if err != nil {
		return nil, err
	}
	if l.Git && w.All {
		selected, err := api.OpensSelected(ctx, opened.Token)
		if err == nil && selected {
			w, err = w.selected(ctx, api, opened.Token)
		}
		if err != nil {
			return nil, err
		}
	}
	bot, err := l.identify(ctx, r, api, opened)
	if err != nil {
		return nil, err
	}
	return l.give(r, opened.Token, w, bot, "")
}

// home is where a token lives: where it says that it was minted, or else the
// host of this step.
func home(p envelope.Payload, fallback host) host {
	if u, err := githubapp.ParseURL(p.APIURL); err == nil {
		return host{URL: u.String(), Roots: fallback.Roots}
	}
	return fallback
}

// ago is a duration as people say it.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}

// joined lists names in a line of the log.
func joined(names []string) string { return strings.Join(shortened(names), ", ") }

// exportValues hands the values of the encrypt action over, under their names.
// An envelope is not signed: its names are checked as an input's would be.
func exportValues(r *actions.Runner, opened envelope.Payload, toEnv bool) error {
	var pairs []actions.Pair
	for _, name := range slices.Sorted(maps.Keys(opened.Values)) {
		if err := variableName(name); err != nil {
			return actions.Fault{Input: "encrypted-token", Problem: "holds " + err.Error(), Cure: "encrypt it again under another name"}
		}
		value := opened.Values[name]
		if len(actions.Maskable(value)) == 0 {
			return actions.Fault{
				Input: "encrypted-token", Problem: fmt.Sprintf("holds a value %s of under %d characters, which can't be masked here", name, redact.MinMask),
				Cure: "what is so short is no secret: leave it out where the envelope is made, and pass it as a plain output",
			}
		}
		pairs = append(pairs, actions.Pair{Name: name, Value: value.Reveal()})
	}
	write, where := r.Output, "outputs"
	if toEnv {
		write, where = r.Env, "the environment of later steps"
	}
	if err := write(pairs...); err != nil {
		return err
	}
	var names []string
	for _, pair := range pairs {
		names = append(names, pair.Name)
	}
	r.Info("opened %s into %s", joined(names), where)
	return nil
}
