package githubapp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// The next page of a list is asked for with our credential, so it is on our
// host and below our API, whatever the answer says.
func TestNextPage(t *testing.T) {
	f := newFixture(t)
	const last = `, <https://api.github.test/repositories/7/keys?page=9>; rel="last"`
	for link, want := range map[string]string{
		``: "",
		`<https://api.github.test/repositories/7/keys?page=2>; rel="next"` + last:                        "repositories/7/keys?page=2",
		`<https://api.github.test/x?page=1>; rel="prev", <https://API.github.test/x?page=3>; rel="next"`: "x?page=3",
		`<https://api.github.test/x?page=9>; rel="last"`:                                                 "",
		`<https://evil.test/x?page=2>; rel="next"`:                                                       "another host",
		`<http://api.github.test/x?page=2>; rel="next"`:                                                  "another host",
		`<://>; rel="next"`: "another host",
		`<https://api.github.test///evil.test/x?page=2>; rel="next"`:       "another host",
		`<https://api.github.test/https://evil.test/x?page=2>; rel="next"`: "another host",
		`<https://api.github.test/x/../y?page=2>; rel="next"`:              "another host",
	} {
		next, err := f.api.nextPage(http.Header{"Link": {link}})
		if want == "another host" {
			if next != "" || !errors.Is(err, errOtherHost) {
				t.Errorf("%s: %q, %v", link, next, err)
			}
		} else if next != want || err != nil {
			t.Errorf("%s: %q, %v", link, next, err)
		}
	}
	server := newFixture(t)
	server.connect(t, "https://ghe.test/api/v3", fakegithubtest.Key())
	for link, want := range map[string]string{
		`<https://ghe.test/api/v3/x?page=2>; rel="next"`:       "x?page=2",
		`<https://ghe.test/x?page=2>; rel="next"`:              "",
		`<https://ghe.test/api/v3/../../x?page=2>; rel="next"`: "",
	} {
		next, err := server.api.nextPage(http.Header{"Link": {link}})
		if next != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", link, next, err)
		}
	}
}

// The error for a next page on another host is about its address, not about the
// status of the answer, which is good.
func TestNextPageElsewhereIsTold(t *testing.T) {
	f := newFixture(t)
	f.SkipOpenAPI = true
	token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Inject(fakegithub.Fault{Path: "/repos/acme/api", Status: 200, Body: `{}`, Header: map[string]string{
		"Content-Type": "application/json", "Link": `<https://evil.test/x?page=2>; rel="next"`,
	}})
	session := f.api.Session(func(context.Context) (redact.String, error) { return token.Value, nil })
	_, err = session.Call(t.Context(), apicall.Request{Op: "list things", Method: http.MethodGet, Path: "repos/acme/api/x"})
	if err == nil || err.Error() != "list things: the answer leads to another host" {
		t.Errorf("%v", err)
	}
}

// The credential goes to the API's host, whatever the path of a call is.
func TestPathsStayOnTheHost(t *testing.T) {
	f := newFixture(t)
	session := f.api.Session(func(context.Context) (redact.String, error) { return redact.String{}, errors.New("asked for a token") })
	for _, path := range []string{"//evil.test/x", "https://evil.test/x", "http://api.github.test/x"} {
		_, err := session.Call(t.Context(), apicall.Request{Op: "try", Method: http.MethodGet, Path: path})
		if !errors.Is(err, errElsewhere) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// GitHub's support finds a request by its id, whether it went well or not.
func TestRequestID(t *testing.T) {
	f := newFixture(t)
	f.SkipOpenAPI = true
	token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{http.StatusOK, http.StatusNotFound} {
		f.Inject(fakegithub.Fault{
			Path: "/repos/acme/api", Times: 1, Status: status, Body: `{}`, Header: map[string]string{"X-GitHub-Request-Id": "A1:B2"},
		})
		session := f.api.Session(func(context.Context) (redact.String, error) { return token.Value, nil })
		answer, _ := session.Call(t.Context(), apicall.Request{Op: "try", Method: http.MethodGet, Path: "repos/acme/api"})
		if answer.Status != status || answer.RequestID != "A1:B2" {
			t.Errorf("got %+v", answer)
		}
	}
}

// A write is sent only to the address that was meant: any redirect is a
// failure.
func TestWritesAreNotRedirected(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
			f := newFixture(t)
			f.SkipOpenAPI = true
			token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
			if err != nil {
				t.Fatal(err)
			}
			f.Inject(fakegithub.Fault{
				Path: "/repos/acme/old", Status: status, Header: map[string]string{"Location": "https://api.github.test/repos/acme/api"},
			})
			f.ResetRequests()
			session := f.api.Session(func(context.Context) (redact.String, error) { return token.Value, nil })
			_, err = session.Call(t.Context(), apicall.Request{Op: "try", Method: method, Path: "repos/acme/old/x"})
			followed := 0
			for _, r := range f.Requests() {
				if r.Path == "/repos/acme/api" && r.Method == method {
					followed++
				}
			}
			if read := method == http.MethodGet; (followed == 1) != read || errors.Is(err, errMoved) == read {
				t.Errorf("%s, %d: followed %d times, %v", method, status, followed, err)
			}
		}
	}
}

// A failure that is permanent is not tried again; one that only looks so is.
func TestPermanent(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.DNSError{IsNotFound: true}, true},
		{&net.DNSError{IsTemporary: true}, false},
		{proxyRefusal{"proxy.test", "407 Proxy Authentication Required"}, true},
		{proxyRefusal{"proxy.test", "502 Bad Gateway"}, false},
		{limitTooLong{secondaryLimit, 2 * time.Hour}, true},
		{noToken{errors.New("none")}, true},
		{errMoved, true},
		{errors.New("connection reset by peer"), false},
	} {
		if got := isPermanent(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// An answer that no second attempt changes ends the call with the first one; a
// JWT is refused for its clock once, and not again for ever.
func TestAnswersThatStay(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault fakegithub.Fault
		sent  int
	}{
		{"not implemented", fakegithub.Fault{Status: 501, Body: `{"message":"Not Implemented"}`}, 1},
		{"a clock that stays wrong", fakegithub.Fault{
			Status: 401, Body: `{"message":"'Expiration time' claim ('exp') must be a numeric value representing the future time"}`,
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SkipOpenAPI = true
				f.SetClockSkew(time.Hour)
				f.Inject(c.fault)
				_, err := f.app.Installation(context.Background(), Target{Owner: "acme"})
				sent := 0
				for _, r := range f.Requests() {
					if r.Path == "/users/acme/installation" {
						sent++
					}
				}
				if err == nil || sent != c.sent {
					t.Errorf("%d requests, %v", sent, err)
				}
			})
		})
	}
}

// The points of a minute are spent to the last one.
func TestPaceSpendsItsPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewRateLimiter(10, func(string, ...any) {})
		started := time.Now()
		for i, want := range []time.Duration{0, 0, time.Minute + time.Millisecond} {
			if err := limiter.acquire(t.Context(), Points(http.MethodPut), false); err != nil {
				t.Fatal(err)
			}
			limiter.release(Points(http.MethodPut), nil)
			if took := time.Since(started); took != want {
				t.Errorf("write %d after %s, want %s", i, took, want)
			}
		}
	})
}
