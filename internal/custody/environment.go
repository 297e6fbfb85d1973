package custody

import (
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// FromEnvironment returns a configuration of what the runner and earlier steps
// have put into the environment, under the names that each custodian's own
// tools use. The URI decides whether the names of OpenBao count. getenv is
// called for these names and no others. The functions of the result are nil.
func FromEnvironment(uri string, getenv func(string) string) (c Config) {
	prefix := "VAULT_"
	if strings.HasPrefix(uri, "openbao:") {
		prefix = "BAO_"
	}
	for _, v := range []struct {
		to    *string
		names [2]string // the first that is set counts
	}{
		{&c.Job.RequestURL, [2]string{"ACTIONS_ID_TOKEN_REQUEST_URL"}},
		{&c.AWS.Region, [2]string{"AWS_REGION", "AWS_DEFAULT_REGION"}},
		{&c.AWS.AccessKeyID, [2]string{"AWS_ACCESS_KEY_ID"}},
		{&c.AWS.FileRole, [2]string{"AWS_ROLE_ARN"}},
		{&c.AWS.TokenFile, [2]string{"AWS_WEB_IDENTITY_TOKEN_FILE"}},
		{&c.AWS.KMSEndpoint, [2]string{"AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"}},
		{&c.AWS.STSEndpoint, [2]string{"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}},
		{&c.GCP.CredentialsFile, [2]string{"GOOGLE_GHA_CREDS_PATH", "GOOGLE_APPLICATION_CREDENTIALS"}},
		{&c.GCP.Universe, [2]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN"}},
		{&c.GCP.KMSEndpoint, [2]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"}},
		{&c.GCP.STSEndpoint, [2]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_STS"}},
		{&c.GCP.IAMEndpoint, [2]string{"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"}},
		{&c.Azure.TenantID, [2]string{"AZURE_TENANT_ID"}},
		{&c.Azure.EarlierClientID, [2]string{"AZURE_CLIENT_ID"}},
		{&c.Azure.TokenFile, [2]string{"AZURE_FEDERATED_TOKEN_FILE"}},
		{&c.Azure.AuthorityHost, [2]string{"AZURE_AUTHORITY_HOST"}},
		{&c.Vault.URL, [2]string{prefix + "ADDR", "VAULT_ADDR"}},
		{&c.Vault.Namespace, [2]string{prefix + "NAMESPACE", "VAULT_NAMESPACE"}},
		{&c.Vault.Transit, [2]string{"TRANSIT_SECRET_ENGINE_PATH"}},
		{&c.AgentSocket, [2]string{"SSH_AUTH_SOCK"}},
	} {
		*v.to = first(getenv, v.names)
	}
	for _, v := range []struct {
		to    *redact.String
		names [2]string
	}{
		{&c.Job.RequestToken, [2]string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN"}},
		{&c.AWS.SecretAccessKey, [2]string{"AWS_SECRET_ACCESS_KEY"}},
		{&c.AWS.SessionToken, [2]string{"AWS_SESSION_TOKEN"}},
		{&c.Vault.Token, [2]string{prefix + "TOKEN", "VAULT_TOKEN"}},
	} {
		*v.to = redact.New(first(getenv, v.names))
	}
	isTrue := func(name string) bool { return strings.EqualFold(getenv(name), "true") }
	c.AWS.FIPS = isTrue("AWS_USE_FIPS_ENDPOINT")
	if isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		c.AWS.KMSEndpoint, c.AWS.STSEndpoint = "", ""
	}
	return c
}

func first(getenv func(string) string, names [2]string) string {
	for _, name := range names {
		if name == "" {
			break
		}
		if value := getenv(name); value != "" {
			return value
		}
	}
	return ""
}
