package cli

import (
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/gitauth"
)

// Git gets no token for a host or a repository that it is not for, nor over a
// connection that others can read, and none is made for that.
func TestGitGetsNoTokenForOthers(t *testing.T) {
	const api = "protocol=https\nhost=github.test\npath=acme/api.git\n"
	for name, c := range map[string]struct {
		asked         string
		fresh, minted bool // whether it gets one
	}{
		"its own":            {api, true, true},
		"another host":       {"protocol=https\nhost=github.example\npath=acme/api.git\n", false, false},
		"a host below it":    {"protocol=https\nhost=evil.github.test\npath=acme/api.git\n", false, false},
		"another port":       {"protocol=https\nhost=github.test:8443\npath=acme/api.git\n", false, false},
		"http":               {"protocol=http\nhost=github.test\npath=acme/api.git\n", false, false},
		"another repository": {"protocol=https\nhost=github.test\npath=acme/web.git\n", false, true}, // a helper mints for it
	} {
		s, dir := refreshed(t)
		asked, err := gitauth.ParseRequest(strings.NewReader(c.asked))
		if err != nil {
			t.Fatal(err)
		}
		p := s.process(t)
		var fresh, minted strings.Builder
		p.Stdout, p.Stderr = &fresh, &strings.Builder{}
		if err := answerFresh(t.Context(), p, p.plain(), dir, asked); err != nil || (fresh.Len() > 0) != c.fresh {
			t.Errorf("%s: the token of the job: %v, %v", name, fresh.Len() > 0, err)
		}
		given := map[string]string{}
		p.Getenv, p.Stdout = overlay(given, p.Getenv), &minted
		if err := answerMinted(t.Context(), p, p.plain(), asked, given); err != nil || (minted.Len() > 0) != c.minted {
			t.Errorf("%s: a token of its own: %v, %v", name, minted.Len() > 0, err)
		}
		if n := len(s.Tokens()); (n > 1) != c.minted {
			t.Errorf("%s: %d tokens are made", name, n)
		}
	}
}
