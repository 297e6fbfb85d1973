package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// custody runs the command custody.
func (s *step) custody(t *testing.T, args ...string) (out, log string) {
	t.Helper()
	p := s.process(t)
	var told, failed strings.Builder
	p.Stdout, p.Stderr = &told, &failed
	s.exit = run(t.Context(), p, "custody", args...)
	return told.String(), failed.String()
}

// The check tells each step, up to the first that fails, and mints nothing.
func TestCustodyCheck(t *testing.T) {
	public := fingerprintOf(&fakegithubtest.Key().PublicKey)
	public = strings.TrimRight(public, "=")
	const job = "ok: get the job's OIDC token\n"
	const vaultJob = job + "ok: the token has sub repo:acme/api:ref:refs/heads/main and aud https://github.test/acme\n"
	const awsJob = job + "ok: the token has sub repo:acme/api:ref:refs/heads/main and aud sts.amazonaws.com\n"
	signed := "ok: the signature is one of the key " + public + "\n"
	const taken = "ok: GitHub takes it, and knows the App as \"keeper\"\nnothing is minted\n"
	const vaultSigns = "ok: log in to the vault\nok: sign with the vault's transit engine\n" +
		"ok: get the public key from the vault's transit engine\n"
	for _, c := range []struct {
		name           string
		move           func(*step) *custodians
		prepare        func(*step, *custodians)
		out, log, hint string
	}{
		{
			name: "a vault", move: (*step).withVault,
			out: vaultJob + vaultSigns + signed + "ok: sign with the vault's transit engine\n" + taken + "ok: revoke the vault's token\n",
		},
		{
			name: "AWS", move: (*step).withAWS,
			out: awsJob + "ok: assume the role in AWS\nok: sign with AWS KMS\nok: get the public key from AWS KMS\n" + signed +
				"ok: sign with AWS KMS\n" + taken,
		},
		{
			name: "a private key", move: (*step).withVault,
			prepare: func(s *step, _ *custodians) {
				s.next(t, map[string]string{"INPUT_KEY": "", "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": "", "INPUT_PRIVATE-KEY": testKey()})
			},
			out: signed + taken,
		},
		{
			name: "no OIDC token", move: (*step).withVault,
			prepare: func(s *step, _ *custodians) { s.env["ACTIONS_ID_TOKEN_REQUEST_URL"] = "" },
			log:     "error: get the job's OIDC token: the job has none", hint: "id-token: write",
		},
		{
			name: "a role that is not given", move: (*step).withVault,
			prepare: func(_ *step, c *custodians) {
				c.refuse("vault.test/v1/auth/jwt/login", http.StatusBadRequest,
					`{"errors":["error validating claims: claim \"sub\" does not match"]}`)
			},
			out: vaultJob, log: "error: log in to the vault: the answer is 400",
			hint: "the role valetkey does not admit sub repo:acme/api:ref:refs/heads/main and aud https://github.test/acme",
		},
		{
			name: "no right to sign", move: (*step).withAWS,
			prepare: func(_ *step, c *custodians) {
				c.refuse("kms.eu-west-1.amazonaws.com/", http.StatusBadRequest, `{"__type":"AccessDeniedException"}`)
			},
			out: awsJob + "ok: assume the role in AWS\n",
			log: "error: sign with AWS KMS: the answer is 400", hint: awsTestRole + " may not sign",
		},
		{
			name: "another key than that of the fingerprint", move: (*step).withVault,
			prepare: func(s *step, c *custodians) {
				s.env["INPUT_KEY-FINGERPRINT"] = public + "="
				c.PrivateKey = fakegithubtest.NewKey()
			},
			out: vaultJob + vaultSigns, log: "error: sign with the App's key: it is not the App's key, but one with the fingerprint",
			hint: "import the App's private key",
		},
		{
			name: "a key that GitHub does not know", move: (*step).withVault,
			prepare: func(s *step, _ *custodians) { s.ReplaceKey(917, &fakegithubtest.NewKey().PublicKey) },
			out:     vaultJob + vaultSigns + signed + "ok: sign with the vault's transit engine\n",
			log:     "error: read the App: GitHub answered 401", hint: "key does not belong to the App",
		},
		{
			name: "an input that is wrong", move: (*step).withVault,
			prepare: func(s *step, _ *custodians) { s.env["INPUT_CLIENT-ID"], s.env["INPUT_AWS-REGION"] = "", "eu-west-1" },
			log:     "error: input aws-region: is not for a key of hashivault://", hint: "take it out",
		},
		{
			name: "an input that has another name", move: (*step).withVault,
			prepare: func(s *step, _ *custodians) { s.env["INPUT_VAULT_PATH"] = "github" },
			log:     "error: input vault_path: is not an input of this action", hint: "it is called vault-path here",
		},
	} {
		s := newStep(t, nil)
		keepers := c.move(s)
		if c.prepare != nil {
			c.prepare(s, keepers)
		}
		out, log := s.custody(t, "check")
		out = strings.TrimSuffix(out, "ok: revoke the vault's token\n") // which comes last, however the check ends
		if want := strings.TrimSuffix(c.out, "ok: revoke the vault's token\n"); out != want {
			t.Errorf("%s:\n%swant\n%s", c.name, out, want)
		}
		if (s.exit == exitOK) != (c.log == "") || !strings.Contains(log, c.log) || !strings.Contains(log, c.hint) {
			t.Errorf("%s: exit %d, %s", c.name, s.exit, log)
		}
		if len(s.Tokens()) > 0 {
			t.Errorf("%s: a token was minted", c.name)
		}
		keepers.check(t, s, out, log)
	}
}

func TestCustodyCommandLine(t *testing.T) {
	for line, c := range map[string]struct {
		exit     int
		out, log string
	}{
		"":              {exitUsage, "", "error: custody takes the word check"},
		"chekc":         {exitUsage, "", "error: custody takes the word check"},
		"check awskms:": {exitUsage, "", `error: custody check takes no arguments, and "awskms:" is one`},
		"-h":            {exitOK, "usage: valetkey custody check", ""},
		"check -h":      {exitOK, "\n  aws-role-to-assume\n", ""},
	} {
		s := newStep(t, nil)
		keepers := s.withVault()
		out, log := s.custody(t, strings.Fields(line)...)
		if s.exit != c.exit || !strings.Contains(out, c.out) || !strings.Contains(log, c.log) || len(keepers.asked) > 0 {
			t.Errorf("custody %s: exit %d, %s%s", line, s.exit, out, log)
		}
		if c.exit == exitOK && strings.Contains(out, "\n  repositories\n") {
			t.Errorf("custody %s names inputs that it does not read: %s", line, out)
		}
	}
}
