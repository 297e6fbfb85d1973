package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// runExplain prints what would be asked for, without asking anybody. About a
// personal token it prints what GitHub says, and which step replaces it.
//
// Its standard output is for its caller and only by chance a log, so it
// announces no secret to a runner there: the token is printed nowhere and needs
// no mask. JSON and YAML are for programs, so they are printed without anything
// else, notes in a field or as comments. What a token or a refusal is goes to
// standard error beside YAML, as all errors do.
func runExplain(ctx context.Context, p Process, c command, args []string) int {
	flags := c.flagSet()
	scopes := flags.String("scopes", "", "classic scopes, as on a personal access token")
	operations := flags.String("operations", "", "API operations, one per line: \"GET /repos/{owner}/{repo}/issues\", git clone, git push")
	permissions := flags.String("permissions", "", "permissions, as the input of that name")
	format := flags.String("format", "table", "table, yaml (the step to paste) or json")
	message := flags.String("message", "", "GitHub's `text` of a refusal, or - for standard input: what it means, and what to do")
	variable := flags.String("token-from-env", "", "the `name` of a variable that holds a personal token: ask GitHub what it is")
	api := flags.String("github-api-url", cmp.Or(p.Getenv("GITHUB_API_URL"), publicAPI), "the REST API to ask about the token")
	insecure := flags.Bool("insecure-http", false,
		"let the REST API be http on another machine: the token can be read on its way there")
	if code, over := c.parseFlags(p, flags, args, 0); over {
		return code
	}
	log := p.Stdout
	if *format == "yaml" || *format == "json" {
		log = p.Stderr
	}
	if *scopes+*operations+*permissions+*variable+*message == "" {
		flags.SetOutput(log)
		flags.Usage()
		return misuse(p, "explain has nothing to explain",
			"name something: explain -scopes repo, -operations, -permissions, -message or -token-from-env; explain -h lists its flags")
	}
	r := actions.NewPlain(log, p.Getenv)
	render, ok := formats[*format]
	if !ok {
		return exitCode(r, fault.New(actions.Quote(*format)+" is not a format", "use table, yaml or json"))
	}
	e := explanation{paint: wording.Painter(p.Terminal, p.Getenv)}
	if *message != "" {
		policy, err := explainMessage(p, *message)
		if err != nil {
			return exitCode(r, err)
		}
		e.Policy = &policy
	}
	if *variable != "" {
		found, now, err := inspect(ctx, p, r, *variable, host{URL: *api, InsecureHTTP: *insecure})
		if err != nil {
			return exitCode(r, err)
		}
		kept, notes := replaceable(found.Scopes)
		e.Token, e.Asked, e.Notes = &found, now, notes
		*scopes = strings.Join(append(strings.Fields(*scopes), kept...), " ")
	}
	w, faults := combine(*permissions, nil, *scopes, *operations)
	if len(faults) > 0 {
		return exitCode(r, errors.Join(faults...))
	}
	e.permissionRequest = w
	if aside := e.aside(); *format == "yaml" && aside != "" {
		r.Info("%s", aside)
	}
	if _, err := io.WriteString(p.Stdout, render(e)); err != nil {
		return exitCode(r, err)
	}
	return exitOK
}

// inspect asks GitHub about the token in a variable. It also returns the time
// by GitHub's clock.
func inspect(
	ctx context.Context, p Process, r *actions.Runner, variable string, h host,
) (found githubapp.Inspection, now time.Time, err error) {
	token := redact.New(strings.TrimSpace(p.Getenv(variable)))
	r.Mask(actions.Encodings(token)...)
	if token.Empty() {
		return found, now, &fault.Error{
			Problem: "the variable " + actions.Quote(variable) + " is empty or not set",
			Hint:    "export it, and give its name, not the token",
		}
	}
	if !redact.IsWord(token.Reveal()) {
		return found, now, &fault.Error{
			Problem: "the variable " + actions.Quote(variable) + " does not hold a token",
			Hint:    "export the token alone",
		}
	}
	api, err := p.connect(r, h)
	if err != nil {
		return found, now, fault.New("github-api-url "+err.Error(), addressHint(err))
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	found, err = api.Inspect(ctx, token)
	return found, api.Now(), err
}

// maxMessage bounds what is read of a message: people paste whole answers.
const maxMessage = 64 << 10

// explainMessage explains a refusal by its text, which may hold anything and is
// not repeated.
func explainMessage(p Process, text string) (githubapp.Policy, error) {
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(p.Stdin, maxMessage+1))
		switch {
		case err != nil:
			return githubapp.Policy{}, fault.New("standard input can't be read: "+err.Error(), "")
		case len(data) > maxMessage:
			return githubapp.Policy{}, fault.New("standard input is longer than any answer of GitHub's", "give the message alone")
		}
		text = string(data)
	}
	policy, ok := githubapp.LookupPolicy(text)
	if !ok {
		return policy, fault.New("the message is none of those that valetkey can explain",
			"give GitHub's own words, as in -message 'Resource not accessible by personal access token'; "+
				"the status and the page of the documentation in its answer say more")
	}
	return policy, nil
}

// replaceable returns the scopes of a token that an App can stand in for, and
// for each of the others a note why not.
func replaceable(scopes []string) (kept, notes []string) {
	for _, scope := range scopes {
		_, faults := permission.Scopes(scope)
		for _, err := range faults {
			notes = append(notes, err.Error()+"; "+fault.Hint(err))
		}
		if len(faults) == 0 {
			kept = append(kept, scope)
		}
	}
	return kept, notes
}
