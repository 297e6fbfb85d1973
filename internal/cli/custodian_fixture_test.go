package cli

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// custodians are an issuer of OIDC tokens, a vault and AWS, with the App's key.
// What they hand out is noted, and so is each signature: nothing of it may be in
// a log.
type custodians struct {
	*rsa.PrivateKey
	Before  *rsa.PrivateKey // under alias/before, and in the vault as before
	Subject string          // of the job's OIDC token

	mu         sync.Mutex
	refusals   map[string]func(http.ResponseWriter) // by host and path
	asked      []string
	secrets    []string
	alive      map[string]bool // tokens of the vault
	signatures int
}

// withVault moves the step's key to a vault.
func (s *step) withVault() *custodians {
	c := s.withCustodians()
	s.env["INPUT_KEY"], s.env["INPUT_VAULT-URL"], s.env["INPUT_VAULT-ROLE"] = "hashivault://app", "https://vault.test", "valetkey"
	return c
}

// withAWS moves the step's key to AWS KMS.
func (s *step) withAWS() *custodians {
	c := s.withCustodians()
	s.env["INPUT_KEY"], s.env["INPUT_AWS-ROLE-TO-ASSUME"] = "awskms:///alias/app", awsTestRole
	s.env["INPUT_AWS-REGION"] = "eu-west-1"
	return c
}

const awsTestRole = "arn:aws:iam::111122223333:role/valetkey"

func (s *step) withCustodians() *custodians {
	request := "request-" + rand.Text()
	c := &custodians{
		PrivateKey: fakegithubtest.Key(), Subject: "repo:acme/api:ref:refs/heads/main", refusals: map[string]func(http.ResponseWriter){},
		secrets: []string{request}, alive: map[string]bool{},
	}
	s.env["INPUT_PRIVATE-KEY"] = ""
	if _, set := s.env["RUNNER_DEBUG"]; !set {
		s.env["RUNNER_DEBUG"] = "1"
	}
	s.env["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://idtoken.test/token?api-version=2.0"
	s.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = request
	s.hosts = map[string]http.Handler{}
	for host, handle := range map[string]func(w http.ResponseWriter, r *http.Request){
		"idtoken.test": c.idToken, "vault.test": c.vault, "sts.eu-west-1.amazonaws.com": c.sts, "kms.eu-west-1.amazonaws.com": c.kms,
	} {
		s.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.asked = append(c.asked, r.Method+" "+r.Host+r.URL.Path)
			if refuse := c.refusals[r.Host+r.URL.Path]; refuse != nil {
				refuse(w)
				return
			}
			handle(w, r)
		})
	}
	return c
}

// refuse has requests to an address answered in other words.
func (c *custodians) refuse(address string, status int, said string) {
	c.refusals[address] = func(w http.ResponseWriter) { http.Error(w, said, status) }
}

// secret returns something new that nobody else may see.
func (c *custodians) secret(kind string) string {
	value := kind + "-" + rand.Text()
	c.secrets = append(c.secrets, value)
	return value
}

func (c *custodians) isSecret(value string) bool { return slices.Contains(c.secrets, value) }

func (c *custodians) idToken(w http.ResponseWriter, r *http.Request) {
	if !c.isSecret(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	audience := r.URL.Query().Get("audience")
	if audience == "" {
		audience = "https://github.test/acme"
	}
	payload, _ := json.Marshal(map[string]string{"sub": c.Subject, "aud": audience})
	encode := base64.RawURLEncoding.EncodeToString
	jwt := encode([]byte(`{"alg":"RS256"}`)) + "." + encode(payload) + "." + encode([]byte(rand.Text()))
	c.secrets = append(c.secrets, jwt)
	answer(w, map[string]any{"value": jwt})
}

func (c *custodians) vault(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("X-Vault-Token")
	var body struct{ JWT, Role, Input string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	key := c.PrivateKey
	if rest, ok := strings.CutSuffix(strings.TrimSuffix(path, "/sha2-256"), "/before"); ok {
		path, key = strings.Replace(path, rest+"/before", rest+"/app", 1), c.Before
	}
	switch {
	case path == "auth/jwt/login" && body.Role == "valetkey" && c.isSecret(body.JWT):
		token = c.secret("hvs")
		c.alive[token] = true
		answer(w, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": 300}})
	case !c.alive[token]:
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
	case path == "auth/token/revoke-self":
		c.alive[token] = false
		w.WriteHeader(http.StatusNoContent)
	case path == "transit/sign/app/sha2-256":
		digest, _ := base64.StdEncoding.DecodeString(body.Input)
		answer(w, map[string]any{"data": map[string]any{"signature": "vault:v1:" + c.sign(key, digest)}})
	case path == "transit/keys/app":
		version := map[string]any{"public_key": publicPEM(&key.PublicKey)}
		answer(w, map[string]any{"data": map[string]any{"keys": map[string]any{"1": version}}})
	default:
		http.Error(w, `{"errors":["no handler for route"]}`, http.StatusNotFound)
	}
}

func (c *custodians) sts(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("RoleArn") != awsTestRole || !c.isSecret(r.PostFormValue("WebIdentityToken")) {
		http.Error(w, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", http.StatusForbidden)
		return
	}
	fmt.Fprintf(w, "<R><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>"+
		"</Credentials></R>", c.secret("ASIA"), c.secret("aws"), c.secret("session"))
}

func (c *custodians) kms(w http.ResponseWriter, r *http.Request) {
	var body struct{ KeyID, Message string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	key := c.PrivateKey
	if body.KeyID == "alias/before" {
		key = c.Before
	}
	switch {
	case !c.isSecret(r.Header.Get("X-Amz-Security-Token")):
		http.Error(w, `{"__type":"UnrecognizedClientException"}`, http.StatusBadRequest)
	case r.Header.Get("X-Amz-Target") == "TrentService.Sign":
		digest, _ := base64.StdEncoding.DecodeString(body.Message)
		answer(w, map[string]any{"Signature": c.sign(key, digest)})
	default:
		der, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
		answer(w, map[string]any{"PublicKey": base64.StdEncoding.EncodeToString(der)})
	}
}

func answer(w http.ResponseWriter, value any) { _ = json.NewEncoder(w).Encode(value) }

// sign returns a signature, and notes the forms in which it may be read.
func (c *custodians) sign(key *rsa.PrivateKey, digest []byte) string {
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
	if err != nil {
		return err.Error()
	}
	c.signatures++
	c.secrets = append(c.secrets, base64.StdEncoding.EncodeToString(signature),
		base64.RawURLEncoding.EncodeToString(signature), hex.EncodeToString(signature))
	return base64.StdEncoding.EncodeToString(signature)
}

// check fails the test unless everything that the step took was given back, and
// nothing of it can be read.
func (c *custodians) check(t *testing.T, s *step, texts ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for token, alive := range c.alive {
		if alive {
			t.Errorf("a token of the vault is alive: %.8s…", token)
		}
	}
	texts = append(texts, withoutMasks(s.log.String()))
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"} {
		texts = append(texts, s.file(t, name))
	}
	for _, secret := range c.secrets {
		for _, text := range texts {
			if strings.Contains(text, secret) {
				t.Errorf("%.8s… is readable in:\n%s", secret, text)
			}
		}
	}
	s.checkHidden(t)
}

func publicPEM(key *rsa.PublicKey) string {
	der, _ := x509.MarshalPKIXPublicKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// fingerprintOf returns what the App's settings page shows of a key.
func fingerprintOf(key *rsa.PublicKey) string {
	der, _ := x509.MarshalPKIXPublicKey(key)
	sum := sha256.Sum256(der)
	return "SHA256:" + base64.StdEncoding.EncodeToString(sum[:])
}
