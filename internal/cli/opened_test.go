package cli

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
)

// forge makes an envelope, as anybody can who knows the App's public key.
func forge(t *testing.T, p envelope.Payload) string {
	t.Helper()
	block, _ := pem.Decode([]byte(testKey()))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return sealFor(t, &key.PublicKey, p)
}

func sealFor(t *testing.T, key *rsa.PublicKey, p envelope.Payload) string {
	t.Helper()
	to, err := envelope.KeyRecipient(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.Seal(p, []envelope.Recipient{to}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// aToken returns the payload of a token that is alive at the step's GitHub.
func (s *step) aToken(t *testing.T) envelope.Payload {
	t.Helper()
	s.env["INPUT_SKIP-TOKEN-REVOKE"] = "true"
	s.run(t, "mint")
	if s.exit != exitOK {
		t.Fatal(s.log.String())
	}
	s.next(t, map[string]string{"INPUT_SKIP-TOKEN-REVOKE": ""})
	s.ResetRequests()
	tokens := s.Tokens()
	return envelope.Payload{
		Token: redact.New(tokens[len(tokens)-1].Value), ExpiresAt: time.Now().Add(time.Hour), APIURL: "https://api.github.test/",
		InstallationID: 4242, AppSlug: "keeper",
		Permissions: map[string]string{"contents": "read", "metadata": "read"}, Repositories: []string{"acme/api"},
	}
}

// A token is sent to the GitHub of the step or to one that the workflow allows,
// never to another one that an envelope names.
func TestEnvelopeChoosesNoPeer(t *testing.T) {
	const ours, elsewhere = "https://api.github.test", "input encrypted-token: says that it was minted at "
	for _, c := range []struct {
		name, says, allowed string
		insecure            bool
		fault               string // empty: it is used
	}{
		{name: "the step's own", says: ours},
		{name: "nothing", says: ""},
		{name: "another spelling", says: "HTTPS://API.GitHub.TEST:443"},
		{
			name: "another host", says: "https://evil.test/",
			fault: elsewhere + `"https://evil.test/", and this step speaks to "` + ours + `/"`,
		},
		{name: "another path", says: ours + "/api/v3", fault: elsewhere + `"https://api.github.test/api/v3/"`},
		{name: "another port", says: ours + ":8443", fault: elsewhere},
		{name: "plain", says: "http://api.github.test", fault: elsewhere},
		{
			name: "a name before the host", says: "https://api.github.test@evil.test/",
			fault: elsewhere + "something that is not an address, and",
		},
		{name: "no address", says: "\n::error::x", fault: elsewhere + "something that is not an address, and"},
		{name: "allowed", says: "https://ghes.test/api/v3", allowed: "https://other.test, https://GHES.test/api/v3/"},
		{name: "allowed another", says: "https://evil.test", allowed: "https://ghes.test/api/v3", fault: elsewhere},
		{name: "allowed none", says: ours, allowed: "ghes.test", fault: "input allowed-api-urls: is not an http(s) URL"},
		{name: "allowed plain", says: ours, allowed: "http://ghes.test", fault: "input allowed-api-urls: is http, so"},
		{name: "insecure", says: "http://ghes.test", allowed: "http://ghes.test", insecure: true},
	} {
		for name, stage := range map[string]func(*step, *testing.T){
			"decrypt": func(s *step, t *testing.T) { s.run(t, "decrypt") },
			"revoke":  func(s *step, t *testing.T) { s.run(t, "revoke") },
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				s := newStep(t, nil)
				p := s.aToken(t)
				p.APIURL = c.says
				s.env["INPUT_ENCRYPTED-TOKEN"], s.env["INPUT_ALLOWED-API-URLS"], s.env["INPUT_GIT"] = forge(t, p), c.allowed, "true"
				if c.insecure {
					s.env["INPUT_INSECURE-HTTP"] = "true"
				}
				stage(s, t)
				line, _ := s.annotation("error")
				if !strings.HasPrefix(line, c.fault) || (s.exit == exitOK) != (c.fault == "") {
					t.Errorf("exit %d: %s, want %s", s.exit, line, c.fault)
				}
				if c.fault != "" && (len(s.Requests()) > 0 ||
					s.file(t, "GITHUB_OUTPUT")+s.file(t, "GITHUB_ENV")+s.file(t, "GITHUB_STATE") != "") {
					t.Errorf("asked %s; outputs, variables or state were written", s.requests())
				}
				s.env["GITHUB_ENV"] = s.env["GITHUB_STEP_SUMMARY"] // the variables are meant to hold it
				s.checkHidden(t)
			})
		}
	}
}

// Post revokes the token at the host that the main stage used.
func TestPostRevokesAtTheAllowedPeer(t *testing.T) {
	s := newStep(t, nil)
	p := s.aToken(t)
	p.APIURL = "http://ghes.test/api/v3/"
	s.env["INPUT_ENCRYPTED-TOKEN"], s.env["INPUT_ALLOWED-API-URLS"] = forge(t, p), p.APIURL
	s.env["INPUT_INSECURE-HTTP"], s.env["INPUT_REVOKE"] = "true", "true"
	s.run(t, "decrypt")
	s.toPost(t)
	for _, name := range []string{"INPUT_ALLOWED-API-URLS", "INPUT_INSECURE-HTTP"} {
		s.env[name] = ""
	}
	s.ResetRequests()
	s.run(t, "post")
	if s.requests() != "DELETE /api/v3/installation/token" || s.Alive(p.Token.Reveal()) {
		t.Errorf("asked %s: %s", s.requests(), s.log.String())
	}
}

// What an envelope says about its token is checked before any of it is used.
func TestForgedEnvelopes(t *testing.T) {
	secret := "ghs_" + rand.Text() + rand.Text()
	for name, change := range map[string]func(*envelope.Payload){
		"a line break in a repository":  func(p *envelope.Payload) { p.Repositories = []string{"acme/api\n::add-mask::x"} },
		"git's configuration":           func(p *envelope.Payload) { p.Repositories = []string{"acme/.insteadOf=/../evil/api"} },
		"an owner of all":               func(p *envelope.Payload) { p.Repositories = []string{"*/api"} },
		"no owner":                      func(p *envelope.Payload) { p.Repositories = []string{"api"} },
		"an owner that is none":         func(p *envelope.Payload) { p.Repositories = []string{"../api"} },
		"up and away":                   func(p *envelope.Payload) { p.Repositories = []string{"acme/.."} },
		"two owners":                    func(p *envelope.Payload) { p.Repositories = []string{"acme/api", "evil/api"} },
		"an ending":                     func(p *envelope.Payload) { p.Repositories = []string{"acme/api.git"} },
		"a token for a repository":      func(p *envelope.Payload) { p.Repositories = []string{"acme/" + secret} },
		"a token for an owner":          func(p *envelope.Payload) { p.Repositories = []string{secret + "/api"} },
		"a permission of many words":    func(p *envelope.Payload) { p.Permissions = map[string]string{"contents: write\nadmin": "read"} },
		"a level that is none":          func(p *envelope.Payload) { p.Permissions = map[string]string{"contents": "read | `x`"} },
		"a token for a permission":      func(p *envelope.Payload) { p.Permissions = map[string]string{strings.ToLower(secret): "read"} },
		"a slug that is an address":     func(p *envelope.Payload) { p.AppSlug = "keeper/../../users/evil" },
		"a slug that is markup":         func(p *envelope.Payload) { p.AppSlug = "<b>" },
		"a slug that is a token":        func(p *envelope.Payload) { p.AppSlug = secret },
		"an installation below zero":    func(p *envelope.Payload) { p.InstallationID = -1 },
		"an end before there was a web": func(p *envelope.Payload) { p.ExpiresAt = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an end of a token in years":    func(p *envelope.Payload) { p.ExpiresAt = time.Now().Add(48 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStep(t, map[string]string{"INPUT_GIT": "true", "INPUT_BOT-IDENTITY": "true"})
			p := s.aToken(t)
			change(&p)
			s.env["INPUT_ENCRYPTED-TOKEN"] = forge(t, p)
			s.run(t, "decrypt")
			line, hint := s.annotation("error")
			if s.exit != exitFailure || !strings.HasPrefix(line, "input encrypted-token: ") || hint != strangerHint {
				t.Errorf("exit %d: %s", s.exit, s.log.String())
			}
			if strings.Count(s.log.String(), "::error::") != 1 ||
				strings.Contains(strings.ToLower(s.log.String()), strings.ToLower(secret)) {
				t.Errorf("the log repeats it: %s", s.log.String())
			}
			if s.file(t, "GITHUB_OUTPUT")+s.file(t, "GITHUB_ENV")+s.file(t, "GITHUB_STEP_SUMMARY") != "" {
				t.Error("something was handed out")
			}
			s.checkHidden(t)
		})
	}
}

// The envelopes that mint makes for each kind of target pass the same check.
func TestOwnEnvelopesAreTaken(t *testing.T) {
	for name, p := range map[string]envelope.Payload{
		"all of an owner's":       {AppSlug: "keeper", Repositories: []string{"a--b_corp-/*"}},
		"an enterprise":           {AppSlug: "keeper-2", Permissions: map[string]string{"enterprise_teams": "read"}},
		"a level of the few":      {Permissions: map[string]string{"enterprise_custom_properties_for_organizations": "admin"}},
		"odd names":               {AppSlug: "k", Repositories: []string{"acme/.github", "acme/a.b_c-d", "Acme/-"}},
		"a permission of the day": {Permissions: map[string]string{"something_new_2": "read"}},
		"nothing but the token":   {},
	} {
		p.Token = redact.New(rand.Text())
		if problem := stranger(p); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
}
