package awskms_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/valetkey/valetkey/test/custody/issuer"
)

// token is the token of a job for an audience, as its steps get it.
func (c *cloud) token(j issuer.Job, audience string) string {
	c.tb.Helper()
	token, err := c.issuer.Token(c.tb.Context(), j, audience)
	if err != nil {
		c.tb.Fatal(err)
	}
	return token
}

// sdkSign signs as a program with AWS's own client does: it takes the role, and
// signs.
func (c *cloud) sdkSign(token, key string, options ...func(*kms.Options)) ([]byte, error) {
	session, err := sts.New(sts.Options{Region: region, BaseEndpoint: &c.sts, RetryMaxAttempts: 1}).
		AssumeRoleWithWebIdentity(c.tb.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(roleARN), RoleSessionName: aws.String("sdk"), WebIdentityToken: &token, DurationSeconds: aws.Int32(900),
		})
	if err != nil {
		return nil, err
	}
	given := *session.Credentials
	client := kms.New(kms.Options{
		Region: region, BaseEndpoint: &c.kms, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(staticCredentials(*given.AccessKeyId, *given.SecretAccessKey, *given.SessionToken)),
	}, options...)
	signed, err := client.Sign(c.tb.Context(), &kms.SignInput{
		KeyId: &key, Message: []byte("header.payload"), MessageType: kmstypes.MessageTypeRaw,
		SigningAlgorithm: kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha256,
	})
	if err != nil {
		return nil, err
	}
	return signed.Signature, nil
}

// AWS's own client takes the cloud of these tests for AWS: it signs with the key,
// and it reads each refusal as the error that AWS documents.
func TestAWSClient(t *testing.T) {
	c := newCloud(t)
	stranger, late := job, job
	stranger.Repository, late.Lifetime = "website", -time.Minute
	good := c.token(job, audience)
	for _, test := range []struct {
		name, token, key string
		options          func(*kms.Options)
		rights           []string
		want             string // the code of the error
	}{
		{name: "id", token: good, key: keyID},
		{name: "alias", token: good, key: alias},
		{name: "ARN", token: good, key: prefix + "key/" + keyID},
		{name: "ARN of the alias", token: good, key: prefix + alias},
		{name: "no such key", token: good, key: "alias/other", want: "NotFoundException"},
		{name: "another subject", token: c.token(stranger, audience), key: alias, want: "AccessDenied"},
		{name: "another audience", token: c.token(job, "https://acme.test"), key: alias, want: "InvalidIdentityToken"},
		{name: "late token", token: c.token(late, audience), key: alias, want: "ExpiredTokenException"},
		{name: "no right", token: good, key: alias, rights: []string{"kms:GetPublicKey"}, want: "AccessDeniedException"},
		{
			name: "another region", token: good, key: alias, want: "InvalidSignatureException",
			options: func(o *kms.Options) { o.Region = "us-east-1" },
		},
		{
			name: "another secret", token: good, key: alias, want: "InvalidSignatureException",
			options: func(o *kms.Options) {
				given, err := o.Credentials.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				o.Credentials = aws.CredentialsProviderFunc(staticCredentials(given.AccessKeyID, "other", given.SessionToken))
			},
		},
		{
			name: "unknown session", token: good, key: alias, want: "UnrecognizedClientException",
			options: func(o *kms.Options) {
				o.Credentials = aws.CredentialsProviderFunc(staticCredentials("ASIAOTHER", "other", "other"))
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.rights = append(test.rights, "kms:Sign")
			if test.rights != nil {
				c.rights = test.rights
			}
			options := []func(*kms.Options){}
			if test.options != nil {
				options = append(options, test.options)
			}
			signature, err := c.sdkSign(test.token, test.key, options...)
			var refused smithy.APIError
			switch {
			case test.want == "" && err != nil, test.want != "" && !errors.As(err, &refused):
				t.Fatalf("%v, want %q", err, test.want)
			case test.want != "" && refused.ErrorCode() != test.want:
				t.Fatalf("%v, want %s", err, test.want)
			case test.want == "":
				sum := sha256.Sum256([]byte("header.payload"))
				if err := rsa.VerifyPKCS1v15(&c.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func staticCredentials(id, secret, token string) func(context.Context) (aws.Credentials, error) {
	return func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	}
}
