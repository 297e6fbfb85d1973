package cli

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/agent"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// A key that only signs opens nothing, so that nobody can open what was
// encrypted to it.
func TestRecipientsOfAKeyThatOnlySigns(t *testing.T) {
	const empty = "encrypted-token is empty: a key that only signs opens nothing. For another job, name recipients, or give a passphrase"
	const fault = "input plaintext-output: is false, and nobody could open encrypted-token: a key that only signs opens nothing"
	_, recipient, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env    map[string]string
		notice bool
		line   string
		sealed bool
	}{
		"nobody":                      {nil, true, "", false},
		"nobody, and no other output": {map[string]string{"INPUT_PLAINTEXT-OUTPUT": "false"}, false, fault, false},
		"the public key, which would do for encrypting": {
			map[string]string{"INPUT_KEY-FINGERPRINT": publicPEM(&fakegithubtest.Key().PublicKey)}, true, "", false,
		},
		"a recipient":  {map[string]string{"INPUT_RECIPIENTS": recipient, "INPUT_PLAINTEXT-OUTPUT": "false"}, false, "", true},
		"a passphrase": {map[string]string{"INPUT_PASSPHRASE": "correct horse battery"}, false, "", true},
		"recipients that are none": {
			map[string]string{"INPUT_RECIPIENTS": "age1", "INPUT_PLAINTEXT-OUTPUT": "false"},
			false, "input recipients: line 1 is a damaged recipient", false,
		},
	} {
		s := newStep(t, c.env)
		keepers := s.withVault()
		s.run(t, "mint")
		line, _ := s.annotation("error")
		if strings.Count(s.log.String(), "::error::") > 1 || !strings.HasPrefix(line, c.line) || (line == "") != (c.line == "") {
			t.Errorf("%s: exit %d, %q", name, s.exit, line)
		}
		if strings.Contains(s.log.String(), "::notice::"+empty+"\n") != c.notice {
			t.Errorf("%s: %s", name, s.log.String())
		}
		if c.line == "" && (s.outputs(t)["encrypted-token"] != "") != c.sealed {
			t.Errorf("%s: %v", name, s.outputs(t))
		}
		keepers.check(t, s)
	}
}

// The key in a file that key names is a key in text.
func TestKeyInAFileOfAURI(t *testing.T) {
	s := newStep(t, nil)
	path := s.inFile(t)
	s.next(t, map[string]string{"INPUT_PRIVATE-KEY-FILE": "", "INPUT_KEY": "file:" + path})
	s.run(t, "mint")
	sealed := s.outputs(t)["encrypted-token"]
	if s.exit != exitOK || sealed == "" {
		t.Fatal(s.log.String())
	}
	s.checkKeyHidden(t)
	s.next(t, map[string]string{"INPUT_KEY": "", "INPUT_PRIVATE-KEY": testKey(), "INPUT_ENCRYPTED-TOKEN": sealed})
	s.run(t, "decrypt")
	if s.exit != exitOK {
		t.Error(s.log.String())
	}
	s.next(t, map[string]string{
		"INPUT_PRIVATE-KEY": "", "INPUT_KEY": "file:" + path, "INPUT_KEY-FINGERPRINT": fingerprintOf(&fakegithubtest.NewKey().PublicKey),
	})
	s.ResetRequests()
	s.run(t, "mint")
	if line, _ := s.annotation("error"); !strings.Contains(line, "it is not the App's key") || s.requests() != "" {
		t.Errorf("with another fingerprint: exit %d, %s", s.exit, s.log.String())
	}
}

// A key behind an SSH agent signs over its socket.
func TestKeyBehindAnAgent(t *testing.T) {
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: fakegithubtest.Key()}); err != nil {
		t.Fatal(err)
	}
	directory, err := os.MkdirTemp("", "agent") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	socket := filepath.Join(directory, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = agent.ServeAgent(keys, connection)
		}
	}()
	s := newStep(t, map[string]string{"INPUT_PRIVATE-KEY": "", "INPUT_KEY": "ssh-agent:", "SSH_AUTH_SOCK": socket})
	s.run(t, "mint")
	if s.exit != exitOK || len(s.Tokens()) != 1 {
		t.Errorf("exit %d, %s", s.exit, s.log.String())
	}
}

// A run for a fork's pull request gets no OIDC token. It may end without a
// token, as with an empty private key. A job that forgot the permission may not.
func TestForkWithoutIDToken(t *testing.T) {
	for name, c := range map[string]struct {
		head, skip, url string
		line            string
	}{
		"a fork":                          {"mallory/api", "fail", "", "get the job's OIDC token: the job has none"},
		"a fork, skip":                    {"mallory/api", "skip", "", ""},
		"a branch, skip":                  {"acme/api", "skip", "", "get the job's OIDC token: the job has none"},
		"a fork with an OIDC token, skip": {"mallory/api", "skip", "https://idtoken.test/token?api-version=2.0", ""},
	} {
		s := newStep(t, map[string]string{"GITHUB_EVENT_NAME": "pull_request"})
		keepers := s.withVault()
		pullRequestFrom(c.head)(s)
		s.env["INPUT_ON-MISSING-KEY"], s.env["ACTIONS_ID_TOKEN_REQUEST_URL"] = c.skip, c.url
		if c.url == "" && c.line == "" {
			s.env["INPUT_PLAINTEXT-OUTPUT"] = "false" // for which there need not be a recipient either
		}
		s.run(t, "mint")
		line, hint := s.annotation("error")
		hinted := strings.Contains(hint, "id-token: write")
		if (s.exit == exitOK) != (c.line == "") || !strings.HasPrefix(line, c.line) || hinted != (c.line != "") {
			t.Errorf("%s: exit %d, %q, hint %q", name, s.exit, line, hint)
		}
		if minted := len(s.Tokens()) > 0; minted != (c.url != "") || s.outputs(t)["token"] != "" != minted {
			t.Errorf("%s: minted is %v: %s", name, minted, s.log.String())
		}
		keepers.check(t, s)
	}
}

// A step that is cancelled while GitHub works gives back what it took to sign.
func TestCancelledStepGivesBackWhatItTook(t *testing.T) {
	s := newStep(t, nil)
	c := s.withVault()
	ctx, cancel := context.WithCancel(t.Context())
	p := s.process(t)
	next := p.Transport
	p.Transport = sender(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "api.github.test" {
			cancel()
		}
		return next.RoundTrip(r)
	})
	s.exit = run(ctx, p, "mint")
	if s.exit != exitFailure || len(c.alive) != 1 {
		t.Errorf("exit %d, %d tokens of the vault: %s", s.exit, len(c.alive), s.log.String())
	}
	c.check(t, s)
	s.checkRevoked(t)
}
