package githubapp

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// onLookup is a fakegithub.Fault that hits the lookup.
func onLookup(times int, f fakegithub.Fault) fakegithub.Fault {
	f.Method, f.Path, f.Times = http.MethodGet, "/repos/*/*/installation", times
	return f
}

// tooMany is a secondary limit with status 429, without a Retry-After.
func tooMany() fakegithub.Fault {
	limit := fakegithub.SecondaryLimit(0)
	limit.Status = http.StatusTooManyRequests
	return limit
}

// badDays are lookups in bad circumstances, each with a minute of time.
var badDays = []struct {
	name    string
	prepare func(*fixture)
	err     string        // its first line, without the request id
	sent    int           // attempts that reached the server
	waited  time.Duration // at least; and less than twice that and a second
	said    string        // the first notice
}{
	{"all is well", func(*fixture) {}, "", 1, 0, ""},
	{
		"one 502", func(f *fixture) { f.Inject(onLookup(1, fakegithub.ServerError(502, false))) }, "", 2, firstWait / 2,
		"GitHub answered 502, trying again in ",
	},
	{
		"three 503 in HTML", func(f *fixture) { f.Inject(onLookup(3, fakegithub.ServerError(503, true))) }, "", 4, 7 * firstWait / 2,
		"GitHub answered 503, trying again in ",
	},
	{
		"dropped connections", func(f *fixture) { f.Inject(onLookup(2, fakegithub.Fault{Drop: true})) }, "", 3, 3 * firstWait / 2,
		"connection reset by peer, trying again in ",
	},
	{
		"an answer cut short", func(f *fixture) { f.Inject(onLookup(1, fakegithub.Fault{Truncate: true})) }, "", 2, firstWait / 2,
		"the answer was cut short, trying again in ",
	},
	{"a login page for an answer", func(f *fixture) {
		f.SkipOpenAPI = true
		f.Inject(onLookup(1, fakegithub.Fault{Rewrite: func([]byte) []byte { return []byte("<html>log in</html>") }}))
	}, "", 2, firstWait / 2, "the answer is not JSON, trying again in "},
	{
		"no answer for long", func(f *fixture) { f.Inject(onLookup(1, fakegithub.Fault{Delay: 5 * time.Minute})) }, "", 2, attemptTime,
		"api.github.test:443: no answer in time, trying again in ",
	},
	{
		"a limit with Retry-After", func(f *fixture) { f.Inject(onLookup(1, fakegithub.SecondaryLimit(12*time.Second))) }, "", 2,
		12 * time.Second, "rate limited by GitHub (secondary limit), waiting 12s",
	},
	{
		"a primary limit that resets soon",
		func(f *fixture) { f.Inject(onLookup(1, fakegithub.PrimaryLimit(time.Now().Add(20*time.Second)))) }, "", 2, 20 * time.Second,
		"rate limited by GitHub (primary limit), waiting 21s",
	},

	{
		"never ending 500", func(f *fixture) { f.Inject(onLookup(0, fakegithub.ServerError(500, false))) },
		"find the installation for acme/api: GitHub answered 500: Server Error (tried 6 times in …)", 6, 31 * firstWait / 2,
		"GitHub answered 500, trying again in ",
	},
	{
		"a secondary limit without Retry-After", func(f *fixture) { f.Inject(onLookup(1, tooMany())) }, "", 2, time.Minute - lastMoment,
		"rate limited by GitHub (secondary limit), waiting 50s",
	},
	{
		"the same, for good", func(f *fixture) { f.Inject(onLookup(0, tooMany())) },
		"find the installation for acme/api: GitHub answered 429: You have exceeded a secondary rate limit. Please wait a few " +
			"minutes before you try again. (tried 2 times in …)",
		2, time.Minute - lastMoment, "rate limited by GitHub (secondary limit), waiting 50s",
	},
	{
		"a primary limit for long", func(f *fixture) { f.Inject(onLookup(1, fakegithub.PrimaryLimit(time.Now().Add(time.Hour)))) },
		"find the installation for acme/api: GitHub answered 403: API rate limit exceeded for installation.", 1, 0, "",
	},
	{
		"a plain 403", func(f *fixture) {
			f.Inject(onLookup(1, fakegithub.Fault{
				Status: 403,
				Body: `{"message":"Although you appear to have the correct authorization credentials, the acme organization has an ` +
					`IP allow list enabled"}`,
			}))
		},
		"find the installation for acme/api: GitHub answered 403: Although you appear to have the correct authorization " +
			"credentials, the acme organization has an IP allow list enabled",
		1, 0, "",
	},
	{"a redirect to another host", func(f *fixture) {
		f.SkipOpenAPI = true
		f.Inject(onLookup(1, fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "https://evil.test/"}}))
	}, "find the installation for acme/api: the answer leads to another host", 1, 0, ""},
}

func TestLookupOnABadDay(t *testing.T) {
	const found = "GET /repos/acme/api/installation 200"
	for _, c := range badDays {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				c.prepare(f)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				started := time.Now()
				_, err := f.app.Installation(ctx, Target{Owner: "acme", Repository: "api"})
				waited := time.Since(started)
				if got := withoutTime(firstLine(err)); got != c.err {
					t.Errorf("error %q, want %q", got, c.err)
				}
				if len(f.Requests()) != c.sent {
					t.Errorf("asked %v, want %d requests", f.asked(), c.sent)
				}
				if c.err == "" && f.asked()[c.sent-1] != found {
					t.Errorf("asked %v", f.asked())
				}
				if waited < c.waited || waited > 2*c.waited+time.Second {
					t.Errorf("waited %s, want %s or somewhat more", waited, c.waited)
				}
				want := c.said
				if want != "" { // each says which call it is about
					want = "find the installation for acme/api: " + want
				}
				if said := strings.Join(f.said, "\n"); !strings.HasPrefix(said, want) || want == "" && said != "" {
					t.Errorf("said %q, want %q", said, c.said)
				}
			})
		})
	}
}

func withoutTime(text string) string {
	before, after, ok := strings.Cut(text, " times in ")
	if !ok {
		return text
	}
	i := strings.IndexAny(after, ",)")
	return before + " times in …" + after[max(i, 0):]
}

// A wrong clock is noticed by the server's answer, once; each attempt signs
// again.
func TestClocks(t *testing.T) {
	for _, c := range []struct {
		name string
		skew time.Duration // of GitHub's clock against ours
		sent int
	}{
		{"right", 0, 1},
		{"half a minute ahead", -30 * time.Second, 1},
		{"three minutes behind", 3 * time.Minute, 1},
		{"two minutes ahead", -2 * time.Minute, 2},
		{"ten minutes behind", 10 * time.Minute, 2},
		{"a day ahead", -24 * time.Hour, 2},
		{"a day behind", 24 * time.Hour, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SetClockSkew(c.skew)
				installation, err := f.app.Installation(context.Background(), Target{Owner: "acme"})
				if err != nil {
					t.Fatal(err)
				}
				if len(f.Requests()) != c.sent {
					t.Errorf("asked %v, want %d requests", f.asked(), c.sent)
				}
				if _, err := f.app.Mint(context.Background(), installation, Scope{AllRepositories: true}); err != nil {
					t.Error(err)
				}
				if len(f.Requests()) != c.sent+1 {
					t.Errorf("the clock was forgotten: %v", f.asked())
				}
			})
		})
	}
}

// After a wait of several minutes for a limit, an attempt signs again: GitHub
// would refuse the JWT that was signed before.
func TestWaitsSignAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.Inject(onLookup(1, fakegithub.SecondaryLimit(15*time.Minute)))
		if _, err := f.app.Installation(context.Background(), Target{Owner: "acme", Repository: "api"}); err != nil {
			t.Fatal(err)
		}
		if len(f.jwts) != 2 || f.jwts[0].Reveal() == f.jwts[1].Reveal() {
			t.Errorf("%d JWTs were signed, want 2 different ones", len(f.jwts))
		}
	})
}

// A mint whose answer is lost is sent again.
func TestMintIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.Inject(fakegithub.Fault{Method: http.MethodPost, Times: 1, Drop: true, After: true})
		token, err := f.app.Mint(context.Background(), Installation{ID: testInstallation}, Scope{Repositories: []string{"api"}})
		if err != nil {
			t.Fatal(err)
		}
		if minted := f.Tokens(); len(minted) != 2 || minted[1].Value != token.Value.Reveal() {
			t.Errorf("%d tokens were minted, want 2", len(minted))
		}
	})
}

// A step that is cancelled while a mint is under way waits for the answer a
// little, to know what to revoke; it sends nothing new.
func TestCancelledMint(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   fakegithub.Fault
		minted  bool
		elapsed time.Duration
	}{
		{"the answer comes within the grace", fakegithub.Fault{Delay: 2 * time.Second}, true, 2 * time.Second},
		{"the answer comes too late", fakegithub.Fault{Delay: time.Minute}, false, time.Second + grace},
		{"between two attempts", fakegithub.ServerError(502, false), false, time.Second + grace},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				c.fault.Method = http.MethodPost
				f.Inject(c.fault)
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(time.Second, cancel)
				started := time.Now()
				token, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{Repositories: []string{"api"}})
				if elapsed := time.Since(started); elapsed > c.elapsed {
					t.Errorf("took %s, want %s at most", elapsed, c.elapsed)
				}
				if (err == nil) != c.minted || token.Value.Empty() == c.minted {
					t.Errorf("minted %v: %v", err == nil, err)
				}
				if late := f.Requests(); c.name == "between two attempts" && len(late) > 3 {
					t.Errorf("went on asking: %v", f.asked())
				}
			})
		})
	}
}

// Any bytes with any status: an error or an installation, never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"id":1}`)
	f.Add(401, `{"message":"'Issued at' claim ('iat') must be an Integer"}`)
	f.Add(403, "<html>\x1b[31m##[error]")
	f.Add(422, `{"message":"Validation Failed","errors":["a","b"]}`)
	f.Add(200, `{"token":1}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.SkipOpenAPI = true
			f.Inject(fakegithub.Fault{Status: status, Body: body})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			for _, call := range []func() error{
				func() error { _, err := f.app.Installation(ctx, Target{Owner: "acme"}); return err },
				func() error {
					_, err := f.app.Mint(ctx, Installation{ID: 1}, Scope{AllRepositories: true})
					return err
				},
				func() error { _, err := f.api.Revoke(ctx, f.jwts[0]); return err },
			} {
				if err := call(); err != nil && strings.ContainsAny(err.Error(), "\r\n\x1b") {
					t.Errorf("the error is more than a line: %q", err)
				}
			}
			for _, secret := range slices.Concat(f.jwts, f.tokens) {
				if strings.Contains(strings.Join(f.said, "\n"), secret.Reveal()) {
					t.Error("a secret was said")
				}
			}
		})
	})
}
