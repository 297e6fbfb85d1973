package custody

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
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

// As JSON, a configuration has no credential, and one that is read back leaves
// those of now in place.
func TestConfigAsJSON(t *testing.T) {
	at := func(when string) Config {
		c := FromEnvironment("hashivault://app", func(name string) string { return when + " " + name })
		c.Send, c.Now, c.Done = (&world{}).send, func() time.Time { return start }, func(string) {}
		return c
	}
	then := at("then")
	text, err := json.Marshal(then)
	if err != nil {
		t.Fatal(err)
	}
	for _, credential := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET", "AWS_SESSION", "VAULT_TOKEN", "ID_TOKEN", shown} {
		if strings.Contains(string(text), credential) {
			t.Errorf("%s is in %s", credential, text)
		}
	}
	c := at("now")
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if c.Vault.URL != "then VAULT_ADDR" || c.AgentSocket != "then SSH_AUTH_SOCK" || c.GCP.CredentialsFile != "then GOOGLE_GHA_CREDS_PATH" {
		t.Errorf("a setting of then is lost: %+v", c)
	}
	got := []string{
		c.Job.RequestURL, c.Job.RequestToken.Reveal(), c.AWS.AccessKeyID, c.AWS.SecretAccessKey.Reveal(), c.Vault.Token.Reveal(),
	}
	for _, credential := range got {
		if !strings.HasPrefix(credential, "now ") {
			t.Errorf("the credential is %q", credential)
		}
	}
}

const shown = "***" // what a secret is where it is not revealed
