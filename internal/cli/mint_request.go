package cli

import (
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
	Skip           bool // there is no key, and on-missing-key is skip
	Issuer         string
	Key            crypto.Signer
	KeyText        redact.String // the same, as the input has it
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
func parseMint(getenv func(string) string, r *actions.Runner, in *actions.Inputs) (mintRequest, error) {
	key := readAppKey(r, in) // first, because it masks the key

	var req mintRequest
	if !in.Bool("notices") {
		r.MuteNotices()
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
	req.NoSummary = !in.Bool("summary")
	req.JobEnv = parseJobEnv(getenv, r, in, req.Host)
	req.Refresh = in.Bool("refresh")
	if req.Refresh && !req.JobEnv.Git {
		in.Fault("refresh", "needs git: true",
			"a token that is refreshed is handed out by a helper of git; without git, use a step for each hour")
	}
	req.Encrypted = !in.Bool("plaintext-output")
	req.Recipients = parseRecipients(r, in)
	if rsaKey, ok := publicKey(req.Key); ok && len(req.Recipients) == 0 {
		req.Recipients = ownKey(in, key.Input, rsaKey)
	}
	req.NoMask = actions.EachLine(key.Text)
	req.Archived = in.Bool("include-archived")
	target := parseTarget(r, in)
	req.Target, req.Scope, req.Patterns, req.Notices = target.Target, target.Scope, target.Patterns, target.Notices
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
