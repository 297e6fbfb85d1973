package custody

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"net/http"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// transit is a key of the transit engine of HashiCorp Vault or OpenBao.
type transit struct {
	*service
	address string
	path    string // of the JWT auth method
	engine  string // path of the transit engine
	token   redact.String
	own     bool   // the token was got here, and has to be revoked
	version string // of the key that signed last
	lease
}

var (
	vaultPath      = pattern.Pattern{Text: `^[0-9A-Za-z_-][0-9A-Za-z._-]*(?:/[0-9A-Za-z_-][0-9A-Za-z._-]*)*$`}
	vaultRole      = pattern.Pattern{Text: `^[0-9A-Za-z._:@-]{1,256}$`}
	vaultSignature = pattern.Pattern{Text: `^vault:v([0-9]{1,9}):([0-9A-Za-z+/]+={0,2})$`}
)

// newVault checks the settings for a key of a transit engine.
func newVault(s *service) (custodian, error) {
	k := &transit{
		service: s, token: s.Vault.Token,
		path: strings.Trim(cmp.Or(s.Vault.Path, "jwt"), "/"), engine: strings.Trim(cmp.Or(s.Vault.Transit, "transit"), "/"),
	}
	k.Vault.Namespace = strings.Trim(k.Vault.Namespace, "/")
	k.advice, k.who = vaultAdvice, cmp.Or(k.Vault.Role, "the token in VAULT_TOKEN")
	switch {
	case k.Vault.URL == "":
		return nil, fault.New("key needs the address of the vault", "set vault-url, as in https://vault.example.com:8200")
	case k.Vault.Role == "" && k.token.Empty():
		return nil, fault.New("key needs a credential of the vault",
			"set vault-role to a role of its JWT auth method, or run hashicorp/vault-action with exportToken in an earlier step")
	case k.Vault.Role == "" && !redact.IsWord(k.token.Reveal()):
		return nil, fault.New("VAULT_TOKEN is not a token", "it has spaces or other characters that no token has")
	case k.Vault.Role != "" && !vaultRole.Matches(k.Vault.Role):
		return nil, fault.New("vault-role is not the name of a role", "give the name alone, as in valetkey")
	case !vaultPath.Matches(k.path):
		return nil, fault.New("vault-path is not the path of an auth method", "give the path alone, as in jwt")
	case !vaultPath.Matches(k.engine):
		return nil, fault.New("TRANSIT_SECRET_ENGINE_PATH is not the path of an engine", "give the path alone, as in transit")
	case k.Vault.Namespace != "" && !vaultPath.Matches(k.Vault.Namespace):
		return nil, fault.New("vault-namespace is not a namespace", "give its path, as in admin/team")
	}
	if k.Vault.Role != "" {
		k.token = redact.String{}
	}
	var err error
	k.address, err = endpoint("vault-url", k.Vault.URL)
	return k, err
}

func (k *transit) sign(ctx context.Context, p payload) ([]byte, error) {
	const op = "sign with the vault's transit engine"
	if err := k.login(ctx); err != nil {
		return nil, err
	}
	answer, err := k.ask(ctx, op, http.MethodPost, k.engine+"/sign/"+k.key+"/sha2-256",
		map[string]any{"input": p.digest, "prehashed": true, "signature_algorithm": "pkcs1v15"})
	if err != nil {
		return nil, err
	}
	found := vaultSignature.Regexp().FindStringSubmatch(answer.text("data", "signature"))
	if found == nil {
		return nil, notUnderstood(op)
	}
	k.version = found[1]
	return document{found[2]}.bytes(), nil
}

// publicKey returns the public key of the version that signed last.
func (k *transit) publicKey(ctx context.Context) (*rsa.PublicKey, error) {
	const op = "get the public key from the vault's transit engine"
	answer, err := k.ask(ctx, op, http.MethodGet, k.engine+"/keys/"+k.key, nil)
	if err != nil {
		return nil, err
	}
	return parsePublic(op, answer.text("data", "keys", k.version, "public_key"))
}

// close revokes the token that the step got itself, with all that it made.
func (k *transit) close(ctx context.Context) error {
	if !k.own || k.token.Empty() {
		return nil
	}
	_, err := k.ask(ctx, "revoke the vault's token", http.MethodPost, "auth/token/revoke-self", nil)
	k.token, k.lease = redact.String{}, lease{}
	var refused *refusal
	if errors.As(err, &refused) {
		return &fault.Error{Problem: err.Error(), Hint: "the token ends by itself, at the end of its lease; allow " + k.who +
			" update on the path auth/token/revoke-self", Err: err}
	}
	return err
}

func (k *transit) ask(ctx context.Context, op, method, path string, body any) (document, error) {
	header := object("X-Vault-Request", "true")
	if !k.token.Empty() {
		header["X-Vault-Token"] = k.token.Reveal()
	}
	if k.Vault.Namespace != "" {
		header["X-Vault-Namespace"] = k.Vault.Namespace
	}
	return k.call(ctx, Request{
		Op: op, Setting: "vault-url", Method: method, URL: k.address + "/v1/" + path, Header: header,
	}, body)
}

// login gets a token for the role, unless there is one already.
// https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login
func (k *transit) login(ctx context.Context) error {
	if k.Vault.Role == "" || !k.token.Empty() && !k.over(k.Now()) {
		return nil
	}
	token, err := k.webIdentity(ctx, "", "", "")
	if err != nil {
		return err
	}
	const op = "log in to the vault"
	_ = k.close(ctx) // the token of an earlier login, which has ended or will soon
	answer, err := k.ask(ctx, op, http.MethodPost, "auth/"+k.path+"/login", object("role", k.Vault.Role, "jwt", token.Reveal()))
	if err != nil {
		return err
	}
	if k.token, err = k.secret(op, answer.text("auth", "client_token")); err == nil {
		k.own = true
		k.set(k.Now(), answer.seconds("auth", "lease_duration"))
	}
	return err
}

var vaultAdvice = []advice{
	{
		"invalid audience|audience claim", "the role {who} takes no such audience: the token has {sent}. Add that aud to the role's " +
			"bound_audiences, or set oidc-audience to one of them",
	},
	{"error validating claims", "the role {who} does not admit {sent}: compare its bound_claims with that"},
	{"(sub) claim", "the role {who} does not admit {sent}: compare its bound_subject with that"},
	{"(iss) claim", "the JWT auth method is for another issuer than the GitHub of this job: its bound_issuer must be " + issuer},
	{"could not be found|missing role", "there is no such role: check vault-role, vault-path and vault-namespace"},
	{"expired|not yet valid", "the token with {sent} came too late or too early: check the clocks of this machine and of the vault"},
	{"error verifying token", "the vault does not trust the token with {sent}: check the issuer and the keys of its JWT auth method"},
	{
		"permission denied", "{who} may not do that: allow update on the path transit/sign/KEY in its policy, and check vault-path, " +
			"vault-namespace and TRANSIT_SECRET_ENGINE_PATH, since the vault says the same where nothing is mounted",
	},
	{"signing key not found|encryption key not found", "the transit engine has no such key: check {key}, and import the App's private key"},
	{
		"no handler for route|unsupported path", "no such engine or auth method is mounted there: check vault-path, vault-namespace, and " +
			"TRANSIT_SECRET_ENGINE_PATH",
	},
	{"does not support signing|ed25519", "the key is not an RSA key that signs: import the App's private key as type rsa-2048"},
	{"sealed", "the vault is sealed: its administrator must unseal it"},
}
