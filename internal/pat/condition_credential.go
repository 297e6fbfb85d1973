package pat

import (
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// The words of kind.
const (
	classic     = "classic"
	fineGrained = "fine-grained"
	sshKey      = "ssh-key"
	oauthApp    = "oauth-app"
	githubApp   = "github-app"
)

var credentialKinds = []string{classic, fineGrained, sshKey, oauthApp, githubApp}

// kindOf returns the word for a credential that GitHub's list has in prose;
// empty for one that this release does not know.
func kindOf(prose string) string {
	switch strings.ToLower(prose) {
	case "personal access token", string(redact.ClassicToken):
		return classic
	case string(redact.FineGrainedToken):
		return fineGrained
	case "ssh key":
		return sshKey
	case "oauth app token":
		return oauthApp
	case "github app token":
		return githubApp
	}
	return ""
}

func ofKind(wanted string) ask {
	return func(q *question) (Answer, string) {
		kind := kindOf(q.Credential)
		switch {
		case q.Kind != Authorization:
			return No, "it is no authorization"
		case kind == "":
			return Unknown, "GitHub says " + quoted(q.Credential) + ", which this release does not know"
		}
		return yes(kind == wanted), "GitHub says " + q.Credential
	}
}

// scopes asks whether a classic token, or one of an OAuth app, has at least one
// of these scopes, by name: a scope that includes another counts as itself.
func scopes(these []string) ask {
	return func(q *question) (Answer, string) {
		switch kind := kindOf(q.Credential); {
		case q.Kind != Authorization, kind == sshKey, kind == fineGrained, kind == githubApp:
			return No, "it has no scopes"
		case q.Scopes == nil:
			return Unknown, "GitHub does not say its scopes"
		}
		for _, scope := range q.Scopes {
			if containsFold(these, scope) {
				return Yes, "it has " + shown(scope)
			}
		}
		return No, "it has none of them"
	}
}
