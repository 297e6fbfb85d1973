package cli

import (
	"context"
	"crypto"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// mintRequest is everything that a mint needs, complete and checked.
type mintRequest struct {
	Skip           bool // there is no key that this run may use, and on-missing-key is skip
	Issuer         string
	Key            crypto.Signer // whoever signs with it calls closeKey
	Kept           storedKey     // the same, as a later step needs it
	Host           host
	InstallationID int64 // 0 if it has to be looked up
	Target         githubapp.Target
	Scope          githubapp.Scope
	Patterns       patterns          // from which Scope.Repositories is to be made, if there are any
	Archived       bool              // patterns match archived repositories too
	Asked          permissionRequest // what the scope's permissions are for
	JobEnv         jobEnv            // what later steps get besides the outputs
	Refresh        bool              // git gets a new token before the old one expires
	KeepToken      bool
	NoSummary      bool
	Verify         bool
	Recipients     []envelope.Recipient // who can open the encrypted token
	NoMask         []redact.String      // texts that must not occur in it
	Encrypted      bool                 // the token itself is not an output
	Warnings       []string
	Notices        []string
}

// parseMint reads the inputs of the root action. Its error has every fault.
func parseMint(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) (mintRequest, error) {
	key := readAppKey(r, in) // first, because it masks the key

	var req mintRequest
	if !in.Bool("notices") {
		r.MuteNotices()
	}
	onMissing := in.Choice("on-missing-key", "fail", "skip")
	req.Skip = onMissing == "skip" && !key.reachable(r)
	req.Issuer = parseIssuer(in, req.Skip)
	req.Host = parseHost(r, in)
	if !req.Skip {
		req.Key = key.open(ctx, p, r, in, req.Host)
		req.Kept = key.stored(req.Key)
	}
	req.InstallationID = parseID(in, "installation-id")
	req.KeepToken = in.Bool("skip-token-revoke")
	req.Verify = in.Bool("verify")
	req.NoSummary = !in.Bool("summary")
	req.JobEnv = parseJobEnv(p.Getenv, r, in, req.Host)
	req.Refresh = in.Bool("refresh")
	if req.Refresh && !req.JobEnv.Git {
		in.Fault("refresh", "needs git: true",
			"a token that is refreshed is handed out by a helper of git; without git, use a step for each hour")
	}
	req.Encrypted = !in.Bool("plaintext-output")
	req.parseRecipients(r, in, key)
	req.NoMask = actions.EachLine(key.Text)
	req.Archived = in.Bool("include-archived")
	target := parseTarget(r, in)
	req.Target, req.Scope, req.Patterns = target.Target, target.Scope, target.Patterns
	req.Notices = append(req.Notices, target.Notices...)
	if req.JobEnv.Git && req.Target.Enterprise != "" {
		in.Fault("git", "can't be used with enterprise", "an enterprise has no repositories of its own: name an owner")
	}
	req.Asked, req.Warnings = parsePermissions(in)
	req.Scope.Permissions = req.Asked.Permissions
	req.Notices = slices.Concat(req.Notices, req.Asked.Broad, req.Asked.Notices)
	if text := workflowToken(r, req.Target, req.Scope); text != "" {
		req.Notices = append(req.Notices, text)
	}
	if err := in.Err(); err != nil {
		return mintRequest{}, err
	}
	return req, nil
}

const nameRecipients = "name recipients, or give a passphrase"

// parseRecipients reads who can open the encrypted token. If nobody is named, it
// is the App itself, whose key opens what was encrypted to it: but a key that
// only signs opens nothing.
func (req *mintRequest) parseRecipients(r *actions.Runner, in *actions.Inputs, key *appKey) {
	req.Recipients = parseRecipients(r, in)
	named := in.String("recipients") != "" || !in.Secret("passphrase").Empty()
	own := ownBytes(req.Key)
	switch {
	case named, req.Key == nil:
	case own != nil:
		req.Recipients = ownKey(in, key.Input, &own.PublicKey)
	case req.Encrypted:
		in.Fault("plaintext-output", "is false, and nobody could open encrypted-token: a key that only signs opens nothing",
			nameRecipients)
	}
}

// parseID reads the id of an installation; 0 means that it has to be looked up.
func parseID(in *actions.Inputs, name string) int64 {
	text := in.String(name)
	if text == "" {
		return 0
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || id == math.MaxInt64 || !isID(text) {
		in.Fault(name, actions.Quote(text)+" is not an installation id",
			"it is the number at the end of the installation's settings page; leave the input out to have it looked up")
		return 0
	}
	return id
}

// workflowToken returns the notice that the workflow's own token can do the
// same. It returns "" unless that is true: the workflow's token opens only the
// workflow's repository, may not open pull requests, starts no workflow by a
// push, and only reads where a run gets no secrets.
func workflowToken(r *actions.Runner, target githubapp.Target, scope githubapp.Scope) string {
	asked := scope.Permissions
	block, ok := permission.WorkflowToken(asked)
	if !ok || !r.OnRunner() || !ownRepository(r, target, scope) || asked["contents"] == "write" || asked["pull_requests"] == "write" {
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
		unless = ", unless it is there to start other workflows"
	}
	return "the workflow's own GITHUB_TOKEN can do this, without an App" + unless + ". Give the job:\n\n" + block
}

// ownRepository reports whether a token is for the workflow's repository alone.
func ownRepository(r *actions.Runner, target githubapp.Target, scope githubapp.Scope) bool {
	return len(scope.Repositories) == 1 && len(scope.Permissions) > 0 &&
		strings.EqualFold(target.Owner+"/"+scope.Repositories[0], r.Variable("GITHUB_REPOSITORY"))
}
