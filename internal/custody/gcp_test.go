package custody

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
)

const (
	gcpKey      = "projects/acme-prod/locations/europe-west1/keyRings/apps/cryptoKeys/keeper/cryptoKeyVersions/3"
	gcpProvider = "projects/123456/locations/global/workloadIdentityPools/github/providers/actions"
	gcpAccount  = "keeper@acme-prod.iam.gserviceaccount.com"
)

// googleCloud serves the calls as they are documented:
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
// https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions/asymmetricSign
// https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions/getPublicKey
func googleCloud(w *world, universe string) {
	federated, impersonated := "", ""
	w.hosts["sts."+universe] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var b struct{ Audience, GrantType, RequestedTokenType, Scope, SubjectTokenType, SubjectToken string }
		w.body(r, &b)
		w.headers(r, "Content-Type")
		provider := "//iam." + universe + "/" + gcpProvider
		if _, aud := w.claimsOf(b.SubjectToken); aud != "https:"+provider && aud != "own" {
			w.t.Errorf("the OIDC token is for %s", aud)
		}
		if r.Method != http.MethodPost || r.URL.String() != "https://sts."+universe+"/v1/token" || b.Audience != provider ||
			b.GrantType != "urn:ietf:params:oauth:grant-type:token-exchange" ||
			b.Scope != "https://www.googleapis.com/auth/cloud-platform" ||
			b.RequestedTokenType != "urn:ietf:params:oauth:token-type:access_token" ||
			b.SubjectTokenType != "urn:ietf:params:oauth:token-type:jwt" {
			w.t.Errorf("%s %s %+v", r.Method, r.URL, b)
		}
		federated = w.issue("federated")
		w.reply(rw, map[string]any{
			"access_token": federated, "issued_token_type": b.RequestedTokenType, "token_type": "Bearer", "expires_in": 3600,
		})
	})
	w.hosts["iamcredentials."+universe] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var b struct {
			Scope    []string
			Lifetime string
		}
		w.body(r, &b)
		w.headers(r, "Authorization", "Content-Type")
		w.used(federated)
		if r.Method != http.MethodPost || r.URL.Path != "/v1/projects/-/serviceAccounts/"+gcpAccount+":generateAccessToken" ||
			r.Header.Get("Authorization") != "Bearer "+federated || len(b.Scope) != 1 || b.Lifetime != "600s" {
			w.t.Errorf("%s %s %+v", r.Method, r.URL, b)
		}
		impersonated = w.issue("impersonated")
		w.reply(rw, map[string]any{"accessToken": impersonated, "expireTime": "2026-11-20T12:10:00Z"})
	})
	w.hosts["cloudkms."+universe] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		token := impersonated
		if token == "" {
			token = federated
		}
		w.used(token)
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.t.Errorf("Cloud KMS got the token %s", r.Header.Get("Authorization"))
		}
		switch r.Method + " " + r.URL.RequestURI() {
		case "POST /v1/" + gcpKey + ":asymmetricSign":
			w.headers(r, "Authorization", "Content-Type")
			var b struct{ Digest struct{ SHA256 []byte } }
			w.body(r, &b)
			w.reply(rw, map[string]any{"name": gcpKey, "signature": w.signDigest(b.Digest.SHA256), "protectionLevel": "SOFTWARE"})
		case "GET /v1/" + gcpKey + "/publicKey":
			w.headers(r, "Authorization")
			w.reply(rw, map[string]any{"pem": publicPEM(w), "algorithm": "RSA_SIGN_PKCS1_2048_SHA256", "name": gcpKey})
		default:
			w.t.Errorf("%s %s", r.Method, r.URL)
		}
	})
}

func publicPEM(w *world) string {
	der, err := x509.MarshalPKIXPublicKey(&w.key.PublicKey)
	if err != nil {
		w.t.Error(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestGoogleCloud(t *testing.T) {
	const issuer, sts, iam = "GET " + idTokenHost + "/token", "POST sts.googleapis.com/v1/token",
		"POST iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + gcpAccount + ":generateAccessToken"
	const sign, public = "POST cloudkms.googleapis.com/v1/" + gcpKey + ":asymmetricSign", "GET cloudkms.googleapis.com/v1/" + gcpKey +
		"/publicKey"
	for name, c := range map[string]struct {
		config GCP
		file   string
		want   []string
	}{
		"the identity of the job": {config: GCP{Provider: gcpProvider}, want: []string{issuer, sts, sign, public}},
		"the name in full": {
			config: GCP{Provider: "//iam.googleapis.com/" + gcpProvider}, want: []string{issuer, sts, sign, public},
		},
		"its URL": {
			config: GCP{Provider: "https://iam.googleapis.com/" + gcpProvider}, want: []string{issuer, sts, sign, public},
		},
		"a service account": {
			config: GCP{Provider: gcpProvider, ServiceAccount: gcpAccount}, want: []string{issuer, sts, iam, sign, public},
		},
		"a file of an earlier step": {
			config: GCP{CredentialsFile: "gha-creds.json"}, want: []string{issuer, sts, iam, sign, public},
			file: `{"type":"external_account","audience":"//iam.googleapis.com/` + gcpProvider + `",
				"subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://evil.test/v1/token",
				"credential_source": {
					"url":"https://` + idTokenHost + `/token?api-version=2.0&audience=own","headers":{"Authorization":"Bearer x"}
				},
				"service_account_impersonation_url":"https://evil.test/v1/projects/-/serviceAccounts/` + gcpAccount +
				`:generateAccessToken"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			googleCloud(w, "googleapis.com")
			w.config.GCP = c.config
			w.config.ReadFile = func(string) ([]byte, error) { return []byte(c.file), nil }
			k := w.open("gcpkms://" + gcpKey)
			w.sign(k)
			w.wantAsked(c.want...)
			w.sign(k) // with the same credential, and the public key is known
			w.wantAsked(sign)
		})
	}
}

// A credential is replaced before it ends.
func TestGoogleCloudForLong(t *testing.T) {
	w := newWorld(t)
	googleCloud(w, "googleapis.com")
	now := start
	w.config.Now = func() time.Time { return now }
	w.config.GCP.Provider = gcpProvider
	k := w.open("gcpkms://" + gcpKey)
	w.sign(k)
	now = now.Add(44 * time.Minute)
	w.asked = nil
	w.sign(k)
	if len(w.asked) != 1 {
		t.Errorf("asked %v", w.asked)
	}
	now = now.Add(2 * time.Minute)
	w.asked = nil
	w.sign(k)
	if len(w.asked) != 3 {
		t.Errorf("asked %v", w.asked)
	}
}

func TestGoogleUniverse(t *testing.T) {
	w := newWorld(t)
	googleCloud(w, "apis-tpczero.goog")
	w.config.GCP = GCP{Provider: gcpProvider, Universe: "apis-tpczero.goog"}
	w.sign(w.open("gcpkms://" + strings.Replace(gcpKey, "cryptoKeyVersions", "versions", 1)))

	w = newWorld(t)
	googleCloud(w, "googleapis.com")
	w.hosts["127.0.0.1:1"] = w.hosts["cloudkms.googleapis.com"]
	delete(w.hosts, "cloudkms.googleapis.com")
	w.config.GCP = GCP{Provider: gcpProvider, KMSEndpoint: "http://127.0.0.1:1/"}
	w.sign(w.open("gcpkms://" + gcpKey))
}

func TestGoogleSettings(t *testing.T) {
	for want, c := range map[string]struct {
		config GCP
		file   string
	}{
		"key needs a credential of Google Cloud":                       {},
		"gcp-workload-identity-provider is not the name of a provider": {config: GCP{Provider: "projects/acme/locations/global"}},
		"gcp-service-account is not the e-mail of a service account": {
			config: GCP{Provider: gcpProvider, ServiceAccount: "keeper"},
		},
		"GOOGLE_CLOUD_UNIVERSE_DOMAIN is not a domain": {config: GCP{Universe: "a/b"}},
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STS is not the address of a": {
			config: GCP{Provider: gcpProvider, STSEndpoint: "https://a?b"},
		},
		"the credentials of Google Cloud are not those of a workload": {
			config: GCP{CredentialsFile: "x"}, file: `{"type":"service_account"}`,
		},
		"the credentials of Google Cloud are not those of a workload identi": {config: GCP{CredentialsFile: "x"}, file: `[`},
		"the credentials of Google Cloud are not those of this job": {
			config: GCP{CredentialsFile: "x"},
			file:   `{"type":"external_account","credential_source":{"url":"https://other.test/token"}}`,
		},
	} {
		w := newWorld(t)
		w.config.GCP = c.config
		w.config.ReadFile = func(string) ([]byte, error) { return []byte(c.file), nil }
		_, err := Open(t.Context(), "gcpkms://"+gcpKey, w.config)
		if err == nil || !strings.HasPrefix(err.Error(), want) || fault.Hint(err) == "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestGoogleAdvice(t *testing.T) {
	kms := func(code, status, message string) string {
		return `{"error":{"code":` + code + `,"message":"` + message + `","status":"` + status + `"}}`
	}
	oauth := func(code, description string) string {
		return `{"error":"` + code + `","error_description":"` + description + `"}`
	}
	testAdvice(t, googleAdvice, []adviceTest{
		{401, oauth("unauthorized_client", "The given credential is rejected by the attribute condition."), "the attribute condition of"},
		{
			400, oauth("invalid_grant", `The audience in ID Token [own] does not match the expected audience https://iam.test/x.`),
			"the workload identity provider does not take the audience: the token has sub SUB and aud AUD",
		},
		{
			400, oauth("invalid_target", `The target service indicated by the \"audience\" parameters is invalid.`),
			"there is no such workload",
		},
		{
			400, oauth("invalid_grant", "The issuer in ID Token x does not match the expected ones: y"),
			"the workload identity provider is for another",
		},
		{400, oauth("invalid_grant", "ID Token issued at 1 is stale to sign-in."), "the token with sub SUB and aud AUD came too late"},
		{400, oauth("invalid_grant", "Something new"), "the workload identity provider does not admit sub SUB"},
		{
			403, kms("403", "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied on resource."),
			"the identity of the job with sub SUB and aud AUD may not act as ROLE",
		},
		{
			403, kms("403", "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToSign' denied on resource 'x'"),
			"ROLE may not sign",
		},
		{
			403, kms("403", "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.viewPublicKey' denied"),
			"give ROLE the role roles/cloudkms.p",
		},
		{400, kms("400", "FAILED_PRECONDITION", "x is not enabled, current state is: DISABLED."), "the version of the key is disabled"},
		{
			400, kms("400", "FAILED_PRECONDITION", "x is not enabled, current state is: DESTROY_SCHEDULED."),
			"the version of the key is destroyed",
		},
		{400, kms("400", "FAILED_PRECONDITION", "x is not enabled, current state is: DESTROYED."), "the version of the key is destroyed"},
		{
			400, kms("400", "FAILED_PRECONDITION", "x is not enabled, current state is: PENDING_IMPORT."),
			"the import of the key has not ended",
		},
		{400, kms("400", "FAILED_PRECONDITION", "x is not enabled, current state is: IMPORT_FAILED."), "the import of the key has failed"},
		{400, kms("400", "FAILED_PRECONDITION", "x is odd"), "the key can't be used in its state"},
		{400, kms("400", "INVALID_ARGUMENT", "Request contains an invalid argument"), "the key is not one that signs with RSA_SIGN_PKCS1"},
		{
			403, kms("403", "PERMISSION_DENIED", "Cloud Key Management Service API has not been used in project 1 before"),
			"enable the Cloud KMS API",
		},
		{
			401, kms("401", "UNAUTHENTICATED", "Request had invalid authentication credentials."),
			"Google Cloud does not take the credential",
		},
		{404, kms("404", "NOT_FOUND", "x not found."), "nothing there has that name: check hashivault://app"},
		{503, "<html>", "the service has trouble of its own"},
		{429, "", "the service limits how much"},
	})
}
