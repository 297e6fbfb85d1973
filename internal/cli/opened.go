package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// An envelope is not signed: everybody who knows a recipient, which is public,
// can make one. So its content is an input that a stranger may have written. It
// is checked before it becomes an output, a line of the log or a part of git's
// configuration, and it never decides where a credential is sent.

// open decrypts an envelope, masks its content before anything else is done
// with it, and checks the rest.
func open(r *actions.Runner, in *actions.Inputs, line string, with []envelope.Identity) (envelope.Payload, error) {
	opened, err := envelope.Open(line, with)
	if envelopeFault(in, "encrypted-token", err) {
		return envelope.Payload{}, in.Err()
	}
	if !opened.Token.Empty() {
		r.Mask(actions.Encodings(opened.Token)...)
		if !redact.CanMask(opened.Token.Reveal()) {
			in.Fault("encrypted-token", fmt.Sprintf("holds a token of under %d characters, which can't be masked", redact.MinMask),
				"no token of GitHub is that short: somebody put something else in")
			return envelope.Payload{}, in.Err()
		}
	}
	for _, value := range opened.Values {
		r.Mask(actions.EachLine(value)...)
	}
	if problem := stranger(opened); problem != "" {
		return envelope.Payload{}, actions.Fault{
			Input: "encrypted-token", Problem: problem,
			Hint: strangerHint,
		}
	}
	return opened, nil
}

const strangerHint = "valetkey does not make such an envelope: find out which job or person made it, and use the output of your own"

// stranger returns what an envelope holds that no mint of ours writes, or "".
// It repeats nothing but plain words.
func stranger(p envelope.Payload) string {
	switch {
	case p.AppSlug != "" && (!isSlug(p.AppSlug) || redact.IsSecret(p.AppSlug)):
		return "holds " + actions.Quote(p.AppSlug) + " where an App's slug belongs"
	case p.InstallationID < 0:
		return "holds a negative installation id"
	case !p.ExpiresAt.IsZero() && (p.ExpiresAt.Year() < 2000 || p.ExpiresAt.Year() > 9998):
		return "holds an expiry that no token can have"
	}
	for name, level := range p.Permissions {
		if permission.Check(name, level) != nil {
			return "holds " + actions.Quote(name) + " or its level where a permission belongs"
		}
	}
	whose := ""
	for _, full := range p.Repositories {
		owner, name, _ := strings.Cut(full, "/")
		switch {
		case !isAccount(owner), redact.IsSecret(owner), name != "*" && !isRepositoryName(name):
			return "holds " + actions.Quote(full) + " where a repository belongs"
		case whose != "" && !strings.EqualFold(owner, whose):
			return "holds repositories of " + actions.Quote(whose) + " and of " + actions.Quote(owner) + ", and a token has one owner"
		}
		whose = owner
	}
	return ""
}

// tokenHost returns where a token is used and revoked: at the GitHub of this
// step, or at one that allowed-api-urls lets an envelope name.
func tokenHost(h host, allowed []string, p envelope.Payload) (host, error) {
	if p.APIURL == "" {
		return h, nil
	}
	named := "something that is not an address"
	if u, err := githubapp.ParseInsecureURL(p.APIURL); err == nil {
		if u.String() == h.URL || slices.Contains(allowed, u.String()) {
			h.URL = u.String()
			return h, nil
		}
		named = actions.Quote(u.String()) // it has no password in it
	}
	return h, actions.Fault{
		Input:   "encrypted-token",
		Problem: fmt.Sprintf("says that it was minted at %s, and this step speaks to %s", named, actions.Quote(h.URL)),
		Hint: "nothing was sent; set github-api-url to where the token was minted, " +
			"or list it in allowed-api-urls if that GitHub is yours",
	}
}

// longest is more than any token lives: GitHub gives them an hour.
const longest = 24 * time.Hour

// remaining returns how long a token still lives. The time now is by GitHub's
// clock.
func remaining(p envelope.Payload, now time.Time) (time.Duration, error) {
	rest := p.ExpiresAt.Sub(now)
	if rest > longest {
		return 0, actions.Fault{
			Input:   "encrypted-token",
			Problem: "says that the token lives until " + p.ExpiresAt.UTC().Format(time.RFC3339) + ", and GitHub's live for an hour",
			Hint:    strangerHint,
		}
	}
	return rest, nil
}
