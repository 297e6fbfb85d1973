package custody

import (
	"fmt"
	"strings"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	var asked []string
	environment := map[string]string{}
	getenv := func(name string) string {
		asked = append(asked, name)
		return environment[name]
	}
	FromEnvironment("openbao://app", getenv)
	for _, name := range asked {
		environment[name] = "the " + name
	}
	c := FromEnvironment("openbao://app", getenv)
	shown := fmt.Sprintf("%+v %v %v", c, c.AWS.SecretAccessKey.Reveal(), c.Vault.Token.Reveal())
	for _, name := range []string{"BAO_ADDR", "BAO_NAMESPACE", "the BAO_TOKEN", "AWS_ENDPOINT_URL_KMS", "GOOGLE_GHA_CREDS_PATH"} {
		if !strings.Contains(shown, name) {
			t.Errorf("%s is not in %s", name, shown)
		}
	}
	for _, secret := range []string{"the AWS_SESSION_TOKEN", "the ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is in %s", secret, shown)
		}
	}
	if c := FromEnvironment("hashivault://app", getenv); c.Vault.URL != "the VAULT_ADDR" {
		t.Errorf("the address of a Vault is %s", c.Vault.URL)
	}
	environment = map[string]string{
		"VAULT_ADDR": "v", "AWS_ENDPOINT_URL": "any", "AWS_ENDPOINT_URL_STS": "sts", "AWS_DEFAULT_REGION": "r",
		"AWS_USE_FIPS_ENDPOINT": "True",
	}
	c = FromEnvironment("openbao://app", getenv)
	if c.Vault.URL != "v" || c.AWS.KMSEndpoint != "any" || c.AWS.STSEndpoint != "sts" || c.AWS.Region != "r" || !c.AWS.FIPS {
		t.Errorf("%+v", c)
	}
	environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
	if c = FromEnvironment("", getenv); c.AWS.KMSEndpoint+c.AWS.STSEndpoint != "" {
		t.Errorf("%+v", c.AWS)
	}
}
