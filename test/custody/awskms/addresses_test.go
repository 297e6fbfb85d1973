package awskms_test

import (
	"context"
	"crypto"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/valetkey/valetkey/internal/custody"
)

// Each partition of AWS has its own addresses, which AWS's own client knows.
func TestAddresses(t *testing.T) {
	for _, region := range []string{
		"eu-central-1", "us-east-1", "us-gov-west-1", "us-gov-east-1", "cn-north-1", "cn-northwest-1", "eusc-de-east-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "ap-southeast-7", "mx-central-1", "il-central-1",
	} {
		for _, fips := range []bool{false, true} {
			theirs := map[string]string{}
			parameters := kms.EndpointParameters{Region: &region, UseFIPS: &fips, UseDualStack: aws.Bool(false)}
			endpoint, err := kms.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), parameters)
			if err != nil {
				t.Fatal(err)
			}
			theirs["kms"] = endpoint.URI.String()
			other, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sts.EndpointParameters{
				Region: &region, UseFIPS: &fips, UseDualStack: aws.Bool(false), UseGlobalEndpoint: aws.Bool(false),
			})
			if err != nil {
				t.Fatal(err)
			}
			theirs["sts"] = other.URI.String()
			if ours := ourAddresses(t, region, fips); !maps.Equal(ours, theirs) {
				t.Errorf("%s, FIPS %v: we ask %v, AWS's client %v", region, fips, ours, theirs)
			}
		}
	}
}

func ourAddresses(t *testing.T, region string, fips bool) map[string]string {
	ours := map[string]string{}
	c := custody.Config{AWS: custody.AWS{FileRole: roleARN, TokenFile: "token", Region: region, FIPS: fips}}
	c.ReadFile = func(string) ([]byte, error) { return []byte("e30.e30.e30"), nil }
	c.Send = func(_ context.Context, r custody.Request) (custody.Response, error) {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		service, _, _ := strings.Cut(strings.SplitN(u.Host, ".", 2)[0], "-")
		ours[service] = u.Scheme + "://" + u.Host
		return custody.Response{Status: http.StatusOK, Body: []byte("<AccessKeyId>id</AccessKeyId>" +
			"<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>")}, nil
	}
	key, err := custody.Open(t.Context(), "awskms:///"+alias, c)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = key.Sign(nil, make([]byte, 32), crypto.SHA256) // it fails by our answers
	return ours
}
