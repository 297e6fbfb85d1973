package custody

import (
	"cmp"
	"context"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// cloudKMS is a version of a key in Google's Cloud KMS.
type cloudKMS struct {
	*service
	kms, sts, iam  string // addresses
	universe       string
	provider       string
	serviceAccount string
	audience       string // of the job's OIDC token
	token          redact.String
	lease
}

var (
	googleProvider = pattern.Pattern{
		Text: `^projects/[0-9]+/locations/global/workloadIdentityPools/[0-9a-z-]+/providers/[0-9a-z-]+$`,
	}
	googleAccount  = pattern.Pattern{Text: `^[0-9A-Za-z._-]+@[0-9A-Za-z.-]+$`}
	googleUniverse = pattern.Pattern{Text: `^[0-9a-z-]+(?:\.[0-9a-z-]+)+$`}
)

const (
	googleScope   = "https://www.googleapis.com/auth/cloud-platform"
	cloudKMSScope = "https://www.googleapis.com/auth/cloudkms"
)

// newGoogle checks the settings for a key in Cloud KMS.
func newGoogle(s *service) (_ custodian, err error) {
	k := &cloudKMS{
		service: s, universe: cmp.Or(s.GCP.Universe, "googleapis.com"), serviceAccount: s.GCP.ServiceAccount,
		audience: s.Audience,
	}
	k.advice, k.who = googleAdvice, "the identity of the job"
	if !googleUniverse.Matches(k.universe) {
		return nil, fault.New("GOOGLE_CLOUD_UNIVERSE_DOMAIN is not a domain", "remove it unless your cloud has a universe of its own")
	}
	k.provider = k.GCP.Provider
	for _, prefix := range []string{"https:", "//iam." + k.universe + "/"} {
		k.provider = strings.TrimPrefix(k.provider, prefix)
	}
	switch {
	case k.provider != "":
	case k.GCP.CredentialsFile != "":
		err = k.readCredentials()
	default:
		err = fault.New("key needs a credential of Google Cloud",
			"set gcp-workload-identity-provider, or run google-github-actions/auth in an earlier step")
	}
	switch {
	case err != nil:
		return nil, err
	case !googleProvider.Matches(k.provider):
		return nil, fault.New("gcp-workload-identity-provider is not the name of a provider",
			"write it as projects/NUMBER/locations/global/"+
				"workloadIdentityPools/POOL/providers/PROVIDER, with the number of the project, not its id")
	case k.serviceAccount != "" && !googleAccount.Matches(k.serviceAccount):
		return nil, fault.New("gcp-service-account is not the e-mail of a service account",
			"write it as NAME@PROJECT.iam.gserviceaccount.com")
	}
	k.who = cmp.Or(k.serviceAccount, k.who)
	return k, k.addresses()
}

func (k *cloudKMS) addresses() error {
	for _, a := range []struct {
		to                   *string
		given, service, name string
	}{
		{&k.kms, k.GCP.KMSEndpoint, "cloudkms", "CLOUDKMS"},
		{&k.sts, k.GCP.STSEndpoint, "sts", "STS"},
		{&k.iam, k.GCP.IAMEndpoint, "iamcredentials", "IAMCREDENTIALS"},
	} {
		var err error
		at := cmp.Or(a.given, "https://"+a.service+"."+k.universe)
		if *a.to, err = endpoint("CLOUDSDK_API_ENDPOINT_OVERRIDES_"+a.name, at); err != nil {
			return err
		}
	}
	return nil
}

const googleFileHint = "only what google-github-actions/auth writes for workload identity federation is understood: " +
	"set gcp-workload-identity-provider instead"

// readCredentials takes from the file of google-github-actions/auth who it is
// for. The addresses in it are not used: what is sent is known without them,
// and the file lies in the workspace, where others write too.
func (k *cloudKMS) readCredentials() error {
	text, err := k.ReadFile(k.GCP.CredentialsFile)
	if err != nil {
		return &fault.Error{Problem: "read the credentials of Google Cloud: " + err.Error(), Hint: googleFileHint, Err: err}
	}
	file := parseDocument(text)
	own, ownErr := url.Parse(k.Job.RequestURL)
	source, err := url.Parse(file.text("credential_source", "url"))
	switch {
	case file.text("type") != "external_account", err != nil, source.Host == "":
		return fault.New("the credentials of Google Cloud are not those of a workload identity", googleFileHint)
	case ownErr != nil, source.Host != own.Host:
		return fault.New("the credentials of Google Cloud are not those of this job", googleFileHint)
	}
	k.provider = strings.TrimPrefix(file.text("audience"), "//iam."+k.universe+"/")
	k.audience = cmp.Or(k.audience, source.Query().Get("audience"))
	if _, account, ok := strings.Cut(file.text("service_account_impersonation_url"), "/serviceAccounts/"); ok {
		k.serviceAccount = cmp.Or(k.serviceAccount, strings.TrimSuffix(account, ":generateAccessToken"))
	}
	return nil
}

func (k *cloudKMS) sign(ctx context.Context, p payload) ([]byte, error) {
	const op = "sign with Cloud KMS"
	answer, err := k.ask(ctx, op, http.MethodPost, ":asymmetricSign", map[string]any{"digest": map[string][]byte{"sha256": p.digest}})
	if err == nil && answer.text("name") != k.name() {
		err = notUnderstood(op) // another key has signed
	}
	return answer.bytes("signature"), err
}

func (k *cloudKMS) publicKey(ctx context.Context) (*rsa.PublicKey, error) {
	const op = "get the public key from Cloud KMS"
	answer, err := k.ask(ctx, op, http.MethodGet, "/publicKey", nil)
	if err != nil {
		return nil, err
	}
	return parsePublic(op, answer.text("pem"))
}

// name returns the name of the version of the key.
func (k *cloudKMS) name() string { return k.key + "/cryptoKeyVersions/" + k.version }

func (k *cloudKMS) ask(ctx context.Context, op, method, action string, body any) (document, error) {
	if err := k.authenticate(ctx); err != nil {
		return document{}, err
	}
	return k.request(ctx, op, method, k.kms+"/v1/"+k.name()+action, bearer(k.token), body)
}

// request sends a request to one of Google's addresses.
func (k *cloudKMS) request(ctx context.Context, op, method, url string, header map[string]string, body any) (document, error) {
	return k.call(ctx, Request{Op: op, Setting: "GOOGLE_CLOUD_UNIVERSE_DOMAIN", Method: method, URL: url, Header: header}, body)
}

// authenticate exchanges the job's OIDC token for one of Google Cloud's, unless
// there is one already.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
func (k *cloudKMS) authenticate(ctx context.Context) error {
	if !k.over(k.Now()) {
		return nil
	}
	token, err := k.webIdentity(ctx, "", "", cmp.Or(k.audience, "https://iam."+k.universe+"/"+k.provider))
	if err != nil {
		return err
	}
	const op = "exchange the job's OIDC token at Google Cloud"
	answer, err := k.request(ctx, op, http.MethodPost, k.sts+"/v1/token", object(), object(
		"audience", "//iam."+k.universe+"/"+k.provider,
		"grantType", "urn:ietf:params:oauth:grant-type:token-exchange",
		"requestedTokenType", "urn:ietf:params:oauth:token-type:access_token",
		"scope", googleScope,
		"subjectTokenType", "urn:ietf:params:oauth:token-type:jwt",
		"subjectToken", token.Reveal()))
	if err != nil {
		return err
	}
	made, err := k.secret(op, answer.text("access_token"))
	lifetime := answer.seconds("expires_in")
	if err == nil && k.serviceAccount != "" {
		made, err = k.impersonate(ctx, made)
		lifetime = impersonationTime
	}
	if err == nil {
		k.token = made
		k.set(k.Now(), lifetime)
	}
	return err
}

// impersonationTime is how long the token of a service account lives.
const impersonationTime = 10 * time.Minute

// impersonate returns a token of the service account, which opens Cloud KMS
// alone.
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
func (k *cloudKMS) impersonate(ctx context.Context, federated redact.String) (redact.String, error) {
	const op = "get a token of the service account"
	url := k.iam + "/v1/projects/-/serviceAccounts/" + k.serviceAccount + ":generateAccessToken"
	body := map[string]any{"scope": []string{cloudKMSScope}, "lifetime": "600s"}
	answer, err := k.request(ctx, op, http.MethodPost, url, bearer(federated), body)
	if err != nil {
		return redact.String{}, err
	}
	return k.secret(op, answer.text("accessToken"))
}

var googleAdvice = []advice{
	{"attribute condition", "the attribute condition of the workload identity provider does not admit {sent}: compare it with that"},
	{
		"audience in id token", "the workload identity provider does not take the audience: the token has {sent}. Add that aud to the " +
			"provider's allowed audiences, or set oidc-audience to one of them",
	},
	{
		"invalid_target", "there is no such workload identity provider, or it is disabled: check gcp-workload-identity-provider, which " +
			"has the number of the project and not its id",
	},
	{"issuer", "the workload identity provider is for another issuer than the GitHub of this job: it must be " + issuer},
	{"stale to sign-in", "the token with {sent} came too late or too early: run the job again, and check the clock of this machine"},
	{"invalid_grant", "the workload identity provider does not admit {sent}: compare its settings with that"},
	{
		"getaccesstoken", "the identity of the job with {sent} may not act as {who}: give it the role roles/iam.workloadIdentityUser " +
			"on that service account, and check its name",
	},
	{"usetosign", "{who} may not sign: give it the role roles/cloudkms.signer on the key, and check {key}"},
	{"viewpublickey", "give {who} the role roles/cloudkms.publicKeyViewer on the key, or give the App's public key as a PEM"},
	{"state is: disabled", "the version of the key is disabled: enable {key} in Cloud KMS"},
	{"state is: destroy", "the version of the key is destroyed or will be: restore {key} if that is still possible, or import it again"},
	{"state is: pending_import", "the import of the key has not ended: wait for it, or import the App's key again"},
	{"state is: import_failed", "the import of the key has failed: import the App's key again"},
	{"failed_precondition", "the key can't be used in its state: look at {key} in Cloud KMS"},
	{
		"invalid_argument", "the key is not one that signs with RSA_SIGN_PKCS1_2048_SHA256: import the App's private key with that " +
			"algorithm, and check {key}",
	},
	{"has not been used in project", "enable the Cloud KMS API in the project of the key"},
	{"unauthenticated", "Google Cloud does not take the credential: run the step again"},
}
