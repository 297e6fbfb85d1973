package redact

import (
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
)

// Kind is the kind of a text, judged by its look, in the words for a message.
// The zero value is a text of no known look.
type Kind string

// The kinds. GitHub's tokens are known by their prefixes:
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

	AgePlugin    Kind = "age plugin's identity" // it says where the key is, and is not a key
	AgeRecipient Kind = "age recipient"
	AgeFile      Kind = "age file"
	SSHPublicKey Kind = "SSH public key"
)

// beginnings are the prefixes of the kinds, as the programs that make such
// texts write them. No other package spells one: a test checks that.
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

// index returns where a text has the beginning, or -1; lower is the same text
// in lower case. Secrets are found in any case, since people paste them into
// inputs after other programs have changed the case. Only for a JWT the case is
// part of the look.
func (b beginning) index(text, lower string) int {
	if b.secret && b.kind != JWT {
		return strings.Index(lower, strings.ToLower(b.prefix))
	}
	return strings.Index(text, b.prefix)
}

// KindOf returns the kind of a text, judged by its first characters.
func KindOf(text string) Kind {
	text = text[:min(len(text), 20)]
	lower := strings.ToLower(text)
	for _, b := range beginnings {
		if b.index(text, lower) == 0 {
			return b.kind
		}
	}
	return ""
}

// Prefix returns the prefix of texts of the kind, the first one if there are
// several.
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

// IsToken reports whether texts of the kind are tokens that GitHub made.
func (k Kind) IsToken() bool {
	switch k {
	case ClassicToken, FineGrainedToken, OAuthToken, UserToken, InstallationToken, RefreshToken:
		return true
	}
	return false
}

// IsPersonal reports whether texts of the kind are tokens of GitHub that act
// for a person, and not for an App alone.
func (k Kind) IsPersonal() bool { return k.IsToken() && k != InstallationToken }

// TokenKind returns the kind of a text that is one whole token of GitHub by its
// look: the prefix as GitHub writes it, then enough characters of those that a
// token has, and nothing else. It returns "" for any other text, and for the
// forms of before 2021, which have no prefix.
func TokenKind(text string) Kind {
	k := KindOf(text)
	rest, ok := strings.CutPrefix(text, k.Prefix())
	if !k.IsToken() || !ok || len(rest) < minSecret || strings.ContainsFunc(rest, notInToken) {
		return ""
	}
	return k
}

func notInToken(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("._-", r) }

// WithArticle returns the kind with its article, for a sentence: "an OAuth
// token".
func (k Kind) WithArticle() string {
	if k == SSHPublicKey || k != "" && strings.ContainsRune("aeioAEIO", rune(k[0])) { // a user access token
		return "an " + string(k)
	}
	return "a " + string(k)
}

// minSecret is how many characters after a prefix make a word a secret; the
// shortest token has 36.
const minSecret = 20

// IsSecret reports whether a word is certainly a token or a key. Such a word
// could otherwise pass for the name of an account, a repository or a variable.
func IsSecret(word string) bool {
	lower := strings.ToLower(word)
	for _, b := range beginnings {
		if i := b.index(word, lower); b.secret && i >= 0 && (b.kind == PEM || len(word) >= i+len(b.prefix)+minSecret) {
			return true
		}
	}
	return false
}

// MayBeSecret reports whether a text from a user could be a secret in the wrong
// place, so that no message may repeat it: it holds the beginning of a token or
// a key, or 32 characters without structure. Letters of one case without a
// digit are a name, such as PRODUCTION_DATABASE_CONNECTION_URL.
func MayBeSecret(text string) bool {
	lower := strings.ToLower(text)
	for _, b := range beginnings {
		if b.secret && b.index(text, lower) >= 0 {
			return true
		}
	}
	if strings.Contains(text, "-----") || strings.Contains(text, "v1.") && oldInstallationToken.Matches(text) {
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

// oldInstallationToken is the form of installation tokens before 2021, which
// Enterprise Servers made for longer.
var oldInstallationToken = pattern.Pattern{Text: `\bv1\.[0-9a-f]{8}`}

// IsOldToken reports whether a text has the form of classic tokens before 2021,
// 40 hexadecimal digits. The client secret of an App has it, too.
func IsOldToken(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
}

// IsOldInstallationToken reports whether a text has the form of installation
// tokens before 2021, which an Enterprise Server of that time still makes.
func IsOldInstallationToken(text string) bool {
	digits, ok := strings.CutPrefix(text, "v1.")
	return ok && IsOldToken(digits)
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
