// Package gitauth makes git and gh use a token in the later steps of a job, with
// nothing but environment variables: git clone, push, submodules and whatever
// calls git (go, npm, pip, git-lfs) open the repositories of one owner, and
// commits carry the name of the bot. It also speaks git's credential protocol,
// for a helper that hands out a fresh token whenever git asks.
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
// required, and either Token or Helper.
type Config struct {
	Server string        // GITHUB_SERVER_URL: https://github.com, https://octo.ghe.com, https://ghes.example.com
	Owner  string        // whose repositories the token opens
	Token  redact.String // sent in a header that git is told of; empty with a Helper
	Helper string        // a credential helper as git takes it (`!"$RUNNER_TEMP/…" …`), for jobs that outlive a token
	Bot    *Bot          // who commits; nil leaves user.name and user.email alone
	Count  string        // GIT_CONFIG_COUNT as the environment has it already
}

// Env is the configuration as GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n, behind the
// entries that the environment has already (git 2.31 or later reads them). The
// last pair is GIT_CONFIG_COUNT: without it, the others mean nothing to git.
//
// Git reads the environment after all files, so user.name, user.email and a helper
// from here win over what a later step writes with git config.
func (c Config) Env() ([]Pair, error) {
	site, err := parseServer(c.Server)
	if err != nil {
		return nil, err
	}
	if err = c.check(); err != nil {
		return nil, err
	}
	count, err := parseCount(c.Count)
	if err != nil {
		return nil, err
	}
	var env []Pair
	for _, e := range c.entries(site) {
		n := strconv.Itoa(count)
		env = append(env, Pair{"GIT_CONFIG_KEY_" + n, e.key}, Pair{"GIT_CONFIG_VALUE_" + n, e.value})
		count++
	}
	return append(env, Pair{"GIT_CONFIG_COUNT", strconv.Itoa(count)}), nil
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

type entry struct{ key, value string }

func (c Config) entries(site server) []entry {
	var list []entry
	for _, owner := range spellings(c.Owner) {
		list = append(list, c.access(site.url+"/"+owner+"/")...)
	}
	for _, owner := range spellings(c.Owner) {
		list = append(list, overHTTPS(site, owner, c.Owner)...)
	}
	if c.Bot != nil {
		list = append(list, entry{"user.name", c.Bot.Name()}, entry{"user.email", c.Bot.Email()})
	}
	return list
}

// spellings are those in which workflows write an owner. To GitHub the case of a
// name means nothing; git compares the paths of URLs to the letter.
func spellings(owner string) []string {
	if lower := strings.ToLower(owner); lower != owner {
		return []string{owner, lower}
	}
	return []string{owner}
}

// access lets git in below one URL, which ends in a slash.
//
// What git 2.39 does with http.<url>.extraHeader, and TestHeaderResolution holds
// it to: it walks through all entries in the order system, global, repository,
// environment. One whose URL matches is heeded unless its URL is less specific
// (shorter) than that of one that was heeded before; it then adds a header, and an
// empty value drops all headers so far, those of less specific URLs included. So
//
//   - what actions/checkout keeps in .git/config for https://github.com/ is sent
//     beside ours, and GitHub answers 400 "Duplicate header", unless an empty
//     value for the owner's URL comes first; one for the server's would not do,
//     if it came after the header of the owner;
//   - with several owners, each has its own header, and none that of another;
//   - a header that somebody set for a single repository is more specific, and
//     stays: nothing below it can drop it.
//
// Git does not follow a redirect to another host with the header.
//
// credential.<url>.helper is resolved in the same way, and its list is asked in
// order until a helper has a password, so it needs an empty value of its own. A URL
// with a path covers what is below it, the owner but not one whose name begins
// alike, although gitcredentials(7) speaks of an exact match. The helper is told
// the path only with useHttpPath. The header has to go in this mode too: git sends
// it in the place of a password.
//
// For the same reason no helper can mend a header that GitHub refuses. Git asks for
// one nevertheless, with an error about user names when there is none, and has a
// good password on the machine erased when there is. The one helper left here says
// what is wrong instead, and has git stop.
func (c Config) access(url string) []entry {
	header, helper := "http."+url+".extraHeader", "credential."+url+".helper"
	if c.Helper == "" {
		return []entry{
			{header, ""},
			{header, "Authorization: Basic " + basic(c.Token)},
			{helper, ""},
			{helper, "!echo 'GitHub refused the token for " + c.Owner + ": it is revoked, or older than an hour' >&2; echo quit=1; :"},
		}
	}
	return []entry{
		{header, ""},
		{helper, ""},
		{helper, c.Helper},
		{"credential." + url + ".useHttpPath", "true"},
	}
}

// overHTTPS has git fetch and push over HTTPS what remotes and .gitmodules name by
// SSH addresses. SSH is on another port than HTTPS, so these are without the port.
// The longest insteadOf wins, hence ours over that of actions/checkout, which ends
// with the host.
func overHTTPS(site server, spelled, owner string) []entry {
	key := "url." + site.url + "/" + owner + "/.insteadOf"
	return []entry{
		{key, "git@" + site.host + ":" + spelled + "/"},
		{key, "ssh://git@" + site.host + "/" + spelled + "/"},
	}
}

// maxName is how long names may be; GitHub ends sooner.
const maxName = 100

var ownerName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]*$`)

func (c Config) check() error {
	switch {
	case len(c.Owner) > maxName, !ownerName.MatchString(c.Owner):
		return errOwner
	case c.Token.Empty() && c.Helper == "":
		return errNeither
	case !c.Token.Empty() && c.Helper != "":
		return errBoth
	case c.Helper == "" && !isToken(c.Token):
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

// isToken tells whether a token is of printable ASCII without spaces, so that it
// stays on its line wherever it is written.
func isToken(token redact.String) bool {
	text := token.Reveal()
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}

// hasControl also finds DEL and the bytes that are no UTF-8, of which no output
// for a runner is made.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}
