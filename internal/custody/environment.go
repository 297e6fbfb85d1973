package custody

import (
	"cmp"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// FromEnvironment returns a configuration of what the runner and earlier steps
// have put into the environment, under the names that each custodian's own
// tools use. The URI decides whether the names of OpenBao count. getenv is
// called for these names and no others. The functions of the result are nil.
func FromEnvironment(uri string, getenv func(string) string) Config {
	secret := func(name string) redact.String { return redact.New(getenv(name)) }
	first := func(names ...string) string {
		for _, name := range names {
			if value := getenv(name); value != "" {
				return value
			}
		}
		return ""
	}
	vault := func(name string) string {
		if strings.HasPrefix(uri, "openbao:") {
			return first("BAO_"+name, "VAULT_"+name)
		}
		return getenv("VAULT_" + name)
	}
	anyEndpoint := getenv("AWS_ENDPOINT_URL")
	awsEndpoint := func(service string) string {
		if strings.EqualFold(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
			return ""
		}
		return cmp.Or(getenv("AWS_ENDPOINT_URL_"+service), anyEndpoint)
	}
	googleEndpoint := func(service string) string { return getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_" + service) }
	return Config{
		Job: Job{RequestURL: getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), RequestToken: secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")},
		AWS: AWS{
			Region:      first("AWS_REGION", "AWS_DEFAULT_REGION"),
			AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: secret("AWS_SECRET_ACCESS_KEY"), SessionToken: secret("AWS_SESSION_TOKEN"),
			FileRole: getenv("AWS_ROLE_ARN"), TokenFile: getenv("AWS_WEB_IDENTITY_TOKEN_FILE"),
			KMSEndpoint: awsEndpoint("KMS"), STSEndpoint: awsEndpoint("STS"),
			FIPS: strings.EqualFold(getenv("AWS_USE_FIPS_ENDPOINT"), "true"),
		},
		GCP: GCP{
			CredentialsFile: first("GOOGLE_GHA_CREDS_PATH", "GOOGLE_APPLICATION_CREDENTIALS"),
			AccessToken:     secret("CLOUDSDK_AUTH_ACCESS_TOKEN"),
			Universe:        getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN"),
			KMSEndpoint:     googleEndpoint("CLOUDKMS"), STSEndpoint: googleEndpoint("STS"), IAMEndpoint: googleEndpoint("IAMCREDENTIALS"),
		},
		Azure: Azure{
			TenantID: getenv("AZURE_TENANT_ID"), EarlierClientID: getenv("AZURE_CLIENT_ID"),
			ClientSecret: secret("AZURE_CLIENT_SECRET"), TokenFile: getenv("AZURE_FEDERATED_TOKEN_FILE"),
			AuthorityHost: getenv("AZURE_AUTHORITY_HOST"),
		},
		Vault: Vault{
			URL: vault("ADDR"), Namespace: vault("NAMESPACE"), Token: redact.New(vault("TOKEN")),
			Transit: getenv("TRANSIT_SECRET_ENGINE_PATH"),
		},
		AgentSocket: getenv("SSH_AUTH_SOCK"),
	}
}
