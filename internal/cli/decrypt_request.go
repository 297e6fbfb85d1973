package cli

import (
	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
)

// decryptRequest is everything that opening an envelope needs.
type decryptRequest struct {
	Line       string
	Identities []envelope.Identity
	Host       host
	Allowed    []string // more addresses of APIs that an envelope may name
	Names      []string // of the values that the step takes; if there are none, all of them, as outputs
	Revoke     bool
	Verify     bool
	Encrypted  bool // the token itself is not an output
	ToEnv      bool // values go to the environment of later steps
	JobEnv     jobEnv
}

// parseDecrypt reads the inputs of the decrypt action.
func parseDecrypt(getenv func(string) string, r *actions.Runner, in *actions.Inputs) (decryptRequest, error) {
	req := decryptRequest{
		Identities: parseIdentities(r, in),
		Line:       in.String("encrypted-token"),
		Host:       parseHost(r, in),
		Revoke:     in.Bool("revoke"),
		Verify:     in.Bool("verify"),
		Encrypted:  !in.Bool("plaintext-output"),
		ToEnv:      in.Choice("export", "outputs", "env") == "env",
	}
	if req.Revoke && !r.HasState() {
		in.Fault("revoke", "needs a post stage, which only a runner has: GITHUB_STATE is not set",
			"end the token with valetkey revoke instead")
	}
	req.Allowed = parseAllowed(in, req.Host)
	req.Names = parseNames(in, req.ToEnv)
	req.JobEnv = parseJobEnv(getenv, r, in, req.Host)
	return req, in.Err()
}

// parseNames reads which values of an envelope the step takes. Whoever writes
// an envelope chooses its names, and a single variable may be enough to read
// what later steps send. So the workflow has to name the values that become
// variables.
func parseNames(in *actions.Inputs, toEnv bool) []string {
	names := in.List("names")
	if len(names) == 0 && toEnv {
		in.Fault("names", "is empty, and export is env",
			"name the values that may become variables of later steps, as in names: DATABASE_PASSWORD")
	}
	check := valueName
	if toEnv {
		check = variableName
	}
	for _, name := range names {
		if err := check(name); err != nil {
			in.Fault("names", err.Error(), "take it as an output, under another name, and set the variable in the step that needs it")
		}
	}
	return names
}
