package cli

import (
	"encoding/base64"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// endable returns the kind of a token that somebody who holds it can end, or
// else what the text is and what to do about it. An installation token ends
// itself by DELETE /installation/token: GitHub answers 401 to anything else
// there, and also to a token that is gone already, so a text has to be
// recognized by its look before it is sent. A token of a person is ended by its
// value. Problem and hint repeat nothing of the text.
func endable(text string) (kind redact.Kind, problem, hint string) {
	const pass = "pass the output token of valetkey as it is"
	if kind := redact.TokenKind(text); kind != "" {
		return kind, "", ""
	}
	switch kind := redact.KindOf(text); {
	case redact.IsOldInstallationToken(text):
		return redact.InstallationToken, "", ""
	case isEnvelope(text):
		return "", "is an encrypted token", "pass it as encrypted-token, with the private-key, identity or passphrase that opens it"
	case kind == redact.PEM || kind == redact.AgeIdentity:
		return "", "is a private key and not a token: " + string(kind),
			"if it leaked, make a new one and delete it where it was registered; " + pass
	case !redact.IsWord(text):
		return "", "is not a token: it has white space or other characters that no token has", pass
	case kind == redact.InstallationToken:
		return "", "is not a whole installation token: it is cut short or changed", pass
	case kind.IsToken():
		return "", "is not a whole " + string(kind) + ": it is cut short or changed", "give the whole token, as GitHub showed it"
	case redact.IsOldToken(text):
		return "", "is a personal access token (classic) from before 2021, or not a token at all",
			"GitHub ends such a token for nobody but its owner, who deletes it under Settings, Developer settings, Personal access tokens"
	case kind == redact.JWT:
		return "", "is a JSON web token, which ends by itself within minutes", pass
	case kind != "":
		return "", "is " + kind.WithArticle() + ", and not a GitHub token", pass
	}
	return "", "is not a GitHub token", pass
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
