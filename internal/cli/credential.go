package cli

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// plain gives a runner for commands whose standard output somebody reads. What they
// say goes to the other stream, which is not theirs either: git hands its own down
// to its helpers, and npm, terraform and go keep what git wrote there. A secret
// that was announced to the runner there would be in all of them.
func (p Process) plain() *actions.Runner { return actions.NewPlain(p.Stderr, p.Getenv) }

// besides gives the directory of refresh that this program lies in, if it does.
func besides() (refreshDir, bool) {
	program, err := os.Executable()
	if err != nil {
		return refreshDir{}, false
	}
	d := refreshDir{filepath.Dir(program)}
	_, err = os.Lstat(filepath.Join(d.path, refreshFile)) // a link is for load to refuse
	return d, err == nil && strings.HasPrefix(filepath.Base(d.path), refreshPrefix)
}

// gitCredential speaks git's credential protocol. Beside a state of refresh it hands
// out the job's token; elsewhere it mints one for the repository that git names,
// which is kept nowhere.
func (p Process) gitCredential(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("git-credential", flag.ContinueOnError)
	client := flags.String("client-id", "", "the App's client id; default: INPUT_CLIENT-ID")
	keyFile := flags.String("private-key-file", "", "the App's private key; default: INPUT_PRIVATE-KEY-FILE or INPUT_PRIVATE-KEY")
	permissions := flags.String("permissions", "", "what the token may do; default: INPUT_PERMISSIONS, or contents: read")
	api := flags.String("github-api-url", "", "the REST API; default: INPUT_GITHUB-API-URL")
	insecure := flags.Bool("insecure-http", false, "let the REST API be http elsewhere than on this machine; default: INPUT_INSECURE-HTTP")
	if code, over := p.parseFlags(flags, args, 1); over {
		return code
	}
	switch flags.Arg(0) {
	case "":
		return p.misuse("git-credential takes one word, which git adds", "valetkey git-credential [flags] get; git-credential -h lists the flags")
	case "get":
	default:
		return exitOK // store and erase: nothing is kept
	}
	r := p.plain()
	asked, err := gitauth.ParseRequest(p.Stdin)
	if err != nil {
		return exitCode(r, err)
	}
	if d, ok := besides(); ok {
		return exitCode(r, p.answerFresh(ctx, r, d, asked))
	}
	given := map[string]string{}
	if *insecure {
		given["INPUT_INSECURE-HTTP"] = "true"
	}
	for input, value := range map[string]string{
		"CLIENT-ID": *client, "PRIVATE-KEY-FILE": *keyFile, "PERMISSIONS": *permissions, "GITHUB-API-URL": *api,
	} {
		if value != "" {
			given["INPUT_"+input] = value
		}
	}
	if *keyFile != "" {
		given["INPUT_PRIVATE-KEY"] = "" // a flag wins over the environment
	}
	p.Getenv = over(given, p.Getenv)
	r = p.plain()
	return exitCode(r, p.answerMinted(ctx, r, asked, given))
}

// over gives an environment in which what is given comes first.
func over(given map[string]string, getenv func(string) string) func(string) string {
	return func(name string) string {
		if v, ok := given[name]; ok {
			return v
		}
		return getenv(name)
	}
}

// answerFresh hands out the job's token for the repositories that it opens: a question
// about another is no reason for a mint. Nothing is announced, a new token neither: it
// goes to git alone.
func (p Process) answerFresh(ctx context.Context, r *actions.Runner, d refreshDir, asked gitauth.Request) error {
	identity := redact.New(p.Getenv(d.identityVariable()))
	r.Mask(identity)
	s, err := d.load(identity)
	if err != nil {
		return err
	}
	owner, repository, ok := asked.Owner()
	switch {
	case !asked.At(s.Server, s.InsecureHTTP):
		return nil // git asks the next one
	case !ok:
		return errNoPath
	case !s.Reach.opens(owner, repository):
		return nil
	}
	token, err := p.fresh(ctx, r, d, nil)
	if err != nil {
		return err
	}
	return gitauth.Answer(p.Stdout, token.Value.String, token.Expires.Add(-token.Skew)) // git goes by this machine's clock
}

// errNoPath is for whoever asks about a host: what a token opens is told by the path.
var errNoPath = actions.Fault{Problem: "git does not say which repository", Cure: "git config --global credential.useHttpPath true"}

// answerMinted mints for the one repository that git asks about, which it adds to
// what is given.
func (p Process) answerMinted(ctx context.Context, r *actions.Runner, asked gitauth.Request, given map[string]string) error {
	owner, repository, ok := asked.Owner()
	if !ok {
		return errNoPath
	}
	given["INPUT_OWNER"], given["INPUT_REPOSITORIES"] = owner, repository
	p = p.lentTo(given)
	if len(p.Environ()) == 0 && p.Getenv("INPUT_PERMISSIONS")+p.Getenv("INPUT_SCOPES")+p.Getenv("INPUT_OPERATIONS") == "" {
		given["INPUT_PERMISSIONS"] = "contents: read"
	}
	req, err := p.parseMint(r, p.inputs(r, ""))
	if err != nil {
		return err
	}
	if !asked.At(req.Loan.Server, req.Host.InsecureHTTP) {
		return nil // another host's: git asks the next one
	}
	token, err := p.mintOnly(ctx, r, req)
	if err != nil {
		return err
	}
	return gitauth.Answer(p.Stdout, token.Value, token.ExpiresAt)
}

// lentTo is the process with inputs of our own making. Git runs in steps of other
// actions, whose inputs are in the environment: actions/checkout has INPUT_REPOSITORY,
// INPUT_TOKEN and more. So names that only look like ours are left alone there. What
// says what a token may do counts all the same, since without it the token would open
// something else.
func (p Process) lentTo(given map[string]string) Process {
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

// isPermissionVariable tells the variable of one permission, in any spelling.
func isPermissionVariable(name string) bool {
	plain := actions.Dashed(name)
	return strings.HasPrefix(plain, "INPUT-PERMISSION-") && plain != "INPUT-PERMISSION-CHECK"
}

// mintOnly mints, and leaves the token to the caller. Its end is by the clock of this
// machine: git goes by that, and throws a password away whose end has come.
func (p Process) mintOnly(ctx context.Context, r *actions.Runner, req mintRequest) (githubapp.Token, error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	api, err := p.connect(r, req.Host)
	if err != nil {
		return githubapp.Token{}, err
	}
	m, err := p.obtain(ctx, r, api, req)
	if err != nil {
		return githubapp.Token{}, err
	}
	if m, err = m.located(ctx, r, api); err == nil {
		err = m.sameScope()
	}
	if err != nil {
		takeBack(ctx, r, api, m.Token)
		return githubapp.Token{}, err
	}
	m.Token.ExpiresAt = m.Token.ExpiresAt.Add(-api.Skew())
	return m.Token, nil
}

// token prints the job's token, freshly minted where the old one nears its end.
//
// Whoever takes it may print it, so the runner is told of one that it has not been
// told of: once, and only where standard error can be the log of the step. In a file
// or a device nobody reads the command, and the token would stay there.
func (p Process) token(ctx context.Context) int {
	r := p.plain()
	d, ok := besides()
	if !ok {
		return exitCode(r, actions.Fault{
			Problem: "there is no token to print here",
			Cure:    `run it from where a step with refresh: true put it: "$RUNNER_TEMP/${{ steps.ID.outputs.refresh-directory }}/valetkey" token`,
		})
	}
	var announce func(redact.String)
	if p.StderrPiped {
		announce = func(token redact.String) { actions.New(p.Stderr, p.Getenv).Mask(actions.Forms(token)...) }
	}
	token, err := p.fresh(ctx, r, d, announce)
	if err != nil {
		return exitCode(r, err)
	}
	if _, err := io.WriteString(p.Stdout, token.Value.Reveal()+"\n"); err != nil {
		return exitCode(r, err)
	}
	return exitOK
}
