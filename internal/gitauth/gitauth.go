// Package gitauth makes git and gh use a token in the later steps of a job,
// with environment variables alone. git clone, push, submodules and every
// program that calls git (go, npm, pip, git-lfs) open the repositories that the
// token opens. For any other repository, even of the same owner, git works as
// before. Commits carry the name of the bot. The package also speaks git's
// credential protocol, for a helper that hands out a fresh token whenever git
// asks.
//
// Start with [Config] and its [Config.Env], whose [Config.Secrets] are to be
// masked before anything of it is written. [GH] does the same for gh.
// [ParseRequest] and [Answer] are the two ends of a credential helper.
//
// The package writes no file, reads no environment and runs nothing. It never
// puts a token into a URL or a command line, where process lists and remotes
// keep it, nor on disk. Its errors repeat nothing of its input.
package gitauth

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// Pair is one environment variable.
type Pair struct{ Name, Value string }

// Config says where git gets access. Server and Owner are required, and one of
// Token and Helper, and one of Repositories and AllRepositories.
type Config struct {
	Server       string        // GITHUB_SERVER_URL: https://github.com, https://octo.ghe.com, https://ghes.example.com
	Owner        string        // the account whose repositories the token opens, in GitHub's spelling
	Aliases      []string      // other spellings and former names of the owner, which workflows may use
	Organization int64         // the owner's number, if it is an organization and the number is known
	Token        redact.String // sent in a header that the configuration sets; empty with a Helper
	Helper       string        // a credential helper as git takes it (`!"$RUNNER_TEMP/…" …`), for jobs that outlive a token
	Bot          *Bot          // the author of commits; nil leaves user.name and user.email alone
	Before       Before        // git's configuration in the environment so far

	InsecureHTTP bool // Server may be http on another machine

	// AllRepositories must be set explicitly: a list that came out empty would
	// otherwise widen the access.
	AllRepositories bool
	Repositories    []string // names without the owner, in GitHub's spelling first

	// OwnerWide configures the owner instead of Repositories that are too many
	// to be named one by one ([ErrTooMany]).
	OwnerWide bool
}

// Before is the part of the environment from which git reads its configuration,
// as earlier steps left it.
type Before struct {
	Count string   // GIT_CONFIG_COUNT
	Keys  []string // GIT_CONFIG_KEY_0 and so on
	Size  int      // bytes of all GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n, names included
}

// Env returns the configuration as GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n,
// after the entries that the environment has already (git 2.31 or later reads
// them). The last pair is GIT_CONFIG_COUNT: without it, the others mean nothing
// to git.
//
// Git reads the environment after all files, so user.name, user.email and a
// helper from here win over what a later step writes with git config.
//
// The error is ErrTooMany if the environment would become too large.
func (c Config) Env() ([]Pair, error) {
	site, err := parseAddress(c.Server, c.InsecureHTTP)
	if err != nil {
		return nil, err
	}
	if err = c.check(); err != nil {
		return nil, err
	}
	count, err := parseCount(c.Before.Count)
	if err != nil {
		return nil, err
	}
	var env []Pair
	for _, e := range c.entries(site) {
		n := strconv.Itoa(count)
		env = append(env, Pair{"GIT_CONFIG_KEY_" + n, e.key}, Pair{"GIT_CONFIG_VALUE_" + n, e.value})
		count++
	}
	if c.Before.Size+size(env) > maxEnvironment {
		return nil, ErrTooMany
	}
	return append(env, Pair{"GIT_CONFIG_COUNT", strconv.Itoa(count)}), nil
}

// maxEnvironment bounds the bytes of all GIT_CONFIG variables of a job. Linux
// gives the arguments and the environment of a process a quarter of its stack,
// 2 MiB of the usual 8; beyond that no program starts at all (execve(2),
// "Argument list too long"). A quarter of that leaves room for the job's own
// variables, and for the runner, which repeats the name of each variable in the
// arguments of `docker run`.
const maxEnvironment = 512 << 10

func size(env []Pair) int {
	bytes := 0
	for _, p := range env {
		bytes += len(p.Name) + len(p.Value) + len("=\x00")
	}
	return bytes
}

// Secrets returns the texts in the values of Env that nobody may see: the
// base64 of the token and its user name, with and without padding. The token
// itself is not among them, since no value holds it.
func (c Config) Secrets() []redact.String {
	if c.Token.Empty() {
		return nil
	}
	padded := basic(c.Token)
	secrets := []redact.String{redact.New(padded)}
	if short := strings.TrimRight(padded, "="); short != padded {
		secrets = append(secrets, redact.New(short))
	}
	return secrets
}

// tokenUser is the user name that goes with an installation token.
const tokenUser = "x-access-token"

func basic(token redact.String) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenUser + ":" + token.Reveal()))
}

// maxName is how long names may be; GitHub's own limits are lower.
const maxName = 100

var ownerName = pattern.Pattern{Text: `^[A-Za-z0-9_][A-Za-z0-9_-]*$`}

func (c Config) check() error {
	for _, owner := range append([]string{c.Owner}, c.Aliases...) {
		if len(owner) > maxName || !ownerName.Matches(owner) {
			return errOwner
		}
	}
	for _, name := range c.Repositories {
		if !isRepository(name) {
			return errRepository
		}
	}
	switch {
	case c.AllRepositories != (len(c.Repositories) == 0), c.AllRepositories && c.OwnerWide:
		return errWhich
	case c.Token.Empty() && c.Helper == "":
		return errNeither
	case !c.Token.Empty() && c.Helper != "":
		return errBoth
	case c.Helper == "" && !redact.IsWord(c.Token.Reveal()):
		return errToken
	case hasControl(c.Helper):
		return errHelper
	}
	if c.Bot != nil {
		return c.Bot.check()
	}
	return nil
}

var countPattern = pattern.Pattern{Text: `^[0-9]{1,6}$`}

// parseCount is stricter than git, which also accepts " +3". No environment has
// room for a million entries.
func parseCount(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	if !countPattern.Matches(text) {
		return 0, errCount
	}
	return strconv.Atoi(text)
}

// hasControl also finds DEL and bytes that are not UTF-8, which the runner's
// files may not have.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}
