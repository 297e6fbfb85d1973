package cli

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// Nothing that is given to sign with is ignored, and nothing is asked of anybody
// before all of it is understood.
func TestKeyFaults(t *testing.T) {
	const outOfPlace = "take it out: it is for "
	for _, c := range []struct {
		name       string
		env        map[string]string
		line, hint string
	}{
		{
			"beside private-key",
			map[string]string{"INPUT_PRIVATE-KEY": testKey(), "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": ""},
			"input key: can't be used with private-key", "give one of them",
		},
		{
			"beside private-key-file",
			map[string]string{"INPUT_PRIVATE-KEY-FILE": "action.go", "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": ""},
			"input private-key-file: ", "give the path of the .pem file",
		},
		{
			"private-key with a setting",
			map[string]string{"INPUT_KEY": "", "INPUT_PRIVATE-KEY": testKey(), "INPUT_VAULT-URL": ""},
			"input vault-role: is for key, and the step has private-key", "take it out, or give key instead",
		},
		{
			"private-key with a fingerprint",
			map[string]string{
				"INPUT_KEY": "", "INPUT_PRIVATE-KEY": testKey(), "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": "",
				"INPUT_KEY-FINGERPRINT": "SHA256:x",
			},
			"input key-fingerprint: is for key, and the step has private-key", "take it out",
		},
		{"settings alone", map[string]string{"INPUT_KEY": ""}, "input key: is empty, and its settings are not", "awskms:///alias/NAME"},
		{
			"settings alone, for Dependabot",
			map[string]string{"INPUT_KEY": "", "GITHUB_ACTOR": "dependabot[bot]"},
			"input key: is empty: Dependabot's runs get Dependabot's own secrets only", "store the key",
		},
		{"white space", map[string]string{"INPUT_KEY": " \n"}, "input key: holds nothing but white space", "leave it out"},
		{"no URI", map[string]string{"INPUT_KEY": "alias/app"}, "input key: is not the URI of a key", "write it as one of awskms://…"},
		{
			"half a URI",
			map[string]string{"INPUT_KEY": "hashivault://"},
			"input key: is not the URI of a key", "write it as hashivault://KEY",
		},
		{
			"another cloud's URI",
			map[string]string{"INPUT_KEY": "kms://x", "INPUT_AWS-REGION": "eu-west-1"},
			"input key: is not the URI of a key", "write it as one of",
		},
		{
			"of AWS",
			map[string]string{"INPUT_AWS-ROLE-TO-ASSUME": awsTestRole},
			"input aws-role-to-assume: is not for a key of hashivault://", outOfPlace + "awskms://",
		},
		{
			"of Google",
			map[string]string{"INPUT_GCP-SERVICE-ACCOUNT": "a@b.example"},
			"input gcp-service-account: is not for a key of hashivault://", outOfPlace + "gcpkms://",
		},
		{
			"of Azure",
			map[string]string{"INPUT_AZURE-TENANT-ID": "contoso.example"},
			"input azure-tenant-id: is not for a key of hashivault://", outOfPlace + "azurekms://",
		},
		{
			"of a vault",
			map[string]string{"INPUT_KEY": "ssh-agent:", "INPUT_VAULT-URL": ""},
			"input vault-role: is not for a key of ssh-agent:", outOfPlace + "hashivault:// or openbao://",
		},
		{
			"an audience for an agent",
			map[string]string{"INPUT_KEY": "ssh-agent:", "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": "", "INPUT_OIDC-AUDIENCE": "x"},
			"input oidc-audience: is not for a key of ssh-agent:",
			outOfPlace + "awskms://, gcpkms://, azurekms://, hashivault:// or openbao://",
		},
		{
			"an audience without a role",
			map[string]string{"INPUT_VAULT-ROLE": "", "VAULT_TOKEN": "hvs." + rand.Text(), "INPUT_OIDC-AUDIENCE": "x"},
			"input oidc-audience: needs vault-role", "name one, or take it out",
		},
		{
			"a path without a role",
			map[string]string{"INPUT_VAULT-ROLE": "", "VAULT_TOKEN": "hvs." + rand.Text(), "INPUT_VAULT-PATH": "github"},
			"input vault-path: needs vault-role", "name one, or take it out",
		},
		{
			"an audience with the keys of AWS",
			map[string]string{
				"INPUT_KEY": "awskms:///alias/app", "INPUT_VAULT-ROLE": "", "INPUT_VAULT-URL": "", "INPUT_OIDC-AUDIENCE": "x",
				"INPUT_AWS-REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": rand.Text(),
			},
			"input oidc-audience: needs aws-role-to-assume", "name one, or take it out",
		},
		{
			"an audience with the token of a file",
			map[string]string{
				"INPUT_KEY": "azurekms://acme/app", "INPUT_VAULT-ROLE": "", "INPUT_VAULT-URL": "", "INPUT_OIDC-AUDIENCE": "x",
				"AZURE_TENANT_ID": "contoso.example", "AZURE_CLIENT_ID": "x", "AZURE_FEDERATED_TOKEN_FILE": "token",
			},
			"input oidc-audience: needs azure-client-id", "name one, or take it out",
		},
		{"no address", map[string]string{"INPUT_VAULT-URL": ""}, "input key: needs the address of the vault", "set vault-url"},
		{
			"a wrong address",
			map[string]string{"INPUT_VAULT-URL": "vault"},
			"input vault-url: is not an http(s) URL", "write it as https://HOST",
		},
		{
			"a wrong role",
			map[string]string{"INPUT_VAULT-ROLE": "a/b"},
			"input vault-role: is not the name of a role", "give the name alone",
		},
		{
			"a wrong fingerprint",
			map[string]string{"INPUT_KEY-FINGERPRINT": "MD5:00"},
			"input key-fingerprint: is neither a PEM nor a fingerprint", "copy the fingerprint from the App's settings page",
		},
		{
			"a wrong token of an earlier step",
			map[string]string{"INPUT_VAULT-ROLE": "", "VAULT_TOKEN": "a b"},
			"input key: VAULT_TOKEN is not a token", "it has spaces",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStep(t, nil)
			keepers := s.withVault()
			s.next(t, c.env)
			s.run(t, "mint")
			line, hint := s.annotation("error")
			if s.exit != exitFailure || !strings.HasPrefix(line, c.line) || !strings.Contains(hint, c.hint) {
				t.Errorf("exit %d, %q, hint %q", s.exit, line, hint)
			}
			if len(keepers.asked) > 0 || s.requests() != "" {
				t.Errorf("asked %v %s", keepers.asked, s.requests())
			}
			keepers.check(t, s)
		})
	}
}

// The key that only signs is an App's, and a token needs none.
func TestKeyBesideAToken(t *testing.T) {
	for _, env := range []map[string]string{{"INPUT_VAULT-ROLE": "", "INPUT_VAULT-URL": ""}, {"INPUT_KEY": ""}} {
		s := newFleetStep(t, 1, oneSecret, map[string]string{"INPUT_TOKEN": "ghs_" + rand.Text(), "INPUT_CLIENT-ID": ""})
		s.withVault()
		s.next(t, env)
		s.run(t, "sync")
		if line, _ := s.annotation("error"); line != "input token: can't be used with client-id, app-id, private-key or key" {
			t.Errorf("exit %d, %s", s.exit, s.log.String())
		}
	}
}

// insecure-http is for the API of GitHub alone.
func TestCustodianByHTTP(t *testing.T) {
	s := newStep(t, map[string]string{"INPUT_INSECURE-HTTP": "true", "INPUT_VAULT-URL": ""})
	c := s.withVault()
	s.env["INPUT_VAULT-URL"] = "http://vault.test"
	s.run(t, "mint")
	line, hint := s.annotation("error")
	sent := slices.Contains(c.asked, "POST vault.test/v1/auth/jwt/login")
	if !strings.Contains(line, "the address from vault-url") || hint != "use https" || sent {
		t.Errorf("exit %d, %q, hint %q, asked %v", s.exit, line, hint, c.asked)
	}
}

// A secret in place of a URI or a setting is masked, and its fault says what to
// do.
func TestSecretsInPlaceOfAKey(t *testing.T) {
	another := anotherKey()
	token := "ghp_" + rand.Text() + rand.Text()
	inBase64 := base64.StdEncoding.EncodeToString([]byte(another))
	const isNone, isPEM = "input key: is not the URI of a key", "input key: is a PEM block, such as a private key, not the URI of a key"
	const isToken = "input key: is a personal access token (classic), not the URI of a key"
	for name, c := range map[string]struct{ input, value, line, hint string }{
		"a PEM":                     {"KEY", another, isPEM, "in private-key"},
		"a PEM in base64":           {"KEY", inBase64, isNone, "in private-key"},
		"a PEM on one line":         {"KEY", strings.ReplaceAll(another, "\n", `\n`), isPEM, "in private-key"},
		"a PEM as a file":           {"KEY", "file:" + another, isNone, "write it as"},
		"a PEM in base64 as a file": {"KEY", "file:" + inBase64, "input key: the file of key can't be read", "RUNNER_TEMP"},
		"a token":                   {"KEY", token, isToken, "in private-key"},
		"a token as a vault key":    {"KEY", "hashivault://" + token, "", ""},
		"a PEM as a fingerprint":    {"KEY-FINGERPRINT", another, "input key-fingerprint: is neither a PEM nor", "settings page"},
		"a token as a role":         {"VAULT-ROLE", token, "", ""},
	} {
		s := newStep(t, nil)
		keepers := s.withVault()
		s.env["INPUT_"+c.input] = c.value
		if strings.HasPrefix(c.value, "file:") {
			s.env["INPUT_VAULT-URL"], s.env["INPUT_VAULT-ROLE"] = "", ""
		}
		s.run(t, "mint")
		line, hint := s.annotation("error")
		if s.exit != exitFailure || !strings.HasPrefix(line, c.line) || !strings.Contains(hint, c.hint) {
			t.Errorf("%s: exit %d, %q, hint %q", name, s.exit, line, hint)
		}
		itself := strings.TrimPrefix(c.value, custody.Scheme(c.value))
		for _, part := range actions.LongLines(redact.New(itself)) {
			masked := strings.Contains(s.log.String(), "::add-mask::"+part.Reveal()+"\n")
			if !masked || strings.Contains(withoutMasks(s.log.String()), part.Reveal()) {
				t.Errorf("%s: it is readable, or not masked, in %s", name, s.log.String())
				break
			}
		}
		keepers.check(t, s)
	}
}

// The URI and the settings of a key are no secrets, and are not masked.
func TestURIsAreNotMasked(t *testing.T) {
	for _, value := range []string{
		"ssh-agent:" + strings.TrimRight(fingerprintOf(&fakegithubtest.Key().PublicKey), "="),
		"awskms:///arn:aws:kms:eu-west-1:111122223333:key/0ea0c3f1-4c4c-4c3f-9d2b-6f3f4f1f7f10",
		"gcpkms://projects/acme-keys/locations/europe-west3/keyRings/apps/cryptoKeys/valetkey/cryptoKeyVersions/1",
		"azurekms://acme-apps/valetkey/0123456789abcdef0123456789abcdef",
	} {
		s := newStep(t, map[string]string{"INPUT_PRIVATE-KEY": "", "INPUT_KEY": value})
		s.run(t, "mint")
		if strings.Contains(s.log.String(), "::add-mask::") {
			t.Errorf("%s: %s", value, s.log.String())
		}
	}
}
