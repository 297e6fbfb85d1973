package cli

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
)

// Every action refuses plain http to another machine before it sends anything.
// With insecure-http it warns in each run.
func TestPlainHTTP(t *testing.T) {
	for _, action := range actionsWith("insecure-http") {
		for _, c := range []struct {
			url, insecure string
			fault, warned bool
		}{
			{url: "https://api.github.test"},
			{url: "http://127.0.0.1:8080"},
			{url: "http://[::1]:8080"},
			{url: "http://api.github.test", fault: true},
			{url: "http://0.0.0.0:8080", fault: true},
			{url: "http://127.0.0.1.evil.test", fault: true},
			{url: "http://api.github.test", insecure: "true", warned: true},
			{url: "http://127.0.0.1:8080", insecure: "true"},
			{url: "https://api.github.test", insecure: "true"},
		} {
			t.Run(action+" "+c.url+" "+c.insecure, func(t *testing.T) {
				env := map[string]string{"VALUE": rand.Text(), "INPUT_GITHUB-API-URL": c.url, "INPUT_INSECURE-HTTP": c.insecure}
				s := newFleetStep(t, 1, oneRotation+oneSecret+onePolicy, env)
				s.env["INPUT_ENCRYPTED-TOKEN"] = forge(t, envelope.Payload{Token: redact.New("ghs_" + rand.Text()), APIURL: c.url})
				if action == "decrypt" {
					s.env["INPUT_VERIFY"] = "false"
				}
				s.run(t, action)
				line, hint := s.annotation("error")
				refused := line == "input github-api-url: is http, so that anybody on the way can read the credentials that are sent there"
				if refused != c.fault || c.fault && !strings.Contains(hint, "insecure-http: true") || (s.exit != exitOK) != c.fault {
					t.Errorf("exit %d: %s, hint %s", s.exit, line, hint)
				}
				warning := "::warning::insecure-http: traffic to api.github.test is not encrypted"
				if warned := strings.Contains(s.log.String(), warning); warned != c.warned {
					t.Errorf("warned is %v: %s", warned, s.log.String())
				}
				if c.fault && len(s.Requests()) > 0 {
					t.Errorf("asked %s", s.requests())
				}
			})
		}
	}
}

// Git sends the token over plain http only if the API does; gh never does.
func TestPlainHTTPForGit(t *testing.T) {
	env := map[string]string{
		"INPUT_GITHUB-API-URL": "http://ghes.test/api/v3", "GITHUB_API_URL": "https://elsewhere.test", "INPUT_INSECURE-HTTP": "true",
	}
	s := newStep(t, env)
	s.env["INPUT_GIT"] = "true"
	s.run(t, "mint")
	if s.exit != exitOK || !strings.Contains(s.file(t, "GITHUB_ENV"), "http.http://ghes.test/acme/") {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
	s = newStep(t, env)
	s.env["INPUT_GH"] = "true"
	s.run(t, "mint")
	if line, _ := s.annotation("error"); line != "input gh: can't be used with insecure-http: gh speaks only https" ||
		len(s.Requests()) > 0 {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
	// A website that is plain http does not follow from an API that is not.
	s = newStep(t, map[string]string{"GITHUB_SERVER_URL": "http://github.test", "INPUT_GIT": "true"})
	s.run(t, "mint")
	if s.exit != exitFailure || s.file(t, "GITHUB_ENV") != "" || s.Alive(s.Tokens()[0].Value) {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
}

// The helper of refresh allows plain http only if the main stage was told to.
func TestRefreshOverPlainHTTP(t *testing.T) {
	s, dir := refreshed(t, func(s *step) {
		s.env["INPUT_GITHUB-API-URL"], s.env["GITHUB_API_URL"] = "http://ghes.test/api/v3", "https://elsewhere.test"
		s.env["INPUT_INSECURE-HTTP"] = "true"
	})
	p := s.process(t)
	for _, insecure := range []bool{true, false} {
		s.changeState(t, dir, func(state *refreshState) {
			if !state.InsecureHTTP && insecure {
				t.Fatal("the state does not say it")
			}
			last := &state.Tokens[len(state.Tokens)-1]
			state.InsecureHTTP, last.Expires = insecure, last.Minted
		})
		if _, err := currentToken(t.Context(), p, p.runner(), dir, nil); (err == nil) != insecure {
			t.Errorf("insecure is %v: %v", insecure, err)
		}
	}
}
