package hashivault_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/test/custody/issuer"
	"github.com/valetkey/valetkey/test/custody/step"
)

// step opens the key in a job of the issuer, with the role.
func (v *vault) step(tb testing.TB, j issuer.Job, uri string, inputs func(*custody.Config)) *step.Step {
	tb.Helper()
	address, bearer := v.issuer.Start(j)
	return step.Open(tb, uri, map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer, "VAULT_ADDR": v.url,
	}, func(config *custody.Config) {
		config.Vault.Role = role
		if inputs != nil {
			inputs(config)
		}
	})
}

// The job takes the role, mints, and leaves no token behind.
func TestMint(t *testing.T) {
	for _, scheme := range []string{"hashivault://", "openbao://"} {
		v := newVault(t)
		s := v.step(t, job, scheme+keyName, nil)
		if err := s.Mint(&v.key.PublicKey); err != nil {
			t.Fatal(err)
		}
		s.Kept(append(v.issuer.Issued(), v.given...)...)
		if v.alive() != 1 {
			t.Errorf("%d tokens are alive before the end", v.alive())
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if v.alive() != 0 {
			t.Errorf("%d tokens are alive after the end", v.alive())
		}
		want := []string{
			"POST auth/jwt/login", "POST transit/sign/" + keyName + "/sha2-256", "GET transit/keys/" + keyName,
			"POST auth/token/revoke-self",
		}
		if !slices.Equal(v.log, want) {
			t.Errorf("the vault was asked for %q, want %q", v.log, want)
		}
	}
}

// Engines may be mounted elsewhere, and in a namespace.
func TestPaths(t *testing.T) {
	v := newVaultAt(t, "admin/platform", "github-jwt", "app/transit")
	in := func(namespace, path, transit string) func(*custody.Config) {
		return func(c *custody.Config) { c.Vault.Namespace, c.Vault.Path, c.Vault.Transit = namespace, path, transit }
	}
	s := v.step(t, job, "hashivault://"+keyName, in("admin/platform/", "github-jwt", "app/transit"))
	if err := s.Mint(&v.key.PublicKey); err != nil {
		t.Fatal(err)
	}
	for name, inputs := range map[string]func(*custody.Config){
		"vault-path":                 in("admin/platform", "jwt", "app/transit"),
		"vault-namespace":            in("", "github-jwt", "app/transit"),
		"TRANSIT_SECRET_ENGINE_PATH": in("admin/platform", "github-jwt", "other"),
	} {
		s := v.step(t, job, "hashivault://"+keyName, inputs)
		s.Refused(s.Sign(&v.key.PublicKey), name)
	}
}

// A role may name the branch, the environment, or only ids that never change,
// and each form of sub is another subject.
func TestRoles(t *testing.T) {
	byID, branch, branchByID, stranger := job, job, job, job
	byID.IDs, branch.Environment, branchByID.Environment, branchByID.IDs, stranger.Repository = true, "", "", true, "website"
	stranger.RepositoryID, stranger.IDs = 778, true
	otherBranch := branch
	otherBranch.Branch = "feature"
	claims := func(claims map[string]any) map[string]any {
		return map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": audience, "bound_claims": claims}
	}
	for _, test := range []struct {
		name              string
		role              map[string]any
		admitted, refused []issuer.Job
	}{
		{"an environment", claims(map[string]any{"sub": job.Subject()}), []issuer.Job{job}, []issuer.Job{byID, branch, stranger}},
		{
			"an environment, with ids", claims(map[string]any{"sub": byID.Subject()}),
			[]issuer.Job{byID},
			[]issuer.Job{job, branchByID, stranger},
		},
		{
			"an environment, both forms", claims(map[string]any{"sub": []string{job.Subject(), byID.Subject()}}),
			[]issuer.Job{job, byID},
			[]issuer.Job{branch, branchByID, stranger},
		},
		{"a branch", claims(map[string]any{"sub": branch.Subject()}), []issuer.Job{branch}, []issuer.Job{job, otherBranch, branchByID}},
		{
			"ids", claims(map[string]any{"repository_id": "777", "environment": "production"}),
			[]issuer.Job{job, byID},
			[]issuer.Job{branch, stranger},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newVault(t)
			test.role["token_policies"], test.role["token_ttl"] = role, "5m"
			v.operator(logical.DeleteOperation, "auth/jwt/role/"+role, nil)
			v.write("auth/jwt/role/"+role, test.role)
			for _, j := range test.admitted {
				if err := v.step(t, j, "hashivault://"+keyName, nil).Sign(&v.key.PublicKey); err != nil {
					t.Errorf("%s: %v", j.Subject(), err)
				}
			}
			for _, j := range test.refused {
				s := v.step(t, j, "hashivault://"+keyName, nil)
				s.Refused(s.Sign(&v.key.PublicKey), "error validating claims", "sub "+j.Subject()+" and aud "+audience, "bound_claims")
			}
		})
	}
}

// Each refusal of the vault ends the step with what there is to do.
func TestRefused(t *testing.T) {
	stranger, byID, late := job, job, job
	stranger.Repository, byID.IDs, late.Lifetime = "website", true, -time.Hour
	for _, test := range []struct {
		name   string
		job    issuer.Job
		uri    string
		vault  func(*vault)
		inputs func(*custody.Config)
		want   []string
	}{
		{
			name: "another repository", job: stranger,
			want: []string{"log in to the vault", "invalid subject (sub) claim", stranger.Subject(), "bound_subject"},
		},
		{name: "the sub with ids", job: byID, want: []string{byID.Subject(), "has the ids of owner and repository"}},
		{
			name: "another audience", want: []string{"invalid audience", "aud https://other.test", "bound_audiences", "oidc-audience"},
			inputs: func(c *custody.Config) { c.Audience = "https://other.test" },
		},
		{name: "a late token", job: late, want: []string{"expired", "clock"}},
		{
			name: "another role", want: []string{`role "other" could not be found`, "vault-role"},
			inputs: func(c *custody.Config) { c.Vault.Role = "other" },
		},
		{
			name: "no permission id-token", want: []string{"id-token: write", "fork"},
			inputs: func(c *custody.Config) { c.Job = custody.Job{} },
		},
		{
			name: "another issuer", want: []string{"invalid issuer", "bound_issuer"},
			vault: func(v *vault) { v.issuer = issuer.New(v.tb) },
		},
		{
			name: "no right", want: []string{"permission denied", "valetkey may not do that", "transit/sign/KEY"},
			vault: func(v *vault) { v.rights[role] = nil },
		},
		{
			name: "no such key", uri: "hashivault://other", want: []string{"signing key not found", "hashivault://other"},
			vault: func(v *vault) { v.rights[role] = []string{"transit/sign/other/sha2-256"} },
		},
		{
			name: "the App has another key", want: []string{"it is not the App's key", "import the App's private key"},
			inputs: func(c *custody.Config) { c.PublicKey = "SHA256:0000000000000000000000000000000000000000000" },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newVault(t)
			if test.vault != nil {
				test.vault(v)
			}
			if test.job.Owner == "" {
				test.job = job
			}
			if test.uri == "" {
				test.uri = "hashivault://" + keyName
			}
			s := v.step(t, test.job, test.uri, test.inputs)
			s.Refused(s.Sign(&v.key.PublicKey), test.want...)
			if given := append(v.issuer.Issued(), v.given...); len(given) > 0 {
				s.Kept(given...)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if v.alive() != 0 {
				t.Errorf("%d tokens are alive", v.alive())
			}
		})
	}
}

// A key that is none of an App's signs nothing that would be taken.
func TestWrongKind(t *testing.T) {
	for kind, want := range map[string][]string{
		"ecdsa-p256":   {"which no RSA key of 2048 bits makes", "import the App's private key"},
		"ed25519":      {"not an RSA key that signs", "import the App's private key"},
		"aes256-gcm96": {"does not support signing", "import the App's private key"},
		"hmac":         {"does not support signing", "import the App's private key"},
		"rsa-2048":     {"it is not the App's key"},
		"rsa-4096":     {"it is not the App's key"},
	} {
		t.Run(kind, func(t *testing.T) {
			v := newVault(t)
			data := map[string]any{"type": kind}
			if kind == "hmac" {
				data["key_size"] = 32
			}
			v.write("transit/keys/other", data)
			v.rights[role] = []string{"transit/sign/other/sha2-256", "transit/keys/other"}
			s := v.step(t, job, "hashivault://other", func(c *custody.Config) { c.PublicKey = step.Fingerprint(&v.key.PublicKey) })
			s.Refused(s.Sign(&v.key.PublicKey), want...)
		})
	}
}

// A key has versions, and the latest signs. With the right to sign alone, that
// is left to GitHub to check.
func TestVersions(t *testing.T) {
	v := newVault(t)
	v.rights[role] = []string{"transit/sign/" + keyName + "/sha2-256"}
	s := v.step(t, job, "hashivault://"+keyName, nil)
	if err := s.Mint(&v.key.PublicKey); err != nil {
		t.Fatal(err)
	}
	next := newKey(t)
	v.importVersion("transit", next)
	s = v.step(t, job, "hashivault://"+keyName, nil)
	s.Refused(s.Mint(&v.key.PublicKey), "key does not belong to the App")
	v.rights[role] = append(v.rights[role], "transit/keys/"+keyName)
	s = v.step(t, job, "hashivault://"+keyName, nil)
	if err := s.Mint(&next.PublicKey); err != nil {
		t.Fatal(err)
	}
}

// Without a role, the token of an earlier step counts. It stays alive.
func TestEarlierToken(t *testing.T) {
	v := newVault(t)
	token, late := v.issue(time.Hour, role), v.issue(-time.Hour, role)
	open := func(token string) *step.Step {
		return step.Open(t, "hashivault://"+keyName, map[string]string{"VAULT_ADDR": v.url, "VAULT_TOKEN": token}, nil)
	}
	s := open(token)
	if err := s.Mint(&v.key.PublicKey); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil || v.alive() != 2 {
		t.Errorf("%v, and %d tokens are alive", err, v.alive())
	}
	s = open(late)
	s.Refused(s.Sign(&v.key.PublicKey), "permission denied", "VAULT_TOKEN")
}
