package custody

import (
	"context"
	"crypto"
	"net"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Config is what signing works with. Of the functions, each kind of key needs
// its own: Send for services over the network, Dial for an SSH agent, ReadFile
// and ParseKey for a file, and ReadFile also for what an earlier step wrote into
// one. Those that only tell may be nil.
//
// The rest is plain data. [FromEnvironment] fills it with what earlier steps
// and the runner have configured, and the inputs of a step go over that. As
// JSON, a configuration has neither its functions nor its credentials: with the
// credentials of then, a later step of the job signs with the same key.
type Config struct {
	Send     func(context.Context, Request) (Response, error)           `json:"-"` // sends one request, with the retries that it takes
	Dial     func(ctx context.Context, socket string) (net.Conn, error) `json:"-"` // connects to a Unix socket
	ReadFile func(path string) ([]byte, error)                          `json:"-"` // returns a file of a bounded size
	ParseKey func(pem redact.String) (crypto.Signer, error)             `json:"-"` // parses the private key of an App
	Secret   func(redact.String)                                        `json:"-"` // masks a credential, before its first use
	Warning  func(format string, args ...any)                           `json:"-"` // reports what fails nothing, such as a wrong clock
	Info     func(format string, args ...any)                           `json:"-"` // reports what was not checked
	Done     func(step string)                                          `json:"-"` // reports each request that was answered well
	Now      func() time.Time                                           `json:"-"` // nil: this machine's clock

	// PublicKey is the App's public key, as a PEM or as the fingerprint that
	// the App's settings page shows: SHA256:…. With it, no other key's
	// signature is accepted, whatever the custodian says. For a PEM the
	// custodian is not asked for the public key, for a fingerprint it must tell
	// it. If PublicKey is empty, a signature is checked against the public key
	// that the custodian tells, if it does.
	PublicKey string

	Job      Job    `json:"-"`
	Audience string // of the job's OIDC token; empty: what each custodian's own action asks for

	AWS   AWS
	GCP   GCP
	Azure Azure
	Vault Vault

	AgentSocket string // SSH_AUTH_SOCK
}

// Job is how the job gets an OIDC token of GitHub. Without the permission
// id-token: write both fields are empty.
type Job struct {
	RequestURL   string        // ACTIONS_ID_TOKEN_REQUEST_URL
	RequestToken redact.String // ACTIONS_ID_TOKEN_REQUEST_TOKEN
}

// AWS says who signs with a key in AWS KMS, and where. Role is taken with the
// job's OIDC token. If it is empty, what an earlier step has configured counts.
type AWS struct {
	Role   string // the ARN of a role: aws-role-to-assume
	Region string // aws-region, else AWS_REGION; of a key that is given by its ARN, the ARN tells it

	AccessKeyID     string        `json:"-"` // AWS_ACCESS_KEY_ID
	SecretAccessKey redact.String `json:"-"` // AWS_SECRET_ACCESS_KEY
	SessionToken    redact.String `json:"-"` // AWS_SESSION_TOKEN
	FileRole        string        // AWS_ROLE_ARN, which is taken with the token in TokenFile
	TokenFile       string        // AWS_WEB_IDENTITY_TOKEN_FILE

	KMSEndpoint string // AWS_ENDPOINT_URL_KMS, else AWS_ENDPOINT_URL; empty: by the region
	STSEndpoint string // AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL; empty: by the region
	FIPS        bool   // AWS_USE_FIPS_ENDPOINT
}

// GCP says who signs with a key in Cloud KMS. Provider is used with the job's
// OIDC token. If it is empty, what an earlier step has configured counts.
type GCP struct {
	Provider       string // gcp-workload-identity-provider: projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER
	ServiceAccount string // gcp-service-account, its e-mail; empty: the identity of the job signs itself

	CredentialsFile string // of google-github-actions/auth: GOOGLE_GHA_CREDS_PATH, else GOOGLE_APPLICATION_CREDENTIALS

	Universe string // GOOGLE_CLOUD_UNIVERSE_DOMAIN; empty: googleapis.com

	// The addresses that gcloud takes from CLOUDSDK_API_ENDPOINT_OVERRIDES_…
	// (CLOUDKMS, STS, IAMCREDENTIALS); empty: by the universe.
	KMSEndpoint, STSEndpoint, IAMEndpoint string
}

// Azure says who signs with a key in Azure Key Vault. The application is used
// with the job's OIDC token. If ClientID is empty, what an earlier step has
// configured counts: an application that is used with the token in TokenFile,
// or else with the job's OIDC token too.
type Azure struct {
	ClientID string // of the application: azure-client-id
	TenantID string // azure-tenant-id, else AZURE_TENANT_ID

	EarlierClientID string // AZURE_CLIENT_ID
	TokenFile       string // AZURE_FEDERATED_TOKEN_FILE

	AuthorityHost string // AZURE_AUTHORITY_HOST; empty: by the vault
}

// Vault says who signs with a key of the transit engine of HashiCorp Vault or
// OpenBao. Role is taken with the job's OIDC token. If it is empty, Token is
// used, and stays alive.
type Vault struct {
	URL       string        // vault-url, else VAULT_ADDR
	Role      string        // vault-role
	Path      string        // of the JWT auth method: vault-path; empty: jwt
	Namespace string        // vault-namespace, else VAULT_NAMESPACE
	Token     redact.String `json:"-"` // VAULT_TOKEN
	Transit   string        // of the transit engine: TRANSIT_SECRET_ENGINE_PATH; empty: transit
}

// Request is one request to a custodian. All of them may be sent again: they
// sign, or make a credential that lives for minutes.
type Request struct {
	Op      string            // what it does, in words: "sign with AWS KMS"
	Setting string            // the settings that its address comes from, for a hint: "aws-region"
	Method  string            // GET or POST
	URL     string            // https, or http to this machine
	Header  map[string]string // never to be shown
	Body    []byte            // never to be shown
	Busy    []string          // what a refusal contains that means: try again later
}

// Response is the answer, whatever its status. A redirect is none: Send follows
// none and returns an error.
type Response struct {
	Status int
	Date   time.Time // by the clock of the host; zero: it does not say
	Body   []byte    // bounded by Send
}
