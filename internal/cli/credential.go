package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// runGitCredential speaks git's credential protocol. Next to a state of refresh
// it hands out the job's token. Elsewhere it mints a token for the repository
// that git names, and keeps it nowhere.
func runGitCredential(ctx context.Context, p Process, c command, args []string) int {
	flags := c.flagSet()
	values := map[string]*string{}
	for input, usage := range map[string]string{
		"client-id":        "the App's client id; default: INPUT_CLIENT-ID",
		"private-key-file": "the App's private key; default: INPUT_PRIVATE-KEY-FILE or INPUT_PRIVATE-KEY",
		"permissions":      "what the token may do; default: INPUT_PERMISSIONS, or contents: read",
		"github-api-url":   "the REST API; default: INPUT_GITHUB-API-URL",
	} {
		values[input] = flags.String(input, "", usage)
	}
	for _, in := range schemaOf("").Inputs {
		if isKeySetting(in.Name) {
			values[in.Name] = flags.String(in.Name, "", in.Description+"; default: INPUT_"+strings.ToUpper(in.Name))
		}
	}
	insecure := flags.Bool("insecure-http", false, "let the REST API be http elsewhere than on this machine; default: INPUT_INSECURE-HTTP")
	if code, over := c.parseFlags(p, flags, args, 1); over {
		return code
	}
	switch flags.Arg(0) {
	case "":
		return misuse(p, "git-credential takes one word, which git adds",
			"valetkey git-credential [flags] get; git-credential -h lists the flags")
	case "get":
	default:
		return exitOK // store and erase, but nothing is kept
	}
	r := p.plain()
	asked, err := gitauth.ParseRequest(p.Stdin)
	if err != nil {
		return exitCode(r, err)
	}
	if d, ok := ownRefreshDir(); ok {
		return exitCode(r, answerFresh(ctx, p, r, d, asked))
	}
	given := map[string]string{}
	if *insecure {
		given["INPUT_INSECURE-HTTP"] = "true"
	}
	leaveAlone(given, p.Getenv, *values["key"], *values["private-key-file"])
	for input, value := range values {
		if *value != "" {
			given["INPUT_"+strings.ToUpper(input)] = *value
		}
	}
	p.Getenv = overlay(given, p.Getenv)
	r = p.plain()
	return exitCode(r, answerMinted(ctx, p, r, asked, given))
}

// leaveAlone adds empty variables for those of the environment that do not
// count. A flag that names a key wins over the environment. Where none does,
// key may be an input of the step of another action, which git runs in: only
// what is the URI of a key is ours. So it is with the settings of such a key.
func leaveAlone(given map[string]string, getenv func(string) string, uri, keyFile string) {
	if uri != "" || keyFile != "" {
		given["INPUT_PRIVATE-KEY"], given["INPUT_PRIVATE-KEY-FILE"], given["INPUT_KEY"] = "", "", ""
	}
	if uri == "" && keyFile == "" {
		uri = getenv("INPUT_KEY")
	}
	scheme := custody.Scheme(strings.TrimSpace(uri))
	if scheme == "" {
		given["INPUT_KEY"] = ""
	}
	for _, s := range settings(&custody.Config{}) {
		if scheme == "" || s.schemes != "" && !strings.Contains(s.schemes, scheme) {
			given["INPUT_"+strings.ToUpper(s.input)] = ""
		}
	}
}

// overlay returns an environment in which the given variables come first.
func overlay(given map[string]string, getenv func(string) string) func(string) string {
	return func(name string) string {
		if v, ok := given[name]; ok {
			return v
		}
		return getenv(name)
	}
}

// answerFresh hands out the job's token for the repositories that it opens. It
// does not mint for any other repository. It announces nothing, not even a new
// token, which goes to git alone.
func answerFresh(ctx context.Context, p Process, r *actions.Runner, d refreshDir, asked gitauth.Request) error {
	identity := redact.New(p.Getenv(d.identityVariable()))
	r.Mask(identity)
	s, err := d.load(identity)
	if err != nil {
		return err
	}
	owner, repository, ok := asked.Owner()
	switch {
	case !asked.At(s.Server, s.InsecureHTTP):
		return nil // git asks the next helper
	case !ok:
		return errNoPath
	case !s.Reach.opens(owner, repository):
		return nil
	}
	token, err := currentToken(ctx, p, r, d, nil)
	if err != nil {
		return err
	}
	return gitauth.Answer(p.Stdout, token.Value.String, token.Expires.Add(-token.Skew)) // git compares it with this machine's clock
}

// errNoPath is returned if git asks about a host: only the path tells which
// token opens it.
var errNoPath = fault.New("git does not say which repository", "git config --global credential.useHttpPath true")

// answerMinted mints for the one repository that git asks about, which it adds
// to the given inputs.
func answerMinted(ctx context.Context, p Process, r *actions.Runner, asked gitauth.Request, given map[string]string) error {
	owner, repository, ok := asked.Owner()
	if !ok {
		return errNoPath
	}
	given["INPUT_OWNER"], given["INPUT_REPOSITORIES"] = owner, repository
	p = withInputs(p, given)
	if len(p.Environ()) == 0 && p.Getenv("INPUT_PERMISSIONS")+p.Getenv("INPUT_SCOPES")+p.Getenv("INPUT_OPERATIONS") == "" {
		given["INPUT_PERMISSIONS"] = "contents: read"
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	req, err := parseMint(ctx, p, r, p.inputs(r, ""))
	if err != nil {
		return err
	}
	defer closeKey(ctx, r, req.Key)
	if !asked.At(req.JobEnv.Server, req.Host.InsecureHTTP) {
		return nil // git asks the next helper
	}
	m, api, err := mintAlone(ctx, p, r, req)
	if err != nil {
		return err
	}
	// Git compares the expiry with the clock of this machine, and throws away a
	// password that has expired.
	return gitauth.Answer(p.Stdout, m.Token.Value, api.Local(m.Token.ExpiresAt))
}

// withInputs returns the process with inputs of our own making. Git runs in
// steps of other actions, whose inputs are in the environment: actions/checkout
// has INPUT_REPOSITORY, INPUT_TOKEN and more. So names that merely look like
// ours are left alone. Variables that say what a token may do count all the
// same, since without them the token would open something else.
func withInputs(p Process, given map[string]string) Process {
	get, list := p.Getenv, p.Environ
	p.Getenv = func(name string) string {
		if v := given[name]; v != "" {
			return v
		}
		return get(name)
	}
	p.Environ = func() []string {
		return slices.DeleteFunc(list(), func(pair string) bool {
			name, value, _ := strings.Cut(pair, "=")
			return value == "" || !isPermissionVariable(name)
		})
	}
	return p
}

// isPermissionVariable reports whether a variable is that of one permission, in
// any spelling.
func isPermissionVariable(name string) bool {
	plain := actions.Dashed(name)
	return strings.HasPrefix(plain, "INPUT-PERMISSION-") && plain != "INPUT-PERMISSION-CHECK"
}
