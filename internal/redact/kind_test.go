package redact_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestKindOf(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text   string
		want   redact.Kind
		secret bool // nothing but one
		quoted bool // a message may repeat it
	}{
		{text: "ghp_" + rand.Text(), want: redact.ClassicToken, secret: true},
		{text: "github_pat_" + rand.Text(), want: redact.FineGrainedToken, secret: true},
		{text: "gho_" + rand.Text(), want: redact.OAuthToken, secret: true},
		{text: "ghu_" + rand.Text(), want: redact.UserToken, secret: true},
		{text: "GHS_" + rand.Text(), want: redact.InstallationToken, secret: true},
		{text: "ghr_" + rand.Text(), want: redact.RefreshToken, secret: true},
		{text: "glpat-" + rand.Text(), want: redact.GitLabToken, secret: true},
		{text: identity.String(), want: redact.AgeIdentity, secret: true},
		{text: strings.ToLower(identity.String()), want: redact.AgeIdentity, secret: true},
		{text: "-----BEGIN RSA " + "PRIVATE KEY-----", want: redact.PEM, secret: true},
		{text: "eyJ" + rand.Text(), want: redact.JWT, secret: true},
		{text: "eyj" + rand.Text(), quoted: true},
		{text: "AGE-PLUGIN-YUBIKEY-1" + rand.Text(), want: redact.AgePlugin, quoted: true},
		{text: identity.Recipient().String(), want: redact.AgeRecipient},
		{text: strings.ToUpper(identity.Recipient().String())},
		{text: "age-encryption.org/v1\n-> X25519 ", want: redact.AgeFile, quoted: true},
		{text: "ssh-ed25519 AAAA" + rand.Text(), want: redact.SSHPublicKey, quoted: true},
		{text: "sk-ssh-ed25519@openssh.com AAAA", want: redact.SSHPublicKey, quoted: true},
		{text: "sk-ecdsa-sha2-nistp256@openssh.com AAAA", want: redact.SSHPublicKey, quoted: true},
		{text: "ecdsa-sha2-nistp256 AAAA", want: redact.SSHPublicKey, quoted: true},
		{text: "sk-" + rand.Text(), quoted: true}, // a key of somebody's API
		{text: "x=ghs_" + rand.Text(), secret: true},
		{text: "ghp_", want: redact.ClassicToken},
		{text: "v1." + strings.Repeat("0a", 20)},
		{text: rand.Text() + strings.ToLower(rand.Text())},
		{text: strings.Repeat("0a", 16)},
		{text: "PRODUCTION_DATABASE_CONNECTION_URL", quoted: true},
		{text: "eyjafjallajokull", quoted: true}, // small: no JWT
		{text: "acme/api", quoted: true},
		{text: "", quoted: true},
	} {
		if got := redact.KindOf(c.text); got != c.want {
			t.Errorf("KindOf(%.12q…) is %q, want %q", c.text, got, c.want)
		}
		if got := redact.IsSecret(c.text); got != c.secret {
			t.Errorf("IsSecret(%.12q…) is %v", c.text, got)
		}
		if got := redact.MayBeSecret(c.text); got == c.quoted {
			t.Errorf("MayBeSecret(%.12q…) is %v", c.text, got)
		}
		if got := c.want.IsSecret(); c.secret && c.want != "" && !got || !c.secret && len(c.text) > 20 && got {
			t.Errorf("a text that begins as %.12q… is a secret: %v", c.text, got)
		}
		if !strings.HasPrefix(strings.ToLower(c.text), strings.ToLower(c.want.Prefix())) && c.want != redact.SSHPublicKey {
			t.Errorf("the prefix of %q is %q", c.want, c.want.Prefix())
		}
	}
}

// A whole token has the prefix in GitHub's spelling, enough characters, and
// nothing else around it.
func TestTokenKind(t *testing.T) {
	rest := rand.Text()
	for text, want := range map[string]redact.Kind{
		"ghp_" + rest:                       redact.ClassicToken,
		"github_pat_" + rest:                redact.FineGrainedToken,
		"ghs_1_eyJ" + rest + ".x-_." + rest: redact.InstallationToken,
		"ghr_" + rest:                       redact.RefreshToken,
		"GHP_" + rest:                       "",
		"ghp_" + rest[:19]:                  "",
		"ghp_" + rest + `"`:                 "",
		"ghp_" + rest + "\n":                "",
		" ghp_" + rest:                      "",
		"x=ghp_" + rest:                     "",
		"ghp_" + rest + " ghp_" + rest:      "",
		"glpat-" + rest:                     "",
		"eyJ" + rest:                        "",
		strings.Repeat("0a", 20):            "",
		"v1." + strings.Repeat("0a", 20):    "",
		rest:                                "",
		"":                                  "",
	} {
		if got := redact.TokenKind(text); got != want {
			t.Errorf("TokenKind(%.12q…) is %q, want %q", text, got, want)
		}
	}
	for kind, want := range map[redact.Kind]bool{
		redact.ClassicToken: true, redact.FineGrainedToken: true, redact.OAuthToken: true, redact.UserToken: true,
		redact.RefreshToken:      true,
		redact.InstallationToken: false, redact.GitLabToken: false, redact.JWT: false, "": false,
	} {
		if kind.IsPersonal() != want {
			t.Errorf("%q acts for a person: %v", kind, !want)
		}
	}
}

func TestKindInASentence(t *testing.T) {
	for kind, want := range map[redact.Kind]string{
		redact.OAuthToken:        "an OAuth token",
		redact.InstallationToken: "an installation token",
		redact.UserToken:         "a user access token",
		redact.AgeIdentity:       "an age identity",
		redact.SSHPublicKey:      "an SSH public key",
		redact.PEM:               "a PEM block, such as a private key",
	} {
		if got := kind.WithArticle(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if redact.AgeIdentity.IsToken() || redact.JWT.IsToken() || redact.Kind("").IsToken() || !redact.RefreshToken.IsToken() {
		t.Error("IsToken does not tell GitHub's tokens from the rest")
	}
}

func TestForms(t *testing.T) {
	old := strings.Repeat("0a", 20)
	for _, c := range []struct {
		text                          string
		word, token, ofAnInstallation bool
	}{
		{text: "", word: false},
		{text: "!~", word: true},
		{text: "two words"},
		{text: "word\n"},
		{text: "wörd"},
		{text: "word\x7f"},
		{text: old, word: true, token: true},
		{text: old[1:], word: true},
		{text: old[1:] + "A", word: true},
		{text: "v1." + old, word: true, ofAnInstallation: true},
		{text: "v1." + old + "0", word: true},
	} {
		if got := redact.IsWord(c.text); got != c.word {
			t.Errorf("IsWord(%q) is %v", c.text, got)
		}
		if got := redact.IsOldToken(c.text); got != c.token {
			t.Errorf("IsOldToken(%q) is %v", c.text, got)
		}
		if got := redact.IsOldInstallationToken(c.text); got != c.ofAnInstallation {
			t.Errorf("IsOldInstallationToken(%q) is %v", c.text, got)
		}
	}
}
