package awskms_test

import (
	"slices"
	"testing"

	"github.com/valetkey/valetkey/test/custody/step"
)

// The program takes the role and mints by one signature.
func TestProgram(t *testing.T) {
	c := newCloud(t)
	address, bearer := c.issuer.Start(job)
	j := step.NewJob(t, &c.key.PublicKey,
		map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer,
			"AWS_ENDPOINT_URL_KMS": c.kms, "AWS_ENDPOINT_URL_STS": c.sts,
		},
		map[string]string{"key": "awskms:///" + alias, "aws-role-to-assume": roleARN, "aws-region": region})
	j.MintAndPost(func() []string { return append(c.secrets(), bearer) })
	if want := []string{"AssumeRoleWithWebIdentity", "Sign", "GetPublicKey"}; !slices.Equal(c.log, want) {
		t.Errorf("AWS was asked for %q, want %q", c.log, want)
	}
}
