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
	key := readAppKey(r, in) // before anything can fail or print

	var req mintRequest
	if !in.Bool("notices") {
		r.Hush()
	}
	onMissing := in.Choice("on-missing-key", "fail", "skip")
	req.Skip = !key.Given() && onMissing == "skip"
	req.Issuer = parseIssuer(in, req.Skip)
	if !req.Skip {
		req.Key, req.KeyText = key.parse(r, in), key.Text
	}
	req.Host = parseHost(r, in)
	req.InstallationID = parseID(in, "installation-id")
	req.KeepToken = in.Bool("skip-token-revoke")
	req.Verify = in.Bool("verify")
	req.Loan = parseLoan(p, r, in, req.Host)
	req.Refresh = in.Bool("refresh")
	if req.Refresh && !req.Loan.Git {
		in.Fault("refresh", "needs git: true", "a token that is refreshed is handed out by a helper of git; without git, use a step for each hour")
	}
	req.Encrypted = !in.Bool("plaintext-output")
	req.Recipients = parseRecipients(r, in)
	if rsaKey, ok := publicKey(req.Key); ok && len(req.Recipients) == 0 {
		req.Recipients = ownKey(in, key.Input, rsaKey)
	}
	req.NoMask = actions.EachLine(key.Text)
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

// parseIssuer gives the client id, else what app-id holds; GitHub takes either, and so
// does app-id, as that of actions/create-github-app-token.
func parseIssuer(in *actions.Inputs, optional bool) string {
	client, app := in.String("client-id"), in.String("app-id")
	if client != "" && !speaksID(client) {
		in.Fault("client-id", actions.Quote(client)+" is no client id",
			"copy it from the App's settings page; it looks like Iv23li0123456789abcd")
	}
	if app != "" && !isID(app) && (!strings.HasPrefix(app, "Iv") || !speaksID(app)) {
		in.Fault("app-id", actions.Quote(app)+" is no App id", "it is a number; or pass the client id in client-id instead")
	}
	if client+app == "" && !optional {
		in.Fault("client-id", "is empty", "pass the App's client id, from its settings page, as in client-id: ${{ vars.APP_CLIENT_ID }}")
	}
	return first(client, app)
}

// speaksID tells what has the form of a client id and may be shown.
func speaksID(text string) bool {
	return isClientID(text) && actions.Quote(text) == `"`+text+`"`
}

// missingKey are the two places where a secret that is there is empty all the same:
// https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows and
// .../write-workflows/choose-what-workflows-do/deploy-to-environment
const missingKey = ". A reusable workflow has it only with secrets: inherit in the job that calls it, " +
	"and a secret of an environment is there only with environment: in the job"

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
	single := parseSingle(in)
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
	if text := workflowToken(r, *req); text != "" {
		req.Notices = append(req.Notices, text)
	}
}

// parseSingle reads the inputs of single permissions. Every one that the step gives
// counts, also one that action.yml does not declare: GitHub has new permissions before
// this release does, and a misspelt one that was ignored would leave a token with all.
func parseSingle(in *actions.Inputs) permission.Set {
	const prefix = "permission-"
	single := permission.Set{}
	for _, given := range in.Prefixed(prefix, "permission-check") {
		name := given.Name[len(prefix):]
		err := permission.Check(name, given.Value)
		one := permission.Set{permission.Name(name): strings.ToLower(given.Value)}
		if err == nil {
			var clash []error
			single, clash = permission.Merge(single, one)
			err = errors.Join(clash...)
		}
		if err != nil {
			problem, cure, _ := strings.Cut(err.Error(), "; hint: ")
			in.Fault(actions.Speakable(given.Name, prefix+"…"), problem, cure)
		}
	}
	return single
}

// workflowToken is the notice that the workflow's own token can do the same; empty
// where that is not true: that token opens the workflow's repository alone and may not
// open pull requests, nothing that it pushes starts a workflow, and where a run gets
// no secrets it only reads.
func workflowToken(r *actions.Runner, req mintRequest) string {
	asked := req.Scope.Permissions
	block, ok := permission.WorkflowToken(asked)
	if !ok || !r.Present() || !ownRepository(r, req) || asked["contents"] == "write" || asked["pull_requests"] == "write" {
		return ""
	}
	unless := ""
	for _, level := range asked {
		if level == "read" {
			continue
		}
		if cause, _ := r.WithoutSecrets(""); cause != "" {
			return ""
		}
		unless = ", unless what it does is to start other workflows"
	}
	return "the workflow's own GITHUB_TOKEN can do this, without an App" + unless + ". Give the job:\n\n" + block
}

// ownRepository tells whether a token is for nothing but the repository of the
// workflow.
func ownRepository(r *actions.Runner, req mintRequest) bool {
	return len(req.Scope.Repositories) == 1 && len(req.Scope.Permissions) > 0 &&
		strings.EqualFold(req.Target.Owner+"/"+req.Scope.Repositories[0], r.Variable("GITHUB_REPOSITORY"))
}
