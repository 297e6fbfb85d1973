// Package google_test holds what we send to Google Cloud against what Google's
// own clients send, and has us read answers that Google's own types make.
package google_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"reflect"
	"testing"

	"google.golang.org/api/cloudkms/v1"
	"google.golang.org/api/iamcredentials/v1"
	"google.golang.org/api/option"
	"google.golang.org/api/sts/v1"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/test/custody/step"
	"github.com/valetkey/valetkey/test/custody/wire"
)

const (
	provider = "projects/123456789/locations/global/workloadIdentityPools/github/providers/acme"
	account  = "signer@keys.iam.gserviceaccount.com"
	version  = "projects/keys/locations/europe-west3/keyRings/apps/cryptoKeys/valetkey/cryptoKeyVersions/2"
	idToken  = "e30.e30.e30"
)

var digest = sha256.Sum256([]byte("header.payload"))

// newRecorder answers as Google does, with Google's own types.
func newRecorder(t *testing.T) *wire.Recorder {
	t.Helper()
	signature, err := rsa.SignPKCS1v15(rand.Reader, step.Key(), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&step.Key().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]any{
		"https://sts.googleapis.com/v1/token": sts.GoogleIdentityStsV1ExchangeTokenResponse{
			AccessToken: "federated", ExpiresIn: 3599, TokenType: "Bearer",
		},
		"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + account + ":generateAccessToken": iamcredentials.
			GenerateAccessTokenResponse{AccessToken: "impersonated", ExpireTime: "2100-01-01T00:00:00Z"},
		"https://cloudkms.googleapis.com/v1/" + version + ":asymmetricSign": cloudkms.AsymmetricSignResponse{
			Name: version, Signature: base64.StdEncoding.EncodeToString(signature), ProtectionLevel: "HSM",
		},
		"https://cloudkms.googleapis.com/v1/" + version + "/publicKey": cloudkms.PublicKey{
			Name: version, Algorithm: "RSA_SIGN_PKCS1_2048_SHA256",
			Pem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		},
	}
	isRunner := func(r *http.Request) bool { return r.URL.Host == "runner.test" }
	return &wire.Recorder{
		Headers: []string{"Authorization", "Content-Type"}, Skip: isRunner,
		Answer: func(r *http.Request, _ []byte) (int, http.Header, any) {
			if isRunner(r) {
				return http.StatusOK, nil, map[string]string{"value": idToken}
			}
			answer, ok := answers["https://"+r.URL.Host+r.URL.Path]
			if !ok {
				return http.StatusNotFound, nil, map[string]string{}
			}
			return http.StatusOK, nil, answer
		},
	}
}

// theirs is what Google's own clients send for a signature. These clients are
// given no credential, so that the test adds what their transports would.
func theirs(t *testing.T) []wire.Sent {
	t.Helper()
	rec := newRecorder(t)
	client := func(token string) option.ClientOption {
		return option.WithHTTPClient(&http.Client{Transport: bearer{token, rec}})
	}
	exchange, err := sts.NewService(t.Context(), client(""))
	if err != nil {
		t.Fatal(err)
	}
	federated, err := exchange.V1.Token(&sts.GoogleIdentityStsV1ExchangeTokenRequest{
		Audience: "//iam.googleapis.com/" + provider, GrantType: "urn:ietf:params:oauth:grant-type:token-exchange",
		RequestedTokenType: "urn:ietf:params:oauth:token-type:access_token", Scope: "https://www.googleapis.com/auth/cloud-platform",
		SubjectToken: idToken, SubjectTokenType: "urn:ietf:params:oauth:token-type:jwt",
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := iamcredentials.NewService(t.Context(), client(federated.AccessToken))
	if err != nil {
		t.Fatal(err)
	}
	made, err := credentials.Projects.ServiceAccounts.GenerateAccessToken("projects/-/serviceAccounts/"+account,
		&iamcredentials.GenerateAccessTokenRequest{Lifetime: "600s", Scope: []string{cloudkms.CloudkmsScope}}).Do()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cloudkms.NewService(t.Context(), client(made.AccessToken))
	if err != nil {
		t.Fatal(err)
	}
	versions := keys.Projects.Locations.KeyRings.CryptoKeys.CryptoKeyVersions
	if _, err := versions.AsymmetricSign(version, &cloudkms.AsymmetricSignRequest{
		Digest: &cloudkms.Digest{Sha256: base64.StdEncoding.EncodeToString(digest[:])},
	}).Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := versions.GetPublicKey(version).Do(); err != nil {
		t.Fatal(err)
	}
	return rec.Sent
}

// bearer adds a token.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}

// Google's own clients send the same requests as we do, and what Google's types
// say of an answer is what we read.
func TestRequests(t *testing.T) {
	rec := newRecorder(t)
	key, err := custody.Open(t.Context(), "gcpkms://"+version, custody.Config{
		Send: rec.Send, Job: custody.Job{RequestURL: "https://runner.test/token?v=1", RequestToken: redact.New("job")},
		GCP: custody.GCP{Provider: provider, ServiceAccount: account},
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil || rsa.VerifyPKCS1v15(&step.Key().PublicKey, crypto.SHA256, digest[:], signature) != nil {
		t.Fatalf("signed %x: %v", signature, err)
	}
	want := theirs(t)
	if !reflect.DeepEqual(rec.Sent, want) {
		t.Errorf("we send\n%s\nGoogle's clients\n%s", wire.List(rec.Sent), wire.List(want))
	}
}
