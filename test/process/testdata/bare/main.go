// Command bare mints a token with the standard library alone: the two requests and
// the one signature that a mint takes, and nothing else. It is what the program is
// measured against.
package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	jwt, err := sign(os.Getenv("INPUT_CLIENT-ID"), os.Getenv("INPUT_PRIVATE-KEY"))
	if err != nil {
		log.Fatal(err)
	}
	api, repository := os.Getenv("GITHUB_API_URL"), os.Getenv("GITHUB_REPOSITORY_OWNER")+"/"+os.Getenv("INPUT_REPOSITORIES")
	var installation struct{ ID int64 }
	if err := call(jwt, http.MethodGet, api+"/repos/"+repository+"/installation", nil, &installation); err != nil {
		log.Fatal(err)
	}
	var token struct{ Token string }
	scope := []byte(`{"repositories":["api"],"permissions":{"contents":"read"}}`)
	mint := fmt.Sprintf("%s/app/installations/%d/access_tokens", api, installation.ID)
	if err := call(jwt, http.MethodPost, mint, scope, &token); err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Token)
}

// sign makes the JWT of an App.
func sign(issuer, key string) (string, error) {
	block, _ := pem.Decode([]byte(key))
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	now := time.Now().Unix()
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iat":%d,"exp":%d,"iss":%q}`, now-60, now+540, issuer))
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, hash[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// call sends a request and reads the answer into a value.
func call(jwt, method, url string, body []byte, answer any) error {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+jwt)
	req.Header.Set("Accept", "application/vnd.github+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}
