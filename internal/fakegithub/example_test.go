package fakegithub_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// A whole example: a GitHub with one App, a token for one repository, and what
// the server recorded.
func Example() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	github := fakegithub.New(fakegithub.Config{})
	github.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "api", Private: true})
	github.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "web", Private: true})
	app := github.AddApp(fakegithub.App{
		Slug: "vault-keeper", Owner: "octo-corp", PublicKey: &key.PublicKey,
		Permissions: map[string]string{"contents": "write"},
	})
	installation := github.Install(fakegithub.Installation{AppID: app.ID, Account: "octo-corp", All: true})
	server := httptest.NewServer(github)
	defer server.Close()

	now := time.Now().Unix()
	claims := jwt.MapClaims{"iss": app.ClientID, "iat": now - 60, "exp": now + 300}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(map[string]any{"repositories": []string{"api"}, "permissions": map[string]string{"contents": "read"}})
	url := fmt.Sprintf("%s/app/installations/%d/access_tokens", server.URL, installation.ID)
	r, _ := http.NewRequest("POST", url, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+signed)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()

	token := github.Tokens()[0]
	fmt.Println(resp.StatusCode, token.Repositories, token.Permissions, github.Alive(token.Value))
	fmt.Println(github.Requests()[0].Authorization)
	// Output:
	// 201 [octo-corp/api] map[contents:read metadata:read] true
	// jwt
}
