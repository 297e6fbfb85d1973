package cli

import (
	"crypto"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// mintRequest is everything a mint needs, complete and checked.
type mintRequest struct {
	Skip           bool // no key, and the user said to go on without
	Issuer         string
	Key            crypto.Signer
	KeyText        redact.String // the same, as it was given
	Host           host
	InstallationID int64 // zero: look it up
	Target         githubapp.Target
	Scope          githubapp.Scope
	Patterns       patterns // where Scope.Repositories is to be made from them
	Archived       bool     // patterns match archived repositories too
	Wishes         wishes   // what the scope's permissions are for
	Loan           loan     // what later steps get beside the outputs
	Refresh        bool     // git gets a new token when the old one nears its end
	KeepToken      bool
	Verify         bool
	Recipients     []envelope.Recipient // who can open the encrypted token
	NoMask         []redact.String      // what must not occur in it
	Encrypted      bool                 // the token itself is no output
	Warnings       []string
	Notices        []string
}

// parseMint reads the inputs of the root action. Every fault is in the error.
func (p Process) parseMint(r *actions.Runner, in *actions.Inputs) (mintRequest, error) {
	// Before anything can fail or print: the key, whatever its form.
	secret := in.Secret("private-key")
	r.Mask(actions.Lines(secret)...)

	var req mintRequest
	onMissing := in.Choice("on-missing-key", "fail", "skip")
	req.Skip = secret.Empty() && onMissing == "skip"
	req.Issuer = parseIssuer(in, req.Skip)
	if !req.Skip {
		req.Key, req.KeyText = parseKey(r, in, "private-key", secret), secret
	}
	req.Host = parseHost(in)
	req.InstallationID = parseID(in, "installation-id")
	req.KeepToken = in.Bool("skip-token-revoke")
	req.Verify = in.Bool("verify")
	req.Loan = parseLoan(p, r, in, req.Host.URL)
	req.Refresh = in.Bool("refresh")
	if req.Refresh && !req.Loan.Git {
		in.Fault("refresh", "needs git: true", "a token that is refreshed is handed out by a helper of git; without git, use a step for each hour")
	}
	req.Encrypted = !in.Bool("plaintext-output")
	req.Recipients = parseRecipients(r, in)
	if rsaKey, ok := publicKey(req.Key); ok && len(req.Recipients) == 0 {
		req.Recipients = ownKey(in, rsaKey)
	}
	req.NoMask = actions.EachLine(secret)
	req.Archived = in.Bool("include-archived")
	parseTarget(r, in, &req)
	if req.Loan.Git && req.Target.Enterprise != "" {
		in.Fault("git", "can't be used with enterprise", "an enterprise has no repositories of its own: name an owner")
	}
	parseWishes(r, in, &req)
	if err := in.Err(); err != nil {
		return mintRequest{}, err
	}
	return req, nil
}

// parseIssuer gives the client id, else the App id; GitHub takes either.
func parseIssuer(in *actions.Inputs, optional bool) string {
	client, app := in.String("client-id"), in.String("app-id")
	if client != "" {
		if !isClientID(client) || actions.Quote(client) != `"`+client+`"` {
			in.Fault("client-id", actions.Quote(client)+" is no client id", "copy it from the App's settings page; it looks like Iv23li0123456789abcd")
		}
		return client
	}
	if app != "" {
		if !isID(app) {
			in.Fault("app-id", actions.Quote(app)+" is no App id", "it is a number; or pass the client id in client-id instead")
		}
		return app
	}
	if !optional {
		in.Fault("client-id", "is empty", "pass the App's client id, from its settings page, as in client-id: ${{ vars.APP_CLIENT_ID }}")
	}
	return ""
}

func parseKey(r *actions.Runner, in *actions.Inputs, name string, secret redact.String) crypto.Signer {
	if cause, cure := r.WithoutSecrets(); secret.Empty() && cause != "" {
		in.Fault(name, "is empty: "+cause, cure)
		return nil
	}
	key, err := githubapp.ParseKey(secret)
	var wrong *githubapp.KeyError
	if errors.As(err, &wrong) {
		in.Fault(name, wrong.Problem, wrong.Cure)
	}
	return key
}

func parseID(in *actions.Inputs, name string) int64 {
	text := in.String(name)
	if text == "" {
		return 0
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || id == math.MaxInt64 || !isID(text) {
		in.Fault(name, actions.Quote(text)+" is no installation id", "it is the number at the end of the installation's settings page; leave the input out to have it looked up")
		return 0
	}
	return id
}

// parseWishes adds up all inputs that say what the token may do.
func parseWishes(r *actions.Runner, in *actions.Inputs, req *mintRequest) {
	single := permission.Set{}
	for _, p := range permission.All() {
		input := "permission-" + strings.ReplaceAll(p.Name, "_", "-")
		level := strings.ToLower(in.String(input))
		if level == "" {
			continue
		}
		if err := permission.Check(p.Name, level); err != nil {
			problem, cure, _ := strings.Cut(err.Error(), "; hint: ")
			in.Fault(input, problem, cure)
			continue
		}
		single[p.Name] = level
	}
	w, faults := combine(in.String("permissions"), single, in.String("scopes"), in.String("operations"))
	for _, err := range faults {
		var f actions.Fault
		if errors.As(err, &f) {
			in.Fault(f.Input, f.Problem, f.Cure)
		}
	}
	strict := in.Choice("permission-check", "warn", "strict") == "strict"
	if more := w.excess(); len(more) > 0 {
		problem := "asks for more than the scopes and operations take: " + strings.Join(more, ", ")
		if strict {
			in.Fault("permissions", problem, "leave it out, or name the operation that takes it")
		} else {
			req.Warnings = append(req.Warnings, "permissions "+problem)
		}
	}
	req.Wishes, req.Scope.Permissions = w, w.Permissions
	req.Warnings = append(req.Warnings, permission.Unknown(w.Permissions)...)
	req.Notices = append(req.Notices, w.Notices...)
	if block, ok := permission.WorkflowToken(w.Permissions); ok && ownRepository(r, *req) {
		req.Notices = append(req.Notices, "the workflow's own GITHUB_TOKEN can do this, without an App, unless what it pushes is to start workflows. Give the job:\n\n"+block)
	}
}

// ownRepository tells whether a token is for nothing but the repository of the
// workflow.
func ownRepository(r *actions.Runner, req mintRequest) bool {
	return len(req.Scope.Repositories) == 1 && len(req.Scope.Permissions) > 0 &&
		strings.EqualFold(req.Target.Owner+"/"+req.Scope.Repositories[0], r.Variable("GITHUB_REPOSITORY"))
}
