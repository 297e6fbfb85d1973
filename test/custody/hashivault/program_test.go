package hashivault_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/test/custody/step"
)

// program returns a job whose program signs in the vault.
func (v *vault) program(tb testing.TB) *step.Job {
	tb.Helper()
	address, bearer := v.issuer.Start(job)
	return step.NewJob(tb, &v.key.PublicKey,
		map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer},
		map[string]string{"key": "hashivault://" + keyName, "vault-url": v.url, "vault-role": role})
}

// The program mints by one signature, and leaves no token of the vault behind.
func TestProgram(t *testing.T) {
	v := newVault(t)
	j := v.program(t)
	j.MintAndPost(func() []string {
		return append(v.issuer.Issued(), append(v.given, j.Env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])...)
	})
	want := []string{
		"POST auth/jwt/login", "POST transit/sign/" + keyName + "/sha2-256", "GET transit/keys/" + keyName,
		"POST auth/token/revoke-self",
	}
	if !slices.Equal(v.log, want) || v.alive() != 0 {
		t.Errorf("the vault was asked for %q, want %q; %d tokens are alive", v.log, want, v.alive())
	}
}

// The check of the program tells each step, and the first that fails.
func TestProgramChecks(t *testing.T) {
	v := newVault(t)
	j := v.program(t)
	for fingerprint, want := range map[string]string{
		"": "", step.Fingerprint(&v.key.PublicKey): "",
		step.Fingerprint(&newKey(t).PublicKey): "sign with the App's key: it is not the App's key",
	} {
		j.Inputs["key-fingerprint"] = fingerprint
		told, failure := j.Check()
		taken := strings.Contains(told, "ok: GitHub takes it, and knows the App as \"keeper\"\nnothing is minted\n")
		who := strings.Contains(told, "has sub "+job.Subject()+" and aud "+audience)
		if taken != (want == "") || !strings.HasPrefix(failure, want) || !who {
			t.Errorf("with %q: %s%s", fingerprint, told, failure)
		}
	}
	if v.alive() != 0 || len(j.GitHub.Tokens()) != 0 {
		t.Errorf("%d tokens of the vault are alive, %d were minted", v.alive(), len(j.GitHub.Tokens()))
	}
}
