// Package gitauth makes git and gh use a token in the later steps of a job, with
// nothing but environment variables: git clone, push, submodules and whatever
// calls git (go, npm, pip, git-lfs) open the repositories that the token opens, and
// no others: what git does with any other repository, of the same owner too, stays
// as it is. Commits carry the name of the bot. The package also speaks git's
// credential protocol, for a helper that hands out a fresh token whenever git asks.
//
// Start with [Config] and its [Config.Env], whose [Config.Secrets] are to be
// masked before anything of it is written. [GH] is the same for gh. [ParseRequest]
// and [Answer] are the two ends of a credential helper.
//
// The package writes no file, reads no environment and runs nothing. It never puts
// a token into a URL or a command line, where process lists and remotes keep it,
// nor on disk; and no text of its errors holds a part of what it was given.
package gitauth

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// Pair is one environment variable.
type Pair struct{ Name, Value string }

// Config says which git commands are to be let in where. Server and Owner are
// required, and either Token or Helper, and either Repositories or AllRepositories.
type Config struct {
	Server       string        // GITHUB_SERVER_URL: https://github.com, https://octo.ghe.com, https://ghes.example.com
	Owner        string        // whose repositories the token opens, as GitHub spells it
	Aliases      []string      // other spellings, and names that the owner had before, as workflows may have them
	Organization int64         // the owner's number, if it is an organization and the number is known
	Token        redact.String // sent in a header that git is told of; empty with a Helper
	Helper       string        // a credential helper as git takes it (`!"$RUNNER_TEMP/…" …`), for jobs that outlive a token
	Bot          *Bot          // who commits; nil leaves user.name and user.email alone
	Before       Before        // what the environment has already

	InsecureHTTP bool // Server may be http elsewhere than on this machine

	// AllRepositories must be said: a list that came out empty would widen.
	AllRepositories bool
	Repositories    []string // names without the owner, in GitHub's spelling first

	// OwnerWide configures the owner in the place of Repositories that are too many to
	// be named one by one ([ErrTooMany]).
	OwnerWide bool
}

// Before is the part of the environment that git reads its configuration from, as
// earlier steps left it.
type Before struct {
	Count string   // GIT_CONFIG_COUNT
	Keys  []string // GIT_CONFIG_KEY_0 and so on
	Size  int      // bytes of all GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n, names included
}

// Env is the configuration as GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n, behind the
// entries that the environment has already (git 2.31 or later reads them). The
// last pair is GIT_CONFIG_COUNT: without it, the others mean nothing to git.
//
// Git reads the environment after all files, so user.name, user.email and a helper
// from here win over what a later step writes with git config.
//
// The error is ErrTooMany where the environment would become too large.
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

// maxEnvironment bounds the bytes of all GIT_CONFIG variables of a job. Linux gives
// the arguments and the environment of a process a quarter of its stack, 2 MiB of
// the usual 8, beyond which no program starts at all (execve(2), "Argument list too
// long"). A quarter of that leaves room for the job's own, and for the runner, which
// names each variable once more in the arguments of `docker run`.
const maxEnvironment = 512 << 10

func size(env []Pair) int {
	bytes := 0
	for _, p := range env {
		bytes += len(p.Name) + len(p.Value) + len("=\x00")
	}
	return bytes
}

// Secrets are the texts in the values of Env that nobody may see: the base64 of
// the token and its user name, with and without padding. The token itself is not
// among them, since no value holds it.
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

// user is the name that goes with an installation token.
const user = "x-access-token"

func basic(token redact.String) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + token.Reveal()))
}

// maxName is how long names may be; GitHub ends sooner.
const maxName = 100

var ownerName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]*$`)

func (c Config) check() error {
	for _, owner := range append([]string{c.Owner}, c.Aliases...) {
		if len(owner) > maxName || !ownerName.MatchString(owner) {
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

var digits = regexp.MustCompile(`^[0-9]{1,6}$`)

// parseCount is stricter than git, which takes " +3" too. No environment has room
// for a million entries.
func parseCount(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	if !digits.MatchString(text) {
		return 0, errCount
	}
	return strconv.Atoi(text)
}

// hasControl also finds DEL and the bytes that are no UTF-8, of which no output
// for a runner is made.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}
