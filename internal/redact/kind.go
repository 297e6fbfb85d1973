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

	AgePlugin    Kind = "age plugin's identity" // it names a key, and is not the key
	AgeRecipient Kind = "age recipient"
	AgeFile      Kind = "age file"
	SSHPublicKey Kind = "SSH public key"
)

// beginnings lists how texts of a kind begin, as their makers write it. Nothing
// else has such a list: a test reads the other packages.
var beginnings = []beginning{
	{"ghp_", ClassicToken, secret},
	{"github_pat_", FineGrainedToken, secret},
	{"gho_", OAuthToken, secret},
	{"ghu_", UserToken, secret},
	{"ghs_", InstallationToken, secret},
	{"ghr_", RefreshToken, secret},
	{"glpat-", GitLabToken, secret},
	{"AGE-SECRET-KEY-", AgeIdentity, secret},
	{"-----BEGIN", PEM, secret},
	{"eyJ", JWT, secret},

	{"AGE-PLUGIN-", AgePlugin, public},
	{"age1", AgeRecipient, public},
	{"age-encryption.org/", AgeFile, public},
	{"ssh-", SSHPublicKey, public},
	{"ecdsa-sha2-", SSHPublicKey, public},
	{"sk-ssh-", SSHPublicKey, public},
	{"sk-ecdsa-", SSHPublicKey, public},
}

type beginning struct {
	prefix string
	kind   Kind
	secret bool
}

const secret, public = true, false

// in returns the index of the beginning in a text, or -1. Secrets are found in any
// case, since other programs may have changed the case of what people paste; only
// a JWT is told by its case. lower is the text in lower case.
func (b beginning) in(text, lower string) int {
	if b.secret && b.kind != JWT {
		return strings.Index(lower, strings.ToLower(b.prefix))
	}
	return strings.Index(text, b.prefix)
}

// KindOf tells by its first characters what a text is.
func KindOf(text string) Kind {
	text = text[:min(len(text), 20)]
	lower := strings.ToLower(text)
	for _, b := range beginnings {
		if b.in(text, lower) == 0 {
			return b.kind
		}
	}
	return ""
}

// Prefix returns how texts of the kind begin, as their makers write it. If there
// are several ways, it is the first.
func (k Kind) Prefix() string { return k.beginning().prefix }

// IsSecret reports whether texts of the kind have to be kept secret.
func (k Kind) IsSecret() bool { return k.beginning().secret }

func (k Kind) beginning() beginning {
	for _, b := range beginnings {
		if b.kind == k {
			return b
		}
	}
	return beginning{}
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
	if k == SSHPublicKey || k != "" && strings.ContainsRune("aeioAEIO", rune(k[0])) { // a user access token
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
	for _, b := range beginnings {
		if i := b.in(word, lower); b.secret && i >= 0 && (b.kind == PEM || len(word) >= i+len(b.prefix)+enough) {
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
	for _, b := range beginnings {
		if b.secret && b.in(text, lower) >= 0 {
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

// IsOldToken reports whether a text has the form of classic tokens of before 2021:
// 40 hexadecimal digits. Client secrets of Apps have the same form.
func IsOldToken(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
}

// IsOldInstallationToken reports whether a text has the form of installation
// tokens of before 2021, which an Enterprise Server of that time still makes.
func IsOldInstallationToken(text string) bool {
	digits, ok := strings.CutPrefix(text, "v1.")
	return ok && IsOldToken(digits)
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
