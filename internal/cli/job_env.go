package cli

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// jobEnv is what later steps get besides the outputs: a git and a gh that are
// set up, variables, the bot's identity. All of it is opt-in, because every
// later step of the job gets it.
type jobEnv struct {
	Git, GH, Bot bool
	Names        []string // variables that hold the token
	Server       string   // where git finds the GitHub of the token
	InsecureHTTP bool     // Server may be http and lead off this machine
	Before       gitauth.Before
	GHHost       string // GH_HOST of earlier steps
}

// parseJobEnv reads the inputs git, gh, bot-identity and export-env.
func parseJobEnv(getenv func(string) string, r *actions.Runner, in *actions.Inputs, h host) jobEnv {
	e := jobEnv{
		Git: in.Bool("git"), GH: in.Bool("gh"), Bot: in.Bool("bot-identity"), Names: in.List("export-env"),
		Server: website(r, h.URL), InsecureHTTP: h.InsecureHTTP, Before: gitBefore(getenv), GHHost: r.Variable("GH_HOST"),
	}
	if u, err := url.Parse(e.Server); err == nil && e.GH && e.InsecureHTTP && address.Plain(u) {
		in.Fault("gh", "can't be used with insecure-http: gh speaks only https", "give the token to curl or git there")
	}
	for _, name := range e.Names {
		// Of the runner's names it is the only one that the runner does not
		// set, and tools look for a token there.
		if name == "GITHUB_TOKEN" {
			continue
		}
		if err := variableName(name); err != nil {
			in.Fault("export-env", err.Error(), "take another name, such as GH_TOKEN")
		}
	}
	asked := ""
	switch {
	case e.Git:
		asked = "git"
	case e.GH:
		asked = "gh"
	case len(e.Names) > 0:
		asked = "export-env"
	}
	if asked != "" && r.OnRunner() && getenv("GITHUB_ENV") == "" {
		in.Fault(asked, "has nowhere to go: GITHUB_ENV is not set", "the runner sets it")
	}
	return e
}

// gitBefore reads the configuration that earlier steps gave to git.
func gitBefore(getenv func(string) string) gitauth.Before {
	b := gitauth.Before{Count: strings.TrimSpace(getenv("GIT_CONFIG_COUNT"))}
	for n := 0; ; n++ {
		name, value := "GIT_CONFIG_KEY_"+strconv.Itoa(n), "GIT_CONFIG_VALUE_"+strconv.Itoa(n)
		key := getenv(name)
		if key == "" {
			return b
		}
		b.Keys = append(b.Keys, key)
		b.Size += len(name) + len(key) + len(value) + len(getenv(value)) + len("=\x00=\x00")
	}
}

// wantsBot reports whether the additional request for the bot's id is needed.
func (e jobEnv) wantsBot() bool { return e.Git || e.Bot }

// identify finds the App's bot. If only git needs it, a failure is a warning:
// the token works without a name for commits.
func (e jobEnv) identify(ctx context.Context, r *actions.Runner, api *githubapp.API, p envelope.Payload) (*gitauth.Bot, error) {
	if !e.wantsBot() {
		return nil, nil
	}
	err := errors.New("it is not known which App the token belongs to")
	if p.AppSlug != "" {
		var id int64
		if id, err = api.BotID(ctx, p.Token, p.AppSlug); err == nil {
			var bot gitauth.Bot
			if bot, err = gitauth.NewBot(e.Server, p.AppSlug, id); err == nil {
				return &bot, nil
			}
		}
	}
	if e.Bot {
		return nil, err
	}
	r.Warning("git does not know in whose name to commit: %s", fault.Text(err))
	return nil, nil
}

// export sets up later steps, and returns the outputs that come with that. A
// helper, if there is one, takes the place of the token in git's configuration.
func (e jobEnv) export(r *actions.Runner, token redact.String, w reach, bot *gitauth.Bot, helper string) ([]actions.Pair, error) {
	var env []gitauth.Pair
	if e.Git {
		pairs, err := e.git(r, token, w, bot, helper)
		if err != nil {
			return nil, err
		}
		env = append(env, pairs...)
	}
	if e.GH {
		pairs, err := gitauth.GH(e.Server, token, e.GHHost)
		if err != nil {
			return nil, err
		}
		env = append(env, pairs...)
	}
	for _, name := range e.Names {
		env = append(env, gitauth.Pair{Name: name, Value: token.Reveal()})
	}
	var pairs []actions.Pair
	for _, variable := range env {
		pairs = append(pairs, actions.Pair{Name: variable.Name, Value: variable.Value})
	}
	if err := r.Env(pairs...); err != nil {
		return nil, err
	}
	if bot == nil {
		return nil, nil
	}
	return []actions.Pair{
		{Name: "bot-user-id", Value: strconv.FormatInt(bot.ID, 10)},
		{Name: "git-user-name", Value: bot.Name()},
		{Name: "git-user-email", Value: bot.Email()},
		{Name: "committer", Value: bot.Committer()},
	}, nil
}

// git returns the environment in which git opens the repositories of the token.
func (e jobEnv) git(r *actions.Runner, token redact.String, w reach, bot *gitauth.Bot, helper string) ([]gitauth.Pair, error) {
	if !w.All && len(w.Repositories) == 0 {
		return nil, actions.Fault{
			Input: "git", Problem: "has nothing to open: the token opens no repository",
			Hint: "select repositories in the installation's settings, or leave git out",
		}
	}
	c := gitauth.Config{
		Server: e.Server, Owner: w.Owner, Aliases: w.Aliases, Organization: w.Organization,
		AllRepositories: w.All, Repositories: w.Repositories,
		Token: token, Bot: bot, Before: e.Before, InsecureHTTP: e.InsecureHTTP,
	}
	if w.All {
		c.Repositories = nil
	}
	if helper != "" {
		c.Token, c.Helper = redact.String{}, helper
	}
	r.Mask(c.Secrets()...)
	env, err := c.Env()
	if errors.Is(err, gitauth.ErrTooMany) && !w.All {
		c.OwnerWide = true
		if env, err = c.Env(); err == nil {
			r.Notice("the token opens %d repositories, too many for git to be told of one by one: "+
				"git uses it for every repository of %s, also for those that it does not open. "+
				"If the job needs one of these, such as its own, take a step for fewer repositories", len(w.Repositories), w.Owner)
		}
	}
	return env, err
}
