package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// loan is what later steps get beside the outputs: git and gh that work by
// themselves, variables, the bot's identity. All of it is opt-in, because every
// later step of the job gets it.
type loan struct {
	Git, GH, Bot bool
	Names        []string // variables that hold the token
	Server       string   // where git finds the GitHub of the token
	Count        string   // GIT_CONFIG_COUNT of earlier steps
}

func parseLoan(p Process, r *actions.Runner, in *actions.Inputs, api string) loan {
	l := loan{
		Git: in.Bool("git"), GH: in.Bool("gh"), Bot: in.Bool("bot-identity"), Names: in.List("export-env"),
		Server: website(r, api), Count: r.Variable("GIT_CONFIG_COUNT"),
	}
	for _, name := range l.Names {
		if err := variableName(name); err != nil {
			in.Fault("export-env", err.Error(), "take another name, such as GH_TOKEN")
		}
	}
	asked := ""
	switch {
	case l.Git:
		asked = "git"
	case l.GH:
		asked = "gh"
	case len(l.Names) > 0:
		asked = "export-env"
	}
	if asked != "" && r.Present() && p.Getenv("GITHUB_ENV") == "" {
		in.Fault(asked, "has nowhere to go: GITHUB_ENV is not set", "the runner sets it")
	}
	return l
}

// website is where people and git find the GitHub that an API belongs to. The
// runner says it of its own; of another one, and without a runner, it follows from
// the address.
func website(r *actions.Runner, api string) string {
	u, err := githubapp.ParseURL(api)
	if err != nil {
		return ""
	}
	own, err := githubapp.ParseURL(r.Variable("GITHUB_API_URL"))
	if server := r.Variable("GITHUB_SERVER_URL"); err == nil && server != "" && own.String() == u.String() {
		return server
	}
	if host, ok := strings.CutPrefix(u.Host, "api."); ok && (host == "github.com" || strings.HasSuffix(host, ".ghe.com")) {
		u.Host = host
	}
	return u.Scheme + "://" + u.Host
}

// wantsBot tells whether the one request more is needed.
func (l loan) wantsBot() bool { return l.Git || l.Bot }

// identify finds the bot. For git alone it is not worth a failure: the token works
// without a name for commits.
func (l loan) identify(ctx context.Context, r *actions.Runner, api *githubapp.API, p envelope.Payload) (*gitauth.Bot, error) {
	if !l.wantsBot() {
		return nil, nil
	}
	err := errors.New("it is not known which App the token is of")
	if p.AppSlug != "" {
		var id int64
		if id, err = api.BotID(ctx, p.Token, p.AppSlug); err == nil {
			var bot gitauth.Bot
			if bot, err = gitauth.NewBot(l.Server, p.AppSlug, id); err == nil {
				return &bot, nil
			}
		}
	}
	if l.Bot {
		return nil, err
	}
	r.Warning("git does not know in whose name to commit: %s", actions.Text(err))
	return nil, nil
}

// give sets up what later steps get, and returns the outputs that come with it.
// helper takes the place of the token in git's configuration, where there is one.
func (l loan) give(r *actions.Runner, p envelope.Payload, bot *gitauth.Bot, helper string) ([]actions.Pair, error) {
	var env []gitauth.Pair
	if l.Git {
		c := gitauth.Config{Server: l.Server, Owner: owner(p.Repositories), Token: p.Token, Bot: bot, Count: l.Count}
		if helper != "" {
			c.Token, c.Helper = redact.String{}, helper
		}
		r.Mask(c.Secrets()...)
		pairs, err := c.Env()
		if err != nil {
			return nil, err
		}
		env = append(env, pairs...)
	}
	if l.GH {
		pairs, err := gitauth.GH(l.Server, p.Token)
		if err != nil {
			return nil, err
		}
		env = append(env, pairs...)
	}
	for _, name := range l.Names {
		env = append(env, gitauth.Pair{Name: name, Value: p.Token.Reveal()})
	}
	var pairs []actions.Pair
	for _, e := range env {
		pairs = append(pairs, actions.Pair{Name: e.Name, Value: e.Value})
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

// owner is whose repositories a token opens; one token has one.
func owner(repositories []string) string {
	if len(repositories) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(repositories[0], "/")
	return name
}
