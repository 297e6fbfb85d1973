// Package azure_test holds what we send to Azure against what Microsoft's own
// clients send, and has us read answers that Microsoft's own types make.
package azure_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/test/custody/step"
	"github.com/valetkey/valetkey/test/custody/wire"
)

const (
	tenant  = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	client  = "11111111-2222-3333-4444-555555555555"
	keyName = "valetkey-app"
	version = "78deebed173b48e48f55abf87ed4cf71"
	idToken = "e30.e30.e30"
)

var digest = sha256.Sum256([]byte("header.payload"))

// sovereign are the clouds of Azure, with the domain of vaults there. That in
// China has two authorities, of which we take the newer one, unless we are told
// Microsoft's choice.
var sovereign = map[string]struct {
	cloud.Configuration
	domain, authority string
}{
	"public":     {cloud.AzurePublic, "vault.azure.net", ""},
	"government": {cloud.AzureGovernment, "vault.usgovcloudapi.net", ""},
	"China":      {cloud.AzureChina, "vault.azure.cn", "login.chinacloudapi.cn"},
}

// newRecorder answers as Azure does, with Microsoft's own types.
func newRecorder(t *testing.T, vault, authority string) *wire.Recorder {
	t.Helper()
	signature, err := rsa.SignPKCS1v15(rand.Reader, step.Key(), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	id := azkeys.ID(vault + "/keys/" + keyName + "/" + version)
	kind := azkeys.KeyTypeRSAHSM
	public := azkeys.JSONWebKey{KID: &id, Kty: &kind, N: step.Key().N.Bytes(), E: big.NewInt(int64(step.Key().E)).Bytes()}
	answers := map[string]any{
		"/" + tenant + "/oauth2/v2.0/token":          map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": "azure"},
		"/keys/" + keyName + "/" + version + "/sign": azkeys.KeyOperationResult{KID: &id, Result: signature},
		"/keys/" + keyName + "/sign":                 azkeys.KeyOperationResult{KID: &id, Result: signature},
		"/keys/" + keyName + "/" + version:           azkeys.KeyBundle{Key: &public},
		"/" + tenant + "/v2.0/.well-known/openid-configuration": map[string]any{
			"token_endpoint": authority + "/" + tenant + "/oauth2/v2.0/token", "issuer": authority + "/" + tenant + "/v2.0",
			"authorization_endpoint": authority + "/" + tenant + "/oauth2/v2.0/authorize",
		},
	}
	return &wire.Recorder{
		Headers: []string{"Authorization", "Content-Type"},
		// Microsoft's client looks up where tokens are made, and asks the vault once
		// who makes them. We know both.
		Skip: func(r *http.Request) bool {
			return r.URL.Host == "runner.test" || strings.Contains(r.URL.Path, "/.well-known/") ||
				"https://"+r.URL.Host == vault && r.Header.Get("Authorization") == ""
		},
		Answer: func(r *http.Request, _ []byte) (int, http.Header, any) {
			if r.URL.Host == "runner.test" {
				return http.StatusOK, nil, map[string]string{"value": idToken}
			}
			if "https://"+r.URL.Host == vault && r.Header.Get("Authorization") == "" {
				_, domain, _ := strings.Cut(r.URL.Host, ".")
				challenge := `Bearer authorization="` + authority + "/" + tenant + `", resource="https://` + domain + `"`
				return http.StatusUnauthorized, http.Header{"Www-Authenticate": {challenge}}, map[string]string{}
			}
			answer, ok := answers[r.URL.Path]
			if !ok {
				return http.StatusNotFound, nil, map[string]string{}
			}
			return http.StatusOK, nil, answer
		},
	}
}

// theirs is what Microsoft's own clients send for a signature.
func theirs(t *testing.T, where cloud.Configuration, vault, version string) []wire.Sent {
	t.Helper()
	rec := newRecorder(t, vault, strings.TrimSuffix(where.ActiveDirectoryAuthorityHost, "/"))
	options := azcore.ClientOptions{Transport: rec, Cloud: where}
	credential, err := azidentity.NewClientAssertionCredential(tenant, client,
		func(context.Context) (string, error) { return idToken, nil },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := azkeys.NewClient(vault, credential, &azkeys.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	algorithm := azkeys.SignatureAlgorithmRS256
	signed, err := keys.Sign(t.Context(), keyName, version, azkeys.SignParameters{Algorithm: &algorithm, Value: digest[:]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.GetKey(t.Context(), keyName, signed.KID.Version(), nil); err != nil {
		t.Fatal(err)
	}
	return rec.Sent
}

func ours(t *testing.T, vault, authority, uri string) []wire.Sent {
	t.Helper()
	rec := newRecorder(t, vault, "")
	key, err := custody.Open(t.Context(), uri, custody.Config{
		Send: rec.Send, Job: custody.Job{RequestURL: "https://runner.test/token?v=1", RequestToken: redact.New("job")},
		Azure: custody.Azure{ClientID: client, TenantID: tenant, AuthorityHost: authority},
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil || rsa.VerifyPKCS1v15(&step.Key().PublicKey, crypto.SHA256, digest[:], signature) != nil {
		t.Fatalf("signed %x: %v", signature, err)
	}
	return rec.Sent
}

// Microsoft's own clients send the same requests as we do, in each cloud, and
// what Microsoft's types say of an answer is what we read. Their requests for
// tokens have more than ours, which is for their cache.
func TestRequests(t *testing.T) {
	for name, where := range sovereign {
		for _, version := range []string{version, ""} {
			vault, uri := "https://acme."+where.domain, "azurekms://acme."+where.domain+"/"+keyName
			if version != "" {
				uri += "/" + version
			}
			got := ours(t, vault, where.authority, uri)
			want := theirs(t, where.Configuration, vault, version)
			plain(got)
			plain(want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: we send\n%s\nMicrosoft's clients\n%s", name, wire.List(got), wire.List(want))
			}
		}
	}
}

// plain leaves out what Microsoft's client asks a token for besides.
func plain(all []wire.Sent) {
	for i, s := range all {
		form, ok := s.Body.(url.Values)
		if ok {
			form.Set("scope", strings.Fields(form.Get("scope"))[0])
			maps.DeleteFunc(form, func(name string, _ []string) bool {
				return slices.Contains([]string{"client_info", "claims"}, name) || strings.HasPrefix(name, "x-")
			})
		}
		all[i] = s
	}
}
