package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func askGitHub(ts *testscript.TestScript, _ bool, args []string) {
	github := scriptOf(ts).github.Server
	switch args[0] {
	case "requests":
		if len(github.Requests()) == 0 {
			fmt.Fprintln(ts.Stdout(), "none")
		}
		for _, r := range github.Requests() {
			fmt.Fprintln(ts.Stdout(), r.Method, r.Path, r.Status, r.Authorization)
		}
	case "tokens":
		for _, t := range github.Tokens() {
			state := map[bool]string{true: "alive", false: "dead"}[github.Alive(t.Value)]
			fmt.Fprintln(ts.Stdout(), t.RepositorySelection, strings.Join(t.Repositories, ","), list(t.Permissions), state)
		}
	case "forget":
		github.ResetRequests()
	case "stateless":
		github.SetTokenForm(fakegithub.Stateless)
	case "suspend":
		github.Suspend(4242, "monalisa")
	case "wider": // the mint's answer grants more than was asked for
		github.Inject(fakegithub.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Rewrite: func(body []byte) []byte {
			return bytes.Replace(body, []byte(`"contents":"read"`), []byte(`"contents":"write"`), 1)
		}})
	case "brief": // github brief TIMES: so many tokens are minted near their end
		times, err := strconv.Atoi(args[1])
		ts.Check(err)
		soon := []byte(`"expires_at":"` + time.Now().Add(4*time.Minute).UTC().Format(time.RFC3339) + `"`)
		expires := regexp.MustCompile(`"expires_at":"[^"]*"`)
		github.Inject(fakegithub.Fault{
			Method: "POST", Path: "/app/installations/*/access_tokens", Times: times,
			Rewrite: func(body []byte) []byte { return expires.ReplaceAll(body, soon) },
		})
	case "fault": // github fault METHOD PATH STATUS TIMES
		status, err := strconv.Atoi(args[3])
		ts.Check(err)
		times, err := strconv.Atoi(args[4])
		ts.Check(err)
		f := fakegithub.ServerError(status, false)
		f.Method, f.Path, f.Times = args[1], args[2], times
		github.Inject(f)
	case "hold": // github hold PATH: requests for it wait until "release"
		scriptOf(ts).gate.hold(args[1])
	case "await": // until a request is held
		select {
		case <-scriptOf(ts).gate.arrived:
		case <-time.After(10 * time.Second):
			ts.Fatalf("no request came")
		}
	case "personal": // github personal KIND: a person's token of that kind, in MY_TOKEN
		t := fakegithub.PersonalToken{Value: "github_pat_" + rand.Text(), Login: "monalisa"}
		if args[1] == "classic" {
			t = fakegithub.PersonalToken{
				Value: "ghp_" + rand.Text(), Login: "monalisa", Classic: true, Scopes: []string{"repo:status", "gist", "read:org"},
				ExpiresAt: time.Now().Add(80 * time.Hour), SSO: "partial-results; organizations=21955855",
			}
		}
		github.AddPersonalToken(t)
		ts.Setenv("MY_TOKEN", t.Value)
	case "tls": // github tls: the same GitHub by TLS, its CA in ca.pem
		server := httptest.NewUnstartedServer(withGraphQL(github))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it is what is tested
		server.StartTLS()
		ts.Defer(server.Close)
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
		ts.Setenv("GITHUB_API_URL", server.URL)
	case "plain": // github plain: the same GitHub at 0.0.0.0
		server := httptest.NewServer(github)
		ts.Defer(server.Close)
		ts.Setenv("GITHUB_API_URL", strings.Replace(server.URL, "127.0.0.1", "0.0.0.0", 1))
	case "proxy": // github proxy: an HTTP proxy with a password, in PROXY
		proxy := httptest.NewServer(passwordProxy(github))
		ts.Defer(proxy.Close)
		ts.Setenv("PROXY", strings.Replace(proxy.URL, "http://", "http://user:opensesame@", 1))
	case "release":
		time.Sleep(50 * time.Millisecond) // a signal that was sent before is delivered by now
		close(scriptOf(ts).gate.open)
	default:
		askFleet(ts, github, args)
	}
}

func list(permissions map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(permissions)) {
		all = append(all, name+"="+permissions[name])
	}
	return strings.Join(all, ",")
}

// withGraphQL answers the one query of `gh repo view`, for which REST has no
// path, if the request has a live token.
func withGraphQL(github *fakegithub.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/graphql" {
			github.ServeHTTP(w, r)
			return
		}
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !github.Alive(token) {
			http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":{"repository":{"name":"api","owner":{"login":"acme"}}}}`)
	})
}

// passwordProxy is an HTTP proxy in front of one GitHub.
func passwordProxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:opensesame"))
		if !r.URL.IsAbs() || r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		r.Header.Set("Via", "1.1 proxy")
		next.ServeHTTP(w, r)
	})
}
