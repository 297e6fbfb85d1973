package custody

import (
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// keyVault is a key in Azure Key Vault or in a managed HSM.
type keyVault struct {
	*service
	vault, authority string // addresses
	domain           string // whose scope the token has: vault.azure.net
	client, tenant   string
	tokenFile        string // with a token in place of the job's
	token            redact.String
	lease
}

// azureClouds has the domains of vaults, and the authorities of their clouds.
var azureClouds = []struct{ domain, authority string }{
	{"azure.net", "login.microsoftonline.com"},
	{"usgovcloudapi.net", "login.microsoftonline.us"},
	{"azure.cn", "login.partner.microsoftonline.cn"},
	{"azure.cn", "login.chinacloudapi.cn"},
}

var (
	azureID   = pattern.Pattern{Text: `^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`}
	azureName = pattern.Pattern{Text: `^[0-9A-Za-z-]{1,64}$`}
	azureHost = pattern.Pattern{Text: `^[0-9a-z-]{1,64}\.((?:vault|managedhsm)\.(?:azure\.net|azure\.cn|usgovcloudapi\.net))$`}
	azureZone = pattern.Pattern{Text: `^[0-9A-Za-z.-]{1,253}$`} // a tenant by one of its domains
)

// newAzure checks the settings for a key in Azure Key Vault.
func newAzure(s *service) (custodian, error) {
	k := &keyVault{service: s, client: s.Azure.ClientID, tenant: s.Azure.TenantID}
	if k.client == "" {
		k.client, k.tokenFile = s.Azure.EarlierClientID, s.Azure.TokenFile
	}
	k.advice, k.who = azureAdvice, "the application "+k.client
	switch {
	case k.client == "" || k.tenant == "":
		return nil, fault.New("key needs a credential of Azure",
			"set azure-client-id and azure-tenant-id to those of an application that trusts the job's OIDC token")
	case !azureID.Matches(k.client):
		return nil, fault.New("azure-client-id is not the id of an application",
			"it is its Application (client) ID, as on its page in Azure")
	case !azureZone.Matches(k.tenant):
		return nil, fault.New("azure-tenant-id is not the id of a tenant",
			"it is the Directory (tenant) ID, as on the application's page in Azure")
	}
	return k, k.addresses()
}

// addresses finds where the vault and its authority are. The token goes to no
// host that is not one of Azure's, but for this machine.
func (k *keyVault) addresses() (err error) {
	cloud := azureClouds[0]
	for _, c := range azureClouds {
		if strings.Contains(k.Azure.AuthorityHost, c.authority) || strings.HasSuffix(strings.ToLower(k.host), "."+c.domain) {
			cloud = c
			break
		}
	}
	host := strings.ToLower(k.host)
	if azureName.Matches(host) && host != "localhost" {
		host += ".vault." + cloud.domain
	}
	k.vault = hostURL(host)
	if found := azureHost.Regexp().FindStringSubmatch(host); found != nil {
		k.domain = found[1]
	} else if name, _, err := net.SplitHostPort(host); err == nil && address.IsLoopback(name) {
		k.domain = "vault." + cloud.domain
	} else {
		return fault.New("key is not in a vault of Azure", "write it as azurekms://VAULT/KEY, or with the whole name of the vault's host")
	}
	authority := cmp.Or(k.Azure.AuthorityHost, "https://"+cloud.authority)
	if !strings.Contains(authority, "://") {
		authority = "https://" + authority
	}
	k.authority, err = endpoint("AZURE_AUTHORITY_HOST", authority)
	return err
}

// hostURL returns the address of a host in a URI: by https, and on this machine
// by http.
func hostURL(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if address.IsLoopback(name) {
		return "http://" + host
	}
	return "https://" + host
}

func (k *keyVault) sign(ctx context.Context, p payload) ([]byte, error) {
	const op = "sign with Azure Key Vault"
	answer, err := k.ask(ctx, op, http.MethodPost, "/sign", object("alg", "RS256", "value", base64.RawURLEncoding.EncodeToString(p.digest)))
	if err != nil {
		return nil, err
	}
	// The answer names the version that signed, and its public key is wanted.
	id, err := url.Parse(answer.text("kid"))
	if err != nil {
		return nil, notUnderstood(op)
	}
	version, ok := strings.CutPrefix(strings.ToLower(id.Path), strings.ToLower("/keys/"+k.key+"/"))
	if !ok || !azureName.Matches(version) || k.version != "" && !strings.EqualFold(k.version, version) {
		return nil, notUnderstood(op) // another key has signed
	}
	k.version = version
	return answer.bytes("value"), nil
}

func (k *keyVault) publicKey(ctx context.Context) (*rsa.PublicKey, error) {
	const op = "get the public key from Azure Key Vault"
	answer, err := k.ask(ctx, op, http.MethodGet, "", nil)
	if err != nil {
		return nil, err
	}
	n, e := new(big.Int).SetBytes(answer.bytes("key", "n")), new(big.Int).SetBytes(answer.bytes("key", "e"))
	if e.BitLen() > 31 {
		return nil, notUnderstood(op)
	}
	return rsaPublic(op, &rsa.PublicKey{N: n, E: int(e.Int64())}, nil)
}

func (k *keyVault) ask(ctx context.Context, op, method, action string, body any) (document, error) {
	if err := k.authenticate(ctx); err != nil {
		return document{}, err
	}
	key := k.vault + "/keys/" + k.key // in its current version
	if k.version != "" {
		key += "/" + k.version
	}
	return k.call(ctx, Request{
		Op: op, Setting: "the name of the vault", Method: method, URL: key + action + "?api-version=7.4", Header: bearer(k.token),
	}, body)
}

// authenticate gets a token for the application, unless there is one already.
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
func (k *keyVault) authenticate(ctx context.Context) error {
	if !k.over(k.Now()) {
		return nil
	}
	token, err := k.webIdentity(ctx, "AZURE_FEDERATED_TOKEN_FILE", k.tokenFile, "api://AzureADTokenExchange")
	if err != nil {
		return err
	}
	const op = "get a token of the application from Azure"
	answer, err := k.call(ctx, Request{
		Op: op, Setting: "azure-tenant-id and AZURE_AUTHORITY_HOST", Method: http.MethodPost,
		URL:    k.authority + "/" + k.tenant + "/oauth2/v2.0/token",
		Header: object("Content-Type", formType),
		Body: form("grant_type", "client_credentials", "client_id", k.client, "scope", "https://"+k.domain+"/.default",
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", token.Reveal()),
	}, nil)
	if err != nil {
		return err
	}
	if k.token, err = k.secret(op, answer.text("access_token")); err == nil {
		k.set(k.Now(), answer.seconds("expires_in"))
	}
	return err
}

var azureAdvice = []advice{
	{"aadsts700213", "the application has no federated credential for {sent}: add one whose subject is exactly that sub"},
	{
		"aadsts700212", "the application has no federated credential for the audience: the token has {sent}. Set the audience of the " +
			"credential to that aud, or oidc-audience to the credential's",
	},
	{"aadsts700211", "the application has no federated credential for the issuer: it must be " + issuer},
	{"aadsts70021", "the application has no federated credential for {sent}: compare its issuer, subject and audience with that"},
	{"aadsts700016", "there is no such application in the tenant: check azure-client-id and azure-tenant-id"},
	{"aadsts90002", "there is no such tenant: check azure-tenant-id, and AZURE_AUTHORITY_HOST in a sovereign cloud"},
	{"aadsts700024", "the token with {sent} came too late or too early: run the job again, and check the clock of this machine"},
	{"keydisabled|disabled key", "the key is disabled: enable {key} in Azure"},
	{"keynotyetvalid", "the key can't be used yet: look at its activation date"},
	{"keyexpired", "the key has expired: change its expiration date in Azure"},
	{"not permitted on this key", "the key may not sign: allow the operation sign for {key}"},
	{"forbiddenbyfirewall", "the firewall of the vault keeps this machine out: allow its address there"},
	{"forbiddenbyconnection", "the vault takes no connections from public networks: run the job where it is reached"},
	{"keys sign permission", "{who} may not sign: give it the key permission Sign in the vault's access policy"},
	{"keys/read|keys get permission", "allow {who} to read the key too, or give the App's public key as a PEM"},
	{"keys/sign|forbidden", "{who} may not sign: give it the role Key Vault Crypto User on the key"},
	{"akv10032", "the vault is of another tenant: set azure-tenant-id to that of the vault's subscription"},
	{"keynotfound", "there is no such key in the vault: check {key}"},
	{"badparameter", "the key is not one that signs with RS256: import the App's private key, which is RSA of 2048 bits"},
}
