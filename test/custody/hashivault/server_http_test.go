package hashivault_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// post is one call over HTTP, as curl makes it.
func (v *vault) post(path, token string, body any) (status int, answer string) {
	v.tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.tb.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.tb.Context(), http.MethodPost, v.url+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		v.tb.Fatal(err)
	}
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		v.tb.Fatal(err)
	}
	defer got.Body.Close()
	all, err := io.ReadAll(got.Body)
	if err != nil {
		v.tb.Fatal(err)
	}
	return got.StatusCode, string(all)
}

// The engines answer over HTTP as the documentation of Vault has it.
func TestServer(t *testing.T) {
	v := newVault(t)
	jwt, err := v.issuer.Token(t.Context(), job, "")
	if err != nil {
		t.Fatal(err)
	}
	status, answer := v.post("auth/jwt/login", "", map[string]string{"role": role, "jwt": jwt})
	var login struct {
		Auth struct {
			Token    string `json:"client_token"`
			Policies []string
			Lifetime int `json:"lease_duration"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &login); err != nil || status != http.StatusOK || login.Auth.Lifetime != 300 {
		t.Fatalf("login: %d %s", status, answer)
	}
	sign := "transit/sign/" + keyName + "/sha2-256"
	input := map[string]string{"input": base64.StdEncoding.EncodeToString([]byte("header.payload")), "signature_algorithm": "pkcs1v15"}
	status, answer = v.post(sign, login.Auth.Token, input)
	var signed struct{ Data struct{ Signature string } }
	if err := json.Unmarshal([]byte(answer), &signed); err != nil || status != http.StatusOK {
		t.Fatalf("sign: %d %s", status, answer)
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signed.Data.Signature, "vault:v1:"))
	sum := sha256.Sum256([]byte("header.payload"))
	if err != nil || rsa.VerifyPKCS1v15(&v.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		t.Fatalf("%v: %s is no signature of the key that was imported", err, answer)
	}
	for _, test := range []struct {
		path, token, want string
	}{
		{"transit/sign/other/sha2-256", login.Auth.Token, "403 1 error occurred:\n\t* permission denied\n\n"},
		{sign, "", "403 permission denied"},
		{sign, "other", "403 2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"},
		{"kv/other", login.Auth.Token, "403 1 error occurred:\n\t* permission denied\n\n"},
		{"auth/other/login", "", "403 permission denied"},
		{"auth/token/revoke-self", login.Auth.Token, "204 "},
		{sign, login.Auth.Token, "403 2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"},
	} {
		status, answer := v.post(test.path, test.token, input)
		var refused struct{ Errors []string }
		_ = json.Unmarshal([]byte(answer), &refused) // what has no body has no errors
		if got := fmt.Sprint(status, " ", strings.Join(refused.Errors, "; ")); got != test.want && !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", test.path, got, test.want)
		}
	}
	if v.alive() != 0 {
		t.Errorf("%d tokens are alive", v.alive())
	}
}
