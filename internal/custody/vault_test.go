package custody

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

const vaultHost = "vault.test:8200"

// transitVault serves the calls as they are documented; the real engines are
// for a test of another module.
// https://developer.hashicorp.com/vault/api-docs/secret/transit
// https://developer.hashicorp.com/vault/api-docs/auth/jwt
func transitVault(w *world, version, namespace string) (live *string) {
	live = new(string)
	w.hosts[vaultHost] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Request") != "true" || r.Header.Get("X-Vault-Namespace") != namespace {
			w.t.Errorf("%s has the headers %v", r.URL, r.Header)
		}
		if token := r.Header.Get("X-Vault-Token"); token != *live && token != "" && token != "token-of-an-earlier-step" {
			w.t.Errorf("%s with the token %s", r.URL, token)
		}
		if login := r.URL.Path == "/v1/auth/jwt/login"; login == (r.Header.Get("X-Vault-Token") != "") {
			w.t.Errorf("%s with or without a token", r.URL)
		}
		switch place := r.Method + " " + r.URL.RequestURI(); place {
		case "POST /v1/auth/jwt/login":
			var b struct{ Role, JWT string }
			w.body(r, &b)
			if _, aud := w.claimsOf(b.JWT); b.Role != "keeper" || aud != "https://github.com/acme" {
				w.t.Errorf("%+v for %s", b, aud)
			}
			*live = w.issue("vault")
			w.reply(rw, map[string]any{
				"auth": map[string]any{"client_token": *live, "lease_duration": 3600, "renewable": true},
				"data": nil,
			})
		case "POST /v1/transit/sign/app/sha2-256":
			var b struct {
				Input               []byte
				Prehashed           bool
				SignatureAlgorithm_ string `json:"signature_algorithm"`
			}
			w.body(r, &b)
			if !b.Prehashed || b.SignatureAlgorithm_ != "pkcs1v15" {
				w.t.Errorf("%+v", b)
			}
			w.reply(rw, map[string]any{"data": map[string]any{
				"signature": "vault:v" + version + ":" + base64.StdEncoding.EncodeToString(w.signDigest(b.Input)), "key_version": 1,
			}})
		case "GET /v1/transit/keys/app":
			other := map[string]any{"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}
			w.reply(rw, map[string]any{"data": map[string]any{
				"type": "rsa-2048", "latest_version": 9,
				"keys": map[string]any{"9": other, version: map[string]any{
					"public_key":    publicPEM(w),
					"creation_time": "2026-11-20T12:00:00Z",
				}},
			}})
		case "POST /v1/auth/token/revoke-self":
			w.used(*live)
			*live = ""
			rw.WriteHeader(http.StatusNoContent)
		default:
			w.t.Errorf("%s", place)
		}
	})
	return live
}

const (
	vaultLogin  = "POST " + vaultHost + "/v1/auth/jwt/login"
	vaultSign   = "POST " + vaultHost + "/v1/transit/sign/app/sha2-256"
	vaultPublic = "GET " + vaultHost + "/v1/transit/keys/app"
	vaultRevoke = "POST " + vaultHost + "/v1/auth/token/revoke-self"
)

// The token that the step got itself is revoked at its end, and no other.
func TestVault(t *testing.T) {
	w := newWorld(t)
	live := transitVault(w, "2", "admin/team")
	w.config.Vault = Vault{URL: "https://" + vaultHost + "/", Role: "keeper", Namespace: "admin/team/", Token: redact.New("not-used")}
	now := start
	w.config.Now = func() time.Time { return now }
	k := w.open("openbao://app")
	if err := k.Close(t.Context()); err != nil || len(w.asked) > 0 {
		t.Errorf("closed before it signed: %v, asked %v", err, w.asked)
	}
	w.sign(k)
	w.wantAsked("GET "+idTokenHost+"/token", vaultLogin, vaultSign, vaultPublic)
	w.sign(k)
	w.wantAsked(vaultSign)
	now = now.Add(time.Hour)
	w.sign(k)
	w.wantAsked("GET "+idTokenHost+"/token", vaultRevoke, vaultLogin, vaultSign)
	if err := k.Close(context.WithoutCancel(t.Context())); err != nil || *live != "" {
		t.Errorf("closed: %v, and alive is %q", err, *live)
	}
	w.wantAsked(vaultRevoke)
	if err := k.Close(t.Context()); err != nil || len(w.asked) > 0 {
		t.Errorf("closed again: %v, asked %v", err, w.asked)
	}

	w = newWorld(t)
	transitVault(w, "1", "")
	w.config.Vault = Vault{URL: "https://" + vaultHost, Token: redact.New("token-of-an-earlier-step")}
	k = w.open("hashivault://app")
	w.sign(k)
	if err := k.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantAsked(vaultSign, vaultPublic)
}

// A login whose token can't be masked or sent signs nothing, and a token that
// was got is revoked even if signing failed.
func TestVaultFails(t *testing.T) {
	w := newWorld(t)
	live := transitVault(w, "1", "")
	w.config.Vault = Vault{URL: "https://" + vaultHost, Role: "keeper"}
	w.refuse[vaultSign] = answer{status: 403, body: `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`}
	k := w.open("hashivault://app")
	want := "sign with the vault's transit engine: the answer is 403: 1 error occurred: * permission denied\nhint: keeper may not do that"
	if got := w.signError(k); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	if err := k.Close(t.Context()); err != nil || *live != "" {
		t.Errorf("%v, and alive is %q", err, *live)
	}
	w.refuse[vaultRevoke] = answer{status: 403, body: `{"errors":["permission denied"]}`}
	_ = w.signError(k)
	want = "revoke the vault's token: the answer is 403: permission denied\nhint: the token ends by itself"
	if err := k.Close(t.Context()); err == nil || !strings.HasPrefix(fault.Text(err), want) {
		t.Error(err)
	}
	for _, body := range []string{
		`{"auth":{"client_token":"two words"}}`, `{"auth":{"client_token":null}}`, `{"auth":null}`, `null`, `[]`, ``,
		`{"auth":{"client_token":"a\nb"}}`,
	} {
		w.refuse[vaultLogin] = answer{status: 200, body: body}
		if got := w.signError(w.open("hashivault://app")); !strings.HasPrefix(got, "log in to the vault: the answer is not what") {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestVaultSettings(t *testing.T) {
	const at = "https://" + vaultHost
	for want, c := range map[string]Vault{
		"key needs the address of the vault":                   {Role: "keeper"},
		"key needs a credential of the vault":                  {URL: at},
		"VAULT_TOKEN is not a token":                           {URL: at, Token: redact.New("a b")},
		"vault-role is not the name of a role":                 {URL: at, Role: "a/b"},
		"vault-path is not the path of an auth method":         {URL: at, Role: "keeper", Path: "../sys"},
		"vault-path is not the path":                           {URL: at, Role: "keeper", Path: "a?b"},
		"TRANSIT_SECRET_ENGINE_PATH is not the path of an eng": {URL: at, Role: "keeper", Transit: "a//b"},
		"vault-namespace is not a namespace":                   {URL: at, Role: "keeper", Namespace: "a\r\nb"},
		"vault-url is not the address of a service":            {URL: "https://u:p@" + vaultHost, Role: "keeper"},
		"vault-url is not an http(s) URL":                      {URL: "vault", Role: "keeper"},
	} {
		w := newWorld(t)
		w.config.Vault = c
		if _, err := Open(t.Context(), "hashivault://app", w.config); err == nil || !strings.HasPrefix(err.Error(), want) ||
			fault.Hint(err) == "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestVaultAdvice(t *testing.T) {
	said := func(text string) string { return `{"errors":["` + text + `"]}` }
	testAdvice(t, vaultAdvice, []adviceTest{
		{
			400, said(`error validating token: invalid audience (aud) claim: audience claim does not match any expected audience`),
			"the role ROLE takes no such",
		},
		{
			400, said(`error validating claims: claim \"sub\" does not match any associated bound claim values`),
			"the role ROLE does not admit sub SUB and aud",
		},
		{400, said(`error validating token: invalid subject (sub) claim`), "the role ROLE does not admit sub SUB"},
		{400, said(`error validating token: invalid issuer (iss) claim`), "the JWT auth method is for another issuer"},
		{400, said(`role \"keeper\" could not be found`), "there is no such role"},
		{400, said(`missing role`), "there is no such role"},
		{
			400, said(`error validating token: invalid expiration time (exp) claim: token is expired`),
			"the token with sub SUB and aud AUD came too late",
		},
		{
			400, said(`error validating token: invalid not before (nbf) claim: token not yet valid`),
			"the token with sub SUB and aud AUD came too late",
		},
		{
			400, said(`failed to parse batch item: only Pure Ed25519 signatures supported, prehashed must be false`),
			"the key is not an RSA key",
		},
		{400, said(`audience claim found in JWT but no audiences bound to the role`), "the role ROLE takes no such"},
		{
			400, said(`error verifying token signature: no known key successfully validated the token signature`),
			"the vault does not trust the token",
		},
		{403, said(`permission denied`), "ROLE may not do that"},
		{400, said(`signing key not found`), "the transit engine has no such key"},
		{400, said(`encryption key not found`), "the transit engine has no such key"},
		{404, said(`no handler for route \"transit/sign/app\". route entry not found.`), "no such engine or auth"},
		{404, said(`unsupported path`), "no such engine or auth"},
		{400, said(`key type aes256-gcm96 does not support signing`), "the key is not an RSA key that signs"},
		{503, said(`Vault is sealed`), "the vault is sealed"},
	})
}
