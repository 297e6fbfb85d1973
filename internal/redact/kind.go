package redact

import (
	"regexp"
	"strings"
	"sync"
)

// Kind is what a text is by its look, in the words that a message has for it.
// The zero value is a text of no known look.
type Kind string

// The kinds. GitHub's tokens are told by their prefixes:
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
const (
	ClassicToken      Kind = "personal access token (classic)"
	FineGrainedToken  Kind = "fine-grained personal access token"
	OAuthToken        Kind = "OAuth token"
	UserToken         Kind = "user access token"
	InstallationToken Kind = "installation token"
	RefreshToken      Kind = "refresh token"
	GitLabToken       Kind = "token of GitLab"
	AgeIdentity       Kind = "age identity"
	PEM               Kind = "PEM block, such as a private key"
	JWT               Kind = "JSON web token"
)

// prefixes are in lower case, since people paste tokens into inputs that other
// programs have changed the case of.
var prefixes = []struct {
	prefix string
	kind   Kind
}{
	{"ghp_", ClassicToken},
	{"github_pat_", FineGrainedToken},
	{"gho_", OAuthToken},
	{"ghu_", UserToken},
	{"ghs_", InstallationToken},
	{"ghr_", RefreshToken},
	{"glpat-", GitLabToken},
	{"age-secret-key-", AgeIdentity},
	{"-----begin", PEM},
	{"eyj", JWT},
}

// KindOf tells by its first characters, in any case, what a text is.
func KindOf(text string) Kind {
	lower := strings.ToLower(text[:min(len(text), 20)])
	for _, p := range prefixes {
		if strings.HasPrefix(lower, p.prefix) && (p.kind != JWT || strings.HasPrefix(text, "eyJ")) {
			return p.kind
		}
	}
	return ""
}

// IsToken reports whether it is a token that GitHub made.
func (k Kind) IsToken() bool {
	switch k {
	case ClassicToken, FineGrainedToken, OAuthToken, UserToken, InstallationToken, RefreshToken:
		return true
	}
	return false
}

// WithArticle returns the kind as it stands in a sentence: "an OAuth token".
func (k Kind) WithArticle() string {
	if k != "" && strings.ContainsRune("aeioAEIO", rune(k[0])) { // a user access token
		return "an " + string(k)
	}
	return "a " + string(k)
}

// enough is how many characters behind a prefix make a secret of a word; the
// shortest token has 36.
const enough = 20

// IsSecret reports whether a word can be nothing but a token or a key. It would
// otherwise pass for the name of an account, a repository or a variable.
func IsSecret(word string) bool {
	lower := strings.ToLower(word)
	for _, p := range prefixes {
		i := strings.Index(lower, p.prefix)
		switch {
		case i < 0, p.kind == JWT && !strings.Contains(word, "eyJ"):
		case p.kind == PEM, len(word) >= i+len(p.prefix)+enough:
			return true
		}
	}
	return false
}

// MayBeSecret reports whether a text that somebody gave could be a secret in the
// wrong place, so that no message may repeat it: it holds the beginning of a token
// or a key, or 32 characters without structure. Letters of one case without a digit
// are a name, such as PRODUCTION_DATABASE_CONNECTION_URL.
func MayBeSecret(text string) bool {
	lower := strings.ToLower(text)
	for _, p := range prefixes {
		if strings.Contains(lower, p.prefix) && (p.kind != JWT || strings.Contains(text, "eyJ")) {
			return true
		}
	}
	if strings.Contains(text, "-----") || oldInstallationToken().MatchString(text) {
		return true
	}
	oneCase := text == lower || text == strings.ToUpper(text)
	if oneCase && !strings.ContainsAny(text, "0123456789") {
		return false
	}
	run := 0
	for _, r := range text {
		if run++; !isAlphanumeric(r) && !strings.ContainsRune("+/_", r) {
			run = 0
		}
		if run == 32 {
			return true
		}
	}
	return false
}

// oldInstallationToken is the form of before 2021, which Enterprise Servers made
// for longer. It is compiled when something is wrong, which it mostly is not.
var oldInstallationToken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bv1\.[0-9a-f]{8}`)
})

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
