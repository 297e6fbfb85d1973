//go:build !nodemo

package cli

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// The real gh stores the key and the client id, at an Enterprise Server.
func TestSetupStoresByRealGH(t *testing.T) {
	path := os.Getenv("PATH")
	if _, err := exec.LookPath("gh"); err != nil || runtime.GOOS != "linux" {
		t.Skip("gh is not installed, or reads no SSL_CERT_FILE here")
	}
	p := newPerson(t)
	t.Setenv("PATH", path)
	// gh acts with a token that may write secrets, and asks whose it is by
	// GraphQL, for which REST has no path.
	p.GitHub = fakegithubtest.New(t, fakegithubtest.Setup{
		Config: fakegithub.Config{EnterpriseServer: true}, Repositories: []string{"api"},
		App: fakegithub.App{Slug: "another", Owner: "acme", Permissions: map[string]string{
			"secrets": "write", "actions_variables": "write",
		}},
	})
	token, err := p.Mint(time.Now(), p.Installation.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/graphql" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"data": {"viewer": {"login": "octocat"}}}`)
			return
		}
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	p.web, p.transport, p.browser.Client.Transport = server.URL, server.Client().Transport, overTLS{server.Client().Transport}
	p.env["PATH"], p.env["SSL_CERT_FILE"], p.env["GH_ENTERPRISE_TOKEN"] = path, ca, token

	args := []string{
		"-github-api-url", server.URL + "/api/v3", "-organization", "acme", "-permissions", "contents: read", "-store", "acme/api",
	}
	if exit := p.make(t, args...); exit != exitOK {
		t.Fatalf("exit %d\n%s", exit, &p.log)
	}
	secrets := p.Secrets(fakegithub.Place{Owner: "acme", Repository: "api", App: "actions"})
	if len(secrets) != 1 || secrets[0].Name != "APP_PRIVATE_KEY" || !strings.Contains(secrets[0].Value, "PRIVATE KEY") {
		t.Errorf("%d secrets", len(secrets))
	}
	cmd := exec.CommandContext(t.Context(), "gh", "api", "repos/acme/api/actions/variables/APP_CLIENT_ID", "--jq", ".value")
	cmd.Env = append(environ(p.env), "GH_HOST="+strings.TrimPrefix(server.URL, "https://"))
	if id, err := cmd.Output(); err != nil || !strings.Contains(p.log.String(), "the client id "+strings.TrimSpace(string(id))+".") {
		t.Errorf("the variable is %s, %v", id, err)
	}
	p.log.text.Reset()
	exit := p.run(t.Context(), args...)
	if exit != exitFailure || !strings.Contains(p.log.String(), "the secret APP_PRIVATE_KEY of acme/api exists, and is not overwritten") {
		t.Errorf("the second run: exit %d\n%s", exit, &p.log)
	}
}

// overTLS trusts the server of a test, and uses plain HTTP for the page of
// setup.
type overTLS struct{ tls http.RoundTripper }

func (o overTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" {
		return http.DefaultTransport.RoundTrip(r)
	}
	resp, err := o.tls.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.URL.Host, err)
	}
	return resp, nil
}
