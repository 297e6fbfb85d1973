package cli

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
)

// Every action refuses plain http that leaves the machine, before it sends anything,
// and warns in each run when it was told to let it pass.
func TestPlainHTTP(t *testing.T) {
	stages := map[string]string{
		"": "mint", "decrypt": "decrypt", "revoke": "revoke", "sync": "sync", "rotate": "rotate",
	}
	for action, stage := range stages {
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
				d := newFleetDay(t, 1, oneRotation+oneSecret, env)
				d.env["INPUT_ENCRYPTED-TOKEN"] = forge(t, envelope.Payload{Token: redact.New("ghs_" + rand.Text()), APIURL: c.url})
				if action == "decrypt" {
					d.env["INPUT_VERIFY"] = "false"
				}
				d.run(t, stage)
				line, hint := d.said("error")
				refused := line == "input github-api-url: is http, so that anybody on the way can read the credentials that are sent there"
				if refused != c.fault || c.fault && !strings.Contains(hint, "insecure-http: true") || (d.exit != exitOK) != c.fault {
					t.Errorf("exit %d: %s, hint %s", d.exit, line, hint)
				}
				warning := "::warning::insecure-http: what is sent to api.github.test is not encrypted"
				if warned := strings.Contains(d.log.String(), warning); warned != c.warned {
					t.Errorf("warned is %v: %s", warned, d.log.String())
				}
				if c.fault && len(d.Requests()) > 0 {
					t.Errorf("asked %s", d.asked())
				}
			})
		}
	}
}

// Git gets the token by plain http only where the API does; gh never does.
func TestPlainHTTPForGit(t *testing.T) {
	env := map[string]string{
		"INPUT_GITHUB-API-URL": "http://ghes.test/api/v3", "GITHUB_API_URL": "https://elsewhere.test", "INPUT_INSECURE-HTTP": "true",
	}
	d := newDay(t, env)
	d.env["INPUT_GIT"] = "true"
	d.run(t, "mint")
	if d.exit != exitOK || !strings.Contains(d.file(t, "GITHUB_ENV"), "http.http://ghes.test/acme/") {
		t.Errorf("exit %d: %s", d.exit, d.log.String())
	}
	d = newDay(t, env)
	d.env["INPUT_GH"] = "true"
	d.run(t, "mint")
	if line, _ := d.said("error"); line != "input gh: can't be used with insecure-http: gh speaks https alone" || len(d.Requests()) > 0 {
		t.Errorf("exit %d: %s", d.exit, d.log.String())
	}
	// A website that is plain http does not follow from an API that is not.
	d = newDay(t, map[string]string{"GITHUB_SERVER_URL": "http://github.test", "INPUT_GIT": "true"})
	d.run(t, "mint")
	if d.exit != exitFailure || d.file(t, "GITHUB_ENV") != "" || d.Alive(d.Tokens()[0].Value) {
		t.Errorf("exit %d: %s", d.exit, d.log.String())
	}
}

// The helper of refresh goes on as main was told, and not further.
func TestRefreshOverPlainHTTP(t *testing.T) {
	d, dir := refreshed(t, func(d *day) {
		d.env["INPUT_GITHUB-API-URL"], d.env["GITHUB_API_URL"] = "http://ghes.test/api/v3", "https://elsewhere.test"
		d.env["INPUT_INSECURE-HTTP"] = "true"
	})
	identity := redact.New(d.env[dir.identityVariable()])
	p := d.process(t)
	for _, insecure := range []bool{true, false} {
		s, err := dir.load(identity)
		if err != nil || !s.InsecureHTTP && insecure {
			t.Fatalf("the state does not say it: %v", err)
		}
		s.InsecureHTTP, s.Tokens[len(s.Tokens)-1].Expires = insecure, s.Tokens[len(s.Tokens)-1].Minted
		if err := dir.save(s); err != nil {
			t.Fatal(err)
		}
		if _, err := currentToken(t.Context(), p, p.runner(), dir, nil); (err == nil) != insecure {
			t.Errorf("insecure is %v: %v", insecure, err)
		}
	}
}
