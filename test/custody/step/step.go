// Package step opens a key as a step of the action does, and mints with it: with
// the program's own sender, with what the environment of the step has, and with
// a note of what the program masks and tells. The GitHub that it mints at is the
// fake one. It is support for the tests beside it. Start at [Open].
package step

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// Step is a step of a job that has a key.
type Step struct {
	*custody.Key

	tb     testing.TB
	mu     sync.Mutex
	masked []string
	told   []string // what the program logs, with debug on, and its errors
}

// Open opens the key that a URI names, with the environment of a step and its
// inputs. A key that can't be opened fails at its first signature.
func Open(tb testing.TB, uri string, environment map[string]string, inputs func(*custody.Config)) *Step {
	tb.Helper()
	s := &Step{tb: tb}
	c := custody.FromEnvironment(uri, func(name string) string { return environment[name] })
	if inputs != nil {
		inputs(&c)
	}
	sender := githubapp.NewSender(githubapp.Config{UserAgent: "valetkey-test", Info: s.tell, Warning: s.tell, Debug: s.tell})
	c.Send = func(ctx context.Context, r custody.Request) (custody.Response, error) {
		got, err := sender.Send(ctx, githubapp.Request(r))
		return custody.Response(got), err
	}
	c.Dial = func(ctx context.Context, socket string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	c.ReadFile, c.ParseKey = os.ReadFile, githubapp.ParseKey
	c.Secret, c.Info, c.Warning = s.mask, s.tell, s.tell
	key, err := custody.Open(tb.Context(), uri, c)
	s.tell("%v", err)
	if err != nil {
		tb.Fatalf("open %s: %s", uri, fault.Line(err))
	}
	s.Key = key
	return s
}

func (s *Step) mask(secret redact.String) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.masked = append(s.masked, secret.Reveal())
}

func (s *Step) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

// Sign signs with the key, and holds the signature against the public key.
func (s *Step) Sign(public *rsa.PublicKey) error {
	message := []byte("header.payload of the App's JWT")
	signature, err := crypto.SignMessage(s.Key, rand.Reader, message, crypto.SHA256)
	if err != nil {
		s.tell("%s", fault.Text(err))
		return err
	}
	sum := sha256.Sum256(message)
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature); err != nil {
		return fmt.Errorf("%w: nobody refused it", err)
	}
	return nil
}

// Mint mints a token, as an App whose public key GitHub knows.
func (s *Step) Mint(public *rsa.PublicKey) error {
	github := fakegithubtest.New(s.tb, fakegithubtest.Setup{
		App:          fakegithub.App{Slug: "keeper", Owner: "acme", Permissions: map[string]string{"contents": "read"}, PublicKey: public},
		Repositories: []string{"api"},
	})
	server := httptest.NewServer(github)
	s.tb.Cleanup(server.Close)
	api, err := githubapp.New(githubapp.Config{
		URL: server.URL, UserAgent: "valetkey-test", OnJWT: s.mask, OnToken: s.mask, Info: s.tell, Warning: s.tell, Debug: s.tell,
	})
	if err != nil {
		return err
	}
	app, err := api.App(github.App.ClientID, s.Key)
	if err != nil {
		return err
	}
	installation, err := app.InstallationByID(s.tb.Context(), github.Installation.ID)
	if err != nil {
		s.tell("%s", fault.Text(err))
		return err
	}
	token, err := app.Mint(s.tb.Context(), installation, githubapp.Scope{Repositories: []string{"api"}})
	if err == nil && token.Value.Empty() {
		err = errors.New("minted nothing")
	}
	return err
}

// Refused reports what is wrong with an error: it must be one, have all of the
// words in its text and its hint, and be no longer than a reader bears.
func (s *Step) Refused(err error, words ...string) {
	s.tb.Helper()
	if err == nil {
		s.tb.Fatalf("it signed, want an error with %q", words)
	}
	text := fault.Line(err)
	for _, word := range words {
		if !strings.Contains(text, word) {
			s.tb.Errorf("%s\nhas no %q", text, word)
		}
	}
	if fault.Hint(err) == "" || len(text) > 900 {
		s.tb.Errorf("no hint, or too long: %s", text)
	}
}

// Kept fails the test unless each of some credentials was masked, and none is in
// what the program told.
func (s *Step) Kept(credentials ...string) {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(credentials) == 0 {
		s.tb.Error("no credential to look for")
	}
	for _, credential := range credentials {
		if !slices.Contains(s.masked, credential) {
			s.tb.Errorf("a credential of %d characters was not masked", len(credential))
		}
		for _, text := range s.told {
			if strings.Contains(text, credential) {
				s.tb.Errorf("a credential of %d characters was told", len(credential))
			}
		}
	}
}

// Key is the App's private key.
var Key = fakegithubtest.Key

// Fingerprint returns the fingerprint that the settings page of the App shows of
// a key.
func Fingerprint(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(der)
	return "SHA256:" + base64.StdEncoding.EncodeToString(sum[:])
}
