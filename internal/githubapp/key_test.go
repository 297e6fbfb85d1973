package githubapp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

func pemOf(t testing.TB, label string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// pasted returns a good key in each form that people paste.
func pasted(t testing.TB) map[string]string {
	one := pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(fakegithubtest.Key()), nil)
	der, err := x509.MarshalPKCS8PrivateKey(fakegithubtest.Key())
	eight := pemOf(t, "PRIVATE KEY", der, err)
	forms := map[string]string{"DER in base64": base64.StdEncoding.EncodeToString(der)}
	for kind, text := range map[string]string{"PKCS#1": one, "PKCS#8": eight} {
		std := base64.StdEncoding.EncodeToString([]byte(text))
		var wrapped strings.Builder
		for i := 0; i < len(std); i += 76 {
			wrapped.WriteString(std[i:min(i+76, len(std))] + "\n")
		}
		for form, v := range map[string]string{
			"as it is":                  text,
			"CRLF":                      strings.ReplaceAll(text, "\n", "\r\n"),
			"CR":                        strings.ReplaceAll(text, "\n", "\r"),
			"escaped":                   strings.ReplaceAll(text, "\n", `\n`),
			"escaped CRLF":              strings.ReplaceAll(text, "\n", `\r\n`),
			"escaped twice":             strings.ReplaceAll(text, "\n", `\\n`),
			"escaped and quoted":        `"` + strings.ReplaceAll(text, "\n", `\n`) + `"`,
			"single quotes":             "'" + text + "'",
			"white space around":        "\n\t " + text + " \n\n",
			"indented":                  strings.ReplaceAll(text, "\n", "\n    "),
			"newlines became spaces":    strings.ReplaceAll(text, "\n", " "),
			"newlines lost":             strings.ReplaceAll(text, "\n", ""),
			"BOM":                       "\ufeff" + text,
			"text before it":            "Bag Attributes\n    friendlyName: key\n" + text,
			"base64":                    std,
			"base64 wrapped":            wrapped.String(),
			"base64 without padding":    strings.TrimRight(std, "="),
			"base64url":                 base64.URLEncoding.EncodeToString([]byte(text)),
			"base64 quoted":             `"` + std + `"`,
			"base64 of an escaped form": base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(text, "\n", `\n`))),
		} {
			forms[kind+", "+form] = v
		}
	}
	return forms
}

func TestParseKeyTakesWhatPeoplePaste(t *testing.T) {
	for form, text := range pasted(t) {
		t.Run(form, func(t *testing.T) {
			key, err := ParseKey(redact.New(text))
			if err != nil {
				t.Fatal(err)
			}
			if !fakegithubtest.Key().Equal(key) {
				t.Error("it is another key")
			}
		})
	}
}

// otherTexts returns texts that people paste in place of a key, with the
// problem that the error names.
func otherTexts(t *testing.T) map[string]struct{ text, want string } {
	good := pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(fakegithubtest.Key()), nil)
	public, err := x509.MarshalPKIXPublicKey(&fakegithubtest.Key().PublicKey)
	publicPEM := pemOf(t, "PUBLIC KEY", public, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := x509.MarshalECPrivateKey(curve)
	ecPEM := pemOf(t, "EC PRIVATE KEY", ec, err)
	ec8, err := x509.MarshalPKCS8PrivateKey(curve)
	ec8PEM := pemOf(t, "PRIVATE KEY", ec8, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, err := x509.MarshalPKCS8PrivateKey(edwards)
	edPEM := pemOf(t, "PRIVATE KEY", ed, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]struct{ text, want string }{
		"empty":         {"", "is empty"},
		"white space":   {" \n\t", "is empty"},
		"garbage":       {"not a key at all", "is not a private key: it has no -----BEGIN … PRIVATE KEY----- line"},
		"a path":        {"/home/runner/key.pem", "is not a private key: it has no -----BEGIN … PRIVATE KEY----- line"},
		"huge":          {strings.Repeat("A", maxKeyText+1), "is larger than any private key"},
		"cut off":       {good[:len(good)/2], "is cut off: the -----END … PRIVATE KEY----- line is missing"},
		"lines missing": {strings.Replace(good, good[200:330], "", 1), "is damaged: it is a PEM, but no key can be read from it"},
		"other characters": {
			strings.Replace(good, good[200:204], "%%%%", 1), "is damaged: the text between its BEGIN and END lines is not base64",
		},
		"passphrase": {
			strings.Replace(good, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1),
			"is protected by a passphrase",
		},
		"PKCS#8 encrypted": {strings.ReplaceAll(good, "RSA PRIVATE", "ENCRYPTED PRIVATE"), "is protected by a passphrase"},
		"public":           {publicPEM, "is a public key, not a private one"},
		"public, escaped":  {strings.ReplaceAll(publicPEM, "\n", `\n`), "is a public key, not a private one"},
		"certificate":      {strings.ReplaceAll(good, "RSA PRIVATE KEY", "CERTIFICATE"), "is a certificate, not a private key"},
		"elliptic":         {ecPEM, "is not an RSA key"},
		"elliptic PKCS#8":  {ec8PEM, "is not an RSA key"},
		"Ed25519":          {edPEM, "is not an RSA key"},
		"OpenSSH":          {strings.ReplaceAll(good, "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"), "is an SSH key, not an App's private key"},
		"too short": {
			pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small), nil),
			"is an RSA key of under 2048 bits, and GitHub makes no such keys",
		},
		"SSH public key":   {"ssh-ed25519 AAAA" + rand.Text(), "is an SSH public key, not a private key"},
		"security key":     {"sk-ssh-ed25519@openssh.com AAAA" + rand.Text(), "is an SSH public key, not a private key"},
		"age recipient":    {"age1" + strings.ToLower(rand.Text()), "is an age recipient, not a private key"},
		"classic PAT":      {"ghp_" + rand.Text(), "is a personal access token (classic), not a private key"},
		"fine-grained PAT": {"github_pat_" + rand.Text(), "is a fine-grained personal access token, not a private key"},
		"installation":     {"ghs_" + rand.Text(), "is an installation token, not a private key"},
		"client id":        {"Iv23li" + rand.Text()[:14], "is a client id, not a private key"},
		"client secret":    {strings.Repeat("0a", 20), "looks like a client secret, not a private key"},
		"fingerprint":      {"SHA256:" + rand.Text(), "is a key's fingerprint, not a private key"},
	}
}

func TestParseKeyNamesWhatElseIsPasted(t *testing.T) {
	for name, c := range otherTexts(t) {
		t.Run(name, func(t *testing.T) {
			key, err := ParseKey(redact.New(c.text))
			var wrong *fault.Error
			if key != nil || !errors.As(err, &wrong) {
				t.Fatalf("got %v, %v", key, err)
			}
			if wrong.Problem != c.want {
				t.Errorf("got %q, want %q", wrong.Problem, c.want)
			}
			if wrong.Hint == "" {
				t.Error("there is no hint")
			}
			if len(c.text) > 30 && strings.Contains(err.Error()+wrong.Hint, c.text[10:30]) {
				t.Error("the error repeats what was pasted")
			}
		})
	}
}

// Whatever is accepted signs a JWT that verifies.
func FuzzParseKey(f *testing.F) {
	for _, text := range pasted(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(redact.New(text))
		if err != nil {
			if key != nil {
				t.Error("a key and an error")
			}
			return
		}
		signed, err := (&signer{issuer: "1", key: key, clock: &clock{}, onJWT: func(redact.String) {}}).Sign(&jwt.RegisteredClaims{})
		if err != nil {
			t.Fatal(err)
		}
		public := func(*jwt.Token) (any, error) { return key.Public(), nil }
		if _, err := jwt.Parse(signed, public, jwt.WithValidMethods([]string{"RS256"})); err != nil {
			t.Error(err)
		}
	})
}
