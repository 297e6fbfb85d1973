package custody

import (
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

const (
	azureClient  = "11111111-2222-3333-4444-555555555555"
	azureTenant  = "66666666-7777-8888-9999-aaaaaaaaaaaa"
	azureVersion = "0123456789abcdef0123456789abcdef"
)

// azureCloud serves the calls as they are documented:
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
// https://learn.microsoft.com/en-us/rest/api/keyvault/keys/sign/sign
// https://learn.microsoft.com/en-us/rest/api/keyvault/keys/get-key/get-key
func azureCloud(w *world, authority, vault, scope string) {
	token := ""
	w.hosts[authority] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.headers(r, "Content-Type")
		if err := r.ParseForm(); err != nil {
			w.t.Error(err)
		}
		want := url.Values{"grant_type": {"client_credentials"}, "client_id": {azureClient}, "scope": {scope}}
		assertion := r.PostForm.Get("client_assertion")
		if _, aud := w.claimsOf(assertion); aud != "api://AzureADTokenExchange" {
			w.t.Errorf("the OIDC token is for %s", aud)
		}
		want.Set("client_assertion", assertion)
		want.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		if r.Method != http.MethodPost || r.URL.RequestURI() != "/"+azureTenant+"/oauth2/v2.0/token" ||
			r.PostForm.Encode() != want.Encode() {
			w.t.Errorf("%s %s %v", r.Method, r.URL, r.PostForm)
		}
		token = w.issue("azure")
		w.reply(rw, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": token})
	})
	w.hosts[vault] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.used(token)
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.t.Errorf("the vault got %s", r.Header.Get("Authorization"))
		}
		id := "https://" + vault + "/keys/keeper/" + azureVersion
		switch r.Method + " " + r.URL.RequestURI() {
		case "POST /keys/keeper/sign?api-version=7.4", "POST /keys/keeper/" + azureVersion + "/sign?api-version=7.4":
			w.headers(r, "Authorization", "Content-Type")
			var b struct{ Alg, Value string }
			w.body(r, &b)
			digest, err := base64.RawURLEncoding.DecodeString(b.Value)
			if err != nil || b.Alg != "RS256" {
				w.t.Errorf("%+v: %v", b, err)
			}
			w.reply(rw, map[string]string{"kid": id, "value": base64.RawURLEncoding.EncodeToString(w.signDigest(digest))})
		case "GET /keys/keeper/" + azureVersion + "?api-version=7.4":
			w.headers(r, "Authorization")
			encode := base64.RawURLEncoding.EncodeToString
			w.reply(rw, map[string]any{"attributes": map[string]any{"enabled": true}, "key": map[string]any{
				"kid": id, "kty": "RSA-HSM", "key_ops": []string{"sign"},
				"n": encode(w.key.N.Bytes()), "e": encode(big.NewInt(int64(w.key.E)).Bytes()),
			}})
		default:
			w.t.Errorf("%s %s", r.Method, r.URL)
		}
	})
}

func TestAzure(t *testing.T) {
	application := Azure{ClientID: azureClient, TenantID: azureTenant}
	earlier := Azure{EarlierClientID: azureClient, TenantID: azureTenant}
	withFile := earlier
	withFile.TokenFile = "/var/run/token"
	china := application
	china.AuthorityHost = "https://login.chinacloudapi.cn/"
	local := application
	local.AuthorityHost = "http://127.0.0.1:2"
	both := withFile
	both.ClientID = azureClient
	for name, c := range map[string]struct {
		uri                     string
		config                  Azure
		authority, vault, scope string
		asked                   int // requests of the first signature
	}{
		"by its name": {
			"azurekms://acme/keeper", application, "login.microsoftonline.com", "acme.vault.azure.net", "vault.azure.net", 4,
		},
		"with its version": {
			"azurekms://acme/keeper/" + azureVersion, application, "login.microsoftonline.com", "acme.vault.azure.net", "vault.azure.net",
			4,
		},
		"by its host": {
			"azurekms://Acme.vault.azure.net/keeper", application, "login.microsoftonline.com", "acme.vault.azure.net", "vault.azure.net",
			4,
		},
		"a managed HSM": {
			"azurekms://acme.managedhsm.azure.net/keeper", application, "login.microsoftonline.com", "acme.managedhsm.azure.net",
			"managedhsm.azure.net", 4,
		},
		"of a government": {
			"azurekms://acme.vault.usgovcloudapi.net/keeper", application, "login.microsoftonline.us", "acme.vault.usgovcloudapi.net",
			"vault.usgovcloudapi.net", 4,
		},
		"in China":          {"azurekms://acme/keeper", china, "login.chinacloudapi.cn", "acme.vault.azure.cn", "vault.azure.cn", 4},
		"on this machine":   {"azurekms://127.0.0.1:1/keeper", local, "127.0.0.1:2", "127.0.0.1:1", "vault.azure.net", 4},
		"an earlier step's": {"azurekms://acme/keeper", earlier, "login.microsoftonline.com", "acme.vault.azure.net", "vault.azure.net", 4},
		"with a file": {
			"azurekms://acme/keeper", withFile, "login.microsoftonline.com", "acme.vault.azure.net", "vault.azure.net", 3,
		},
		"the input counts": {"azurekms://acme/keeper", both, "login.microsoftonline.com", "acme.vault.azure.net", "vault.azure.net", 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			azureCloud(w, c.authority, c.vault, "https://"+c.scope+"/.default")
			w.config.Azure = c.config
			w.config.ReadFile = func(string) ([]byte, error) {
				return []byte(w.jwt(map[string]any{"sub": "pod", "aud": "api://AzureADTokenExchange"}) + "\n"), nil
			}
			k := w.open(c.uri)
			w.sign(k)
			if len(w.asked) != c.asked {
				t.Errorf("asked %v", w.asked)
			}
			w.asked = nil
			w.sign(k)
			w.wantAsked("POST " + c.vault + "/keys/keeper/" + azureVersion + "/sign")
		})
	}
}

// The token goes to no host that is not one of Azure's.
func TestAzureSettings(t *testing.T) {
	good := Azure{ClientID: azureClient, TenantID: azureTenant}
	for _, c := range []struct {
		uri    string
		config Azure
		want   string
	}{
		{"azurekms://acme/k", Azure{}, "key needs a credential of Azure"},
		{"azurekms://acme/k", Azure{ClientID: azureClient}, "key needs a credential of Azure"},
		{"azurekms://acme/k", Azure{ClientID: "app", TenantID: azureTenant}, "azure-client-id is not the id of an application"},
		{"azurekms://acme/k", Azure{ClientID: azureClient, TenantID: "a/b"}, "azure-tenant-id is not the id of a tenant"},
		{"azurekms://acme.vault.azure.net.evil.test/k", good, "key is not in a vault of Azure"},
		{"azurekms://evil.test/k", good, "key is not in a vault of Azure"},
		{"azurekms://acme.blob.azure.net/k", good, "key is not in a vault of Azure"},
		{"azurekms://10.0.0.1:443/k", good, "key is not in a vault of Azure"},
		{"azurekms://localhost/k", good, "key is not in a vault of Azure"},
		{
			"azurekms://acme/k",
			Azure{ClientID: azureClient, TenantID: azureTenant, AuthorityHost: "https://u:p@h"},
			"AZURE_AUTHORITY_HOST is not",
		},
	} {
		w := newWorld(t)
		w.config.Azure = c.config
		if _, err := Open(t.Context(), c.uri, w.config); err == nil || !strings.HasPrefix(err.Error(), c.want) || fault.Hint(err) == "" {
			t.Errorf("%s: %v, want %s", c.uri, err, c.want)
		}
	}
}

// Another key or version than the one that was meant has signed.
func TestAzureSignsWithAnotherKey(t *testing.T) {
	for _, kid := range []string{
		"https://acme.vault.azure.net/keys/other/" + azureVersion, "https://acme.vault.azure.net/keys/keeper/ffff", "", "%",
		"/keys/keeper/a/b",
	} {
		w := newWorld(t)
		azureCloud(w, "login.microsoftonline.com", "acme.vault.azure.net", "https://vault.azure.net/.default")
		w.config.Azure = Azure{ClientID: azureClient, TenantID: azureTenant}
		w.refuse["POST acme.vault.azure.net/keys/keeper/"+azureVersion+"/sign"] = answer{status: 200, body: `{"kid":"` + kid +
			`","value":"AAAA"}`}
		if got := w.signError(w.open("azurekms://acme/keeper/" + azureVersion)); !strings.Contains(got, "not what the service describes") {
			t.Errorf("%s: %s", kid, got)
		}
	}
}

func TestAzureAdvice(t *testing.T) {
	entra := func(code, text string) string {
		return `{"error":"invalid_client","error_description":"AADSTS` + code + `: ` + text + `","error_codes":[` + code + `]}`
	}
	vault := func(code, inner, text string) string {
		return `{"error":{"code":"` + code + `","message":"` + text + `","innererror":{"code":"` + inner + `"}}}`
	}
	testAdvice(t, azureAdvice, []adviceTest{
		{
			401, entra("700213", "No matching federated identity record found for presented assertion subject 'x'."),
			"the application has no federated " +
				"credential for sub SUB and aud AUD: add one",
		},
		{
			401, entra("700212", "No matching federated identity record found for presented assertion audience 'x'."),
			"the application has no federated " +
				"credential for the audience",
		},
		{
			401, entra("700211", "No matching federated identity record found for presented assertion issuer 'x'."),
			"the application has no federated " +
				"credential for the issuer",
		},
		{401, entra("70021", "No matching federated identity record found."), "the application has no federated credential for sub SUB"},
		{400, entra("700016", "Application with identifier 'x' was not found in the directory 'y'."), "there is no such application"},
		{400, entra("90002", "Tenant 'x' not found."), "there is no such tenant"},
		{401, entra("700024", "Client assertion is not within its valid time range."), "the token with sub SUB and aud AUD came too late"},
		{
			403, vault("Forbidden", "KeyDisabled", "Operation sign is not allowed on a disabled key."),
			"the key is disabled: enable hashivault://app",
		},
		{403, vault("Forbidden", "KeyNotYetValid", "x"), "the key can't be used yet"},
		{403, vault("Forbidden", "KeyExpired", "x"), "the key has expired"},
		{400, vault("BadParameter", "", "Operation sign is not permitted on this key."), "the key may not sign"},
		{403, vault("Forbidden", "ForbiddenByFirewall", "Client address is not authorized."), "the firewall of the vault"},
		{403, vault("Forbidden", "ForbiddenByConnection", "Public network access is disabled."), "the vault takes no connections"},
		{
			403, vault("Forbidden", "ForbiddenByRbac", "Caller is not authorized. Action: 'Microsoft.KeyVault/vaults/keys/sign/action'"),
			"ROLE may not " +
				"sign: give it the role",
		},
		{
			403, vault("Forbidden", "ForbiddenByPolicy", "The user does not have keys sign permission on key vault 'x'"),
			"ROLE may not sign: give it the " +
				"key permission",
		},
		{
			403, vault("Forbidden", "ForbiddenByRbac", "Caller is not authorized. Action: 'Microsoft.KeyVault/vaults/keys/read'"),
			"allow ROLE to read",
		},
		{403, vault("Forbidden", "ForbiddenByPolicy", "The user does not have keys get permission on key vault 'x'"), "allow ROLE to read"},
		{403, vault("Forbidden", "", "Something new"), "ROLE may not sign"},
		{401, vault("Unauthorized", "", "AKV10032: Invalid issuer."), "the vault is of another tenant"},
		{404, vault("KeyNotFound", "", "A key with (name/id) x was not found."), "there is no such key in the vault"},
		{400, vault("BadParameter", "", "Key and signing algorithm are incompatible."), "the key is not one that signs with RS256"},
	})
}
