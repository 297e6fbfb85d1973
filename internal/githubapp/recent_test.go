package githubapp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// mintIn mints in a bubble, where time is free.
func mintIn(t *testing.T, f *fixture) Token {
	t.Helper()
	token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{Repositories: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	f.ResetRequests()
	return token
}

// The first call with a new token waits until GitHub knows it everywhere.
func TestFirstUseOfAToken(t *testing.T) {
	fakegithubtest.Key()
	uses := map[string]func(*testing.T, *fixture, redact.String) error{
		"the bot": func(t *testing.T, f *fixture, token redact.String) error {
			_, err := f.api.BotID(t.Context(), token, "keeper")
			return err
		},
		"a repository": func(t *testing.T, f *fixture, token redact.String) error {
			return f.api.Reach(t.Context(), token, "acme", "api")
		},
		"a list": func(t *testing.T, f *fixture, token redact.String) error {
			_, err := f.api.Repositories(t.Context(), token)
			return err
		},
		"a session": func(t *testing.T, f *fixture, token redact.String) error {
			session := f.api.Session(func(context.Context) (redact.String, error) { return token, nil })
			_, err := session.Call(t.Context(), apicall.Request{Op: "look", Method: http.MethodGet, Path: "repos/acme/api"})
			return err
		},
		"a probe": func(t *testing.T, f *fixture, token redact.String) error {
			alive, err := f.api.Alive(t.Context(), token, f.api.Now().Add(tokenLifetime))
			if err == nil && !alive {
				err = errors.New("dead")
			}
			return err
		},
	}
	for name, use := range uses {
		for _, skew := range []time.Duration{0, -time.Hour} {
			t.Run(name+" "+skew.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t)
					f.SetClockSkew(skew)
					f.SetReplicationLag(3) // 404, 403, 401
					token, started := mintIn(t, f), time.Now()
					if err := use(t, f, token.Value); err != nil {
						t.Error(err)
					}
					if took := time.Since(started); took != 7*time.Second || len(f.asked()) != 4 {
						t.Errorf("took %s: %v", took, f.asked())
					}
				})
			})
		}
	}
}

// The first call of a listing's own token is in the list's own hands.
func TestListingWaitsForItsToken(t *testing.T) {
	fakegithubtest.Key()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SetReplicationLag(2)
		list, err := f.app.Repositories(t.Context(), Installation{ID: testInstallation})
		if err != nil || len(list) != 2 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// A token that is refused for another reason than its youth is refused at once;
// one that may be too young, after all the waits and no later.
func TestRefusedAtOnce(t *testing.T) {
	fakegithubtest.Key()
	for name, c := range map[string]struct {
		prepare func(*testing.T, *fixture, redact.String) redact.String
		took    time.Duration
	}{
		"new and unknown": {func(_ *testing.T, f *fixture, token redact.String) redact.String {
			f.Inject(fakegithub.Fault{Method: "GET", Status: 401, Body: `{"message":"Bad credentials"}`})
			return token
		}, 7 * time.Second},
		"new, and for another reason": {func(_ *testing.T, f *fixture, token redact.String) redact.String {
			f.Inject(fakegithub.Fault{Method: "GET", Status: 403, Body: `{"message":"acme has an IP allow list enabled"}`})
			return token
		}, 0},
		"known already": {func(t *testing.T, f *fixture, token redact.String) redact.String {
			if err := f.api.Reach(t.Context(), token, "acme", "api"); err != nil {
				t.Fatal(err)
			}
			f.Inject(fakegithub.Fault{Method: "GET", Status: 404, Body: `{"message":"Not Found"}`})
			return token
		}, 0},
		"verified": {func(t *testing.T, f *fixture, token redact.String) redact.String {
			if err := f.api.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			f.Inject(fakegithub.Fault{Method: "GET", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
			return token
		}, 0},
		"older": {func(_ *testing.T, f *fixture, token redact.String) redact.String {
			time.Sleep(lagTime)
			f.Inject(fakegithub.Fault{Method: "GET", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
			return token
		}, 0},
		"somebody else's": {func(*testing.T, *fixture, redact.String) redact.String { return redact.New("ghs_unknown") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SkipOpenAPI = true
				token := c.prepare(t, f, mintIn(t, f).Value)
				started := time.Now()
				if err := f.api.Reach(t.Context(), token, "acme", "api"); err == nil {
					t.Error("it is not refused")
				}
				if took := time.Since(started); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
			})
		})
	}
}

// To revoke is one request, whatever it answers.
func TestRevocationIsNotTriedAgain(t *testing.T) {
	fakegithubtest.Key()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SkipOpenAPI = true
		token := mintIn(t, f)
		f.Inject(fakegithub.Fault{Method: "DELETE", Status: 401, Body: `{"message":"Bad credentials"}`})
		if gone, err := f.api.Revoke(t.Context(), token.Value); err != nil || !gone || len(f.asked()) != 1 {
			t.Errorf("gone is %v, %v: %v", gone, err, f.asked())
		}
	})
}

// An answer that is not from GitHub's API does not mean that a token has ended.
func TestRevocationIsGitHubsWord(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html"}
	for name, c := range map[string]struct {
		fault fakegithub.Fault
		gone  bool
	}{
		"dead":                         {fakegithub.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}, true},
		"unknown there":                {fakegithub.Fault{Status: 404, Body: `{"message":"Not Found"}`}, true},
		"a website":                    {fakegithub.Fault{Status: 404, Header: html, Body: "<html>"}, false},
		"a login in between":           {fakegithub.Fault{Status: 401, Header: html, Body: "<html>"}, false},
		"a proxy that drops the token": {fakegithub.Fault{Status: 401, Body: `{"message":"Requires authentication"}`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.SkipOpenAPI = true
			token := mintIn(t, f)
			f.Inject(c.fault)
			gone, err := f.api.Revoke(t.Context(), token.Value)
			if gone != c.gone || (err == nil) != c.gone {
				t.Errorf("gone is %v, %v", gone, err)
			}
		})
	}
}

// A token of another job is alive, dead, or can't be asked about.
func TestAlive(t *testing.T) {
	fakegithubtest.Key()
	for name, c := range map[string]struct {
		fault fakegithub.Fault
		alive bool
		err   string
	}{
		"alive": {fakegithub.Fault{Method: "PATCH"}, true, ""},
		"dead":  {fakegithub.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}, false, ""},
		"of an enterprise": {
			fakegithub.Fault{Status: 403, Body: `{"message":"Resource not accessible by integration"}`}, true, "",
		},
		"of an enterprise, or not": {fakegithub.Fault{Status: 404, Body: `{"message":"Not Found"}`}, true, ""},
		"suspended": {
			fakegithub.Fault{Status: 403, Body: `{"message":"This installation has been suspended"}`},
			false,
			"GitHub answered 403: This installation has been suspended",
		},
		"no API there": {
			fakegithub.Fault{Status: 404, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>"},
			false,
			"GitHub answered 404",
		},
		"a login in between": {
			fakegithub.Fault{Status: 401, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>"},
			false,
			"GitHub answered 401",
		},
		"a proxy that drops the token": {
			fakegithub.Fault{Status: 401, Body: `{"message":"Requires authentication"}`},
			false,
			"GitHub answered 401: Requires authentication",
		},
		"an outage": {fakegithub.ServerError(503, true), false, "GitHub answered 503"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SkipOpenAPI = true
				token := mintIn(t, f)
				time.Sleep(time.Minute)
				f.Inject(c.fault)
				alive, err := f.api.Alive(t.Context(), token.Value, token.ExpiresAt)
				if alive != c.alive || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("alive is %v, %v", alive, err)
				}
			})
		})
	}
}

// Where an answer says nothing of a token's end, it is an hour off by GitHub's
// clock.
func TestExpiryByGitHubsClock(t *testing.T) {
	fakegithubtest.Key()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SetClockSkew(-time.Hour)
		f.SkipOpenAPI = true
		f.Inject(fakegithub.Fault{Method: "POST", Rewrite: func(body []byte) []byte {
			return []byte(strings.Replace(string(body), `"expires_at"`, `"expired_at"`, 1))
		}})
		if token := mintIn(t, f); !token.ExpiresAt.Equal(time.Now()) {
			t.Errorf("expires at %s, want %s", token.ExpiresAt, time.Now())
		}
		if skew := f.api.Skew(); skew != -time.Hour {
			t.Errorf("skew %s", skew)
		}
	})
}

// An earlier measurement of the clock counts until the first answer.
func TestSkewOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, err := New(Config{URL: "https://api.github.test", Skew: time.Hour})
		if err != nil || !api.Now().Equal(time.Now().Add(time.Hour)) || api.Skew() != time.Hour {
			t.Errorf("now %s, %v", api.Now(), err)
		}
	})
}
