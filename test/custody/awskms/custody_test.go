package awskms_test

import (
	"slices"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/test/custody/issuer"
	"github.com/valetkey/valetkey/test/custody/step"
)

// step opens a key in a job of the issuer, with the role.
func (c *cloud) step(tb testing.TB, j issuer.Job, uri string, inputs func(*custody.Config)) *step.Step {
	tb.Helper()
	address, bearer := c.issuer.Start(j)
	return step.Open(tb, uri, map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer,
		"AWS_ENDPOINT_URL_KMS": c.kms, "AWS_ENDPOINT_URL_STS": c.sts,
	}, func(config *custody.Config) {
		config.AWS.Role, config.AWS.Region = roleARN, region
		if inputs != nil {
			inputs(config)
		}
	})
}

// The job takes the role and mints, by each name that the key has.
func TestMint(t *testing.T) {
	c := newCloud(t)
	for name, uri := range map[string]string{
		"id": "awskms:///" + keyID, "alias": "awskms:///" + alias,
		"ARN": "awskms:///" + prefix + "key/" + keyID, "ARN of the alias": "awskms:///" + prefix + alias,
	} {
		t.Run(name, func(t *testing.T) {
			c.log = nil
			s := c.step(t, job, uri, nil)
			if err := s.Mint(&c.key.PublicKey); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if want := []string{"AssumeRoleWithWebIdentity", "Sign", "GetPublicKey"}; !slices.Equal(c.log, want) {
				t.Errorf("AWS was asked for %q, want %q", c.log, want)
			}
			s.Kept(c.secrets()...)
		})
	}
}

// secrets are all credentials that were given to jobs.
func (c *cloud) secrets() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.issuer.Issued()[len(c.issuer.Issued())-1:]
	last := c.sessions[c.last]
	return append(all, last.secret, last.token)
}

// Each refusal of AWS ends the step with what there is to do.
func TestRefused(t *testing.T) {
	stranger, byID, pullRequest, late := job, job, job, job
	stranger.Repository, byID.IDs, late.Lifetime = "website", true, -time.Minute
	pullRequest.Environment, pullRequest.PullRequest = "", true
	for _, test := range []struct {
		name   string
		job    issuer.Job
		uri    string
		cloud  func(*cloud)
		inputs func(*custody.Config)
		want   []string
	}{
		{
			name: "another repository", job: stranger,
			want: []string{"assume the role", "Not authorized to perform", roleARN, stranger.Subject(), "aud " + audience},
		},
		{name: "the sub with ids", job: byID, want: []string{"AccessDenied", byID.Subject(), "has the ids of owner and repository"}},
		{name: "no environment", job: pullRequest, want: []string{"AccessDenied", pullRequest.Subject()}},
		{
			name: "another audience", want: []string{"Incorrect token audience", "aud https://acme.test", "oidc-audience"},
			inputs: func(c *custody.Config) { c.Audience = "https://acme.test" },
		},
		{name: "a late token", job: late, want: []string{"ExpiredTokenException", "clock"}},
		{
			name: "another role", want: []string{"AccessDenied", ":role/other", "trust policy"},
			inputs: func(c *custody.Config) { c.AWS.Role = "arn:aws:iam::" + account + ":role/other" },
		},
		{name: "no such key", uri: "awskms:///alias/other", want: []string{"NotFoundException", "alias/other", "aws-region"}},
		{
			name: "disabled key", want: []string{"DisabledException", "enable awskms:///" + alias},
			cloud: func(c *cloud) { c.call("DisableKey", map[string]any{"KeyId": keyID}, nil) },
		},
		{
			name: "key that will be deleted", want: []string{"KMSInvalidStateException", "pending deletion", "cancel the deletion"},
			cloud: func(c *cloud) { c.call("ScheduleKeyDeletion", map[string]any{"KeyId": keyID}, nil) },
		},
		{
			name: "no right", want: []string{"AccessDeniedException", "not authorized to perform: kms:Sign", "allow it kms:Sign"},
			cloud: func(c *cloud) { c.rights = []string{"kms:GetPublicKey"} },
		},
		{
			name: "another region", want: []string{"InvalidSignatureException", "scoped to a valid region", "aws-region"},
			inputs: func(c *custody.Config) { c.AWS.Region = "us-east-1" },
		},
		{
			name: "no permission id-token", want: []string{"id-token: write", "fork"},
			inputs: func(c *custody.Config) { c.Job = custody.Job{} },
		},
		{
			name: "the runner does not know the job", want: []string{"get the job's OIDC token", "401"},
			inputs: func(c *custody.Config) { c.Job.RequestToken = redact.New("other") },
		},
		{
			name: "the App has another key", want: []string{"it is not the App's key", "import the App's private key"},
			inputs: func(c *custody.Config) { c.PublicKey = "SHA256:0000000000000000000000000000000000000000000" },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCloud(t)
			if test.cloud != nil {
				test.cloud(c)
			}
			if test.job.Owner == "" {
				test.job = job
			}
			if test.uri == "" {
				test.uri = "awskms:///" + alias
			}
			s := c.step(t, test.job, test.uri, test.inputs)
			s.Refused(s.Sign(&c.key.PublicKey), test.want...)
			if issued := c.issuer.Issued(); len(issued) > 0 {
				s.Kept(issued...)
			}
		})
	}
}

// A key that is none of an App's signs nothing, whatever AWS would do with it.
func TestWrongKind(t *testing.T) {
	for _, test := range []struct {
		spec, usage string
		want        []string
	}{
		{"ECC_NIST_P256", "SIGN_VERIFY", []string{"InvalidKeyUsageException", "incompatible with key spec ECC_NIST_P256", "RSA_2048"}},
		{"RSA_2048", "ENCRYPT_DECRYPT", []string{"InvalidKeyUsageException", "not valid for signing", "SIGN_VERIFY"}},
		{"HMAC_256", "GENERATE_VERIFY_MAC", []string{"InvalidKeyUsageException", "RSA_2048"}},
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", []string{"InvalidKeyUsageException", "RSA_2048"}},
	} {
		t.Run(test.spec+" "+test.usage, func(t *testing.T) {
			c := newCloud(t)
			s := c.step(t, job, "awskms:///"+c.makeKey(test.spec, test.usage), nil)
			s.Refused(s.Sign(&c.key.PublicKey), test.want...)
		})
	}
}

// A key that was made in AWS signs, and is not the App's: GitHub says so, unless
// the step knows the App's key.
func TestOtherKey(t *testing.T) {
	c := newCloud(t)
	for _, spec := range []string{"RSA_2048", "RSA_4096"} {
		uri := "awskms:///" + c.makeKey(spec, "SIGN_VERIFY")
		s := c.step(t, job, uri, nil)
		s.Refused(s.Mint(&c.key.PublicKey), "key does not belong to the App")
		s = c.step(t, job, uri, func(config *custody.Config) { config.PublicKey = step.Fingerprint(&c.key.PublicKey) })
		s.Refused(s.Mint(&c.key.PublicKey), "it is not the App's key")
	}
}

// Without a role, the credential of an earlier step counts, be it a session or
// the key of a user.
func TestEarlierCredential(t *testing.T) {
	c := newCloud(t)
	id, secret := c.user("ci")
	c.mu.Lock()
	sessionID, session := c.grant("earlier", time.Hour)
	lateID, late := c.grant("late", -time.Minute)
	c.mu.Unlock()
	open := func(id, secret, token string) *step.Step {
		return step.Open(t, "awskms:///"+alias, map[string]string{
			"AWS_ENDPOINT_URL": c.kms, "AWS_REGION": region,
			"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token,
		}, nil)
	}
	if err := open(id, secret, "").Mint(&c.key.PublicKey); err != nil {
		t.Errorf("a user: %v", err)
	}
	if err := open(sessionID, session.secret, session.token).Mint(&c.key.PublicKey); err != nil {
		t.Errorf("a session: %v", err)
	}
	for _, s := range []*step.Step{open(id, "other", ""), open(sessionID, session.secret, "other")} {
		s.Refused(s.Sign(&c.key.PublicKey), "AWS does not know the credential")
	}
	s := open(lateID, late.secret, late.token)
	s.Refused(s.Sign(&c.key.PublicKey), "ExpiredTokenException", "expired")
}

// A machine whose clock is wrong signs again by AWS's clock.
func TestClock(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, time.Hour} {
		c := newCloud(t)
		id, secret := c.user("ci")
		s := step.Open(t, "awskms:///"+alias, map[string]string{
			"AWS_ENDPOINT_URL": c.kms, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret,
		}, func(config *custody.Config) { config.Now = func() time.Time { return time.Now().Add(ahead) } })
		if err := s.Sign(&c.key.PublicKey); err != nil {
			t.Errorf("%v ahead: %v", ahead, err)
		}
	}
}
