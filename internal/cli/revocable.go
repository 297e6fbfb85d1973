package cli

import (
	"encoding/base64"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// notRevocable returns why a text is not an installation token, the only kind
// that the revoke action can end, and "" if it is one. DELETE
// /installation/token ends the token that sends it. GitHub answers 401 to
// anything else, and also to a token that is gone already, so the text has to
// be recognized by its look before it is sent.
func notRevocable(text string) (problem, hint string) {
	const pass = "pass the output token of valetkey as it is"
	switch kind := redact.KindOf(text); {
	case isEnvelope(text):
		return "is an encrypted token", "pass it as encrypted-token, with the private-key, identity or passphrase that opens it"
	case kind == redact.PEM || kind == redact.AgeIdentity:
		return "is a private key and not a token: " + string(kind),
			"if it leaked, make a new one and delete it where it was registered; " + pass
	case !redact.IsWord(text):
		return "is not a token: it has white space or other characters that no token has", pass
	case kind == redact.InstallationToken && strings.HasPrefix(text, kind.Prefix()) && redact.IsSecret(text),
		redact.IsOldInstallationToken(text):
		return "", ""
	case kind == redact.InstallationToken:
		return "is not a whole installation token: it is cut short or changed", pass
	case kind == redact.ClassicToken || kind == redact.FineGrainedToken:
		return "is " + kind.WithArticle() + ", which this action can't end",
			"its owner deletes it under Settings, Developer settings, Personal access tokens; " +
				"if it leaked, anybody can revoke it with POST /credentials/revoke"
	case kind == redact.OAuthToken || kind == redact.UserToken || kind == redact.RefreshToken:
		return "is " + kind.WithArticle() + ", which this action can't end",
			"its user revokes the App under Settings, Applications; if it leaked, anybody can revoke it with POST /credentials/revoke"
	case redact.IsOldToken(text):
		return "is a personal access token (classic) from before 2021, or not a token at all",
			"its owner deletes it under Settings, Developer settings, Personal access tokens"
	case kind == redact.JWT:
		return "is a JSON web token, which ends by itself within minutes", pass
	}
	return "is not an installation token", pass
}

// isEnvelope reports whether a text is a token in its encrypted form: an age
// file in base64 or in armour, or both.
func isEnvelope(text string) bool {
	armour := redact.PEM.Prefix() + " AGE ENCRYPTED FILE"
	for _, begin := range []string{redact.AgeFile.Prefix(), armour} {
		begin = begin[:len(begin)-len(begin)%3] // whole groups of base64
		if strings.HasPrefix(text, base64.StdEncoding.EncodeToString([]byte(begin))) {
			return true
		}
	}
	return strings.HasPrefix(text, armour)
}
