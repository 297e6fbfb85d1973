package githubapp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

// personal makes a token of a person with a prefix.
func (f *fixture) personal(prefix string) redact.String {
	value := prefix + rand.Text() + rand.Text()
	f.AddPersonalToken(fakegithub.PersonalToken{Value: value, Login: "monalisa", Classic: prefix == "ghp_"})
	return redact.New(value)
}

func TestRevokeCredentials(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	limiter := NewRateLimiter(PointsPerMinute, func(string, ...any) {})
	f.api = f.api.WithLimiter(limiter)
	var values []redact.String
	for _, prefix := range []string{"ghp_", "github_pat_", "gho_", "ghu_", "ghr_"} {
		values = append(values, f.personal(prefix))
	}
	for _, v := range values[:4] {
		if works, err := f.api.StillWorks(ctx, v); !works || err != nil {
			t.Errorf("before: %v, %v", works, err)
		}
	}
	f.ResetRequests()
	if accepted, err := f.api.RevokeCredentials(ctx, values); accepted != 5 || err != nil {
		t.Fatalf("accepted %d: %v", accepted, err)
	}
	if q := limiter.Quota(); q != (Quota{}) {
		t.Errorf("the limit of an address, or of a person, became that of an installation: %+v", q)
	}
	if got := f.Requests(); len(got) != 1 || got[0].Authorization != "none" || got[0].Status != http.StatusAccepted {
		t.Errorf("asked %+v", got)
	}
	for i, v := range values {
		if f.PersonalTokenWorks(v.Reveal()) {
			t.Errorf("value %d works", i)
		}
		ended, err := f.api.AwaitEnd(ctx, v)
		if refresh := i == 4; ended == refresh || (err != nil) != refresh {
			t.Errorf("value %d: ended %v, %v", i, ended, err)
		}
	}
}

// Only whole tokens of people are sent, and nothing is as long as one value is
// something else. The error does not repeat it.
func TestOnlyTokensOfPeopleEndByTheirValues(t *testing.T) {
	good := "ghp_" + rand.Text() + rand.Text()
	for _, bad := range []string{
		"ghs_" + rand.Text() + rand.Text(), "ghp_short", strings.ToUpper(good), good + " ", good + "\n" + good, "x" + good,
		strings.Repeat("0a", 20), "v1." + strings.Repeat("0a", 20), "",
	} {
		f := newFixture(t)
		accepted, err := f.api.RevokeCredentials(t.Context(), []redact.String{redact.New(good), redact.New(bad)})
		const want = "revoke tokens by their values: value 2 of 2 is not of a kind that GitHub ends by its value, and nothing was sent"
		if accepted != 0 || firstLine(err) != want || len(f.Requests()) != 0 {
			t.Errorf("%.8q…: accepted %d, %v; asked %v", bad, accepted, err, f.asked())
		}
	}
	f := newFixture(t)
	if accepted, err := f.api.RevokeCredentials(t.Context(), nil); accepted != 0 || err != nil || len(f.Requests()) != 0 {
		t.Errorf("none: %d, %v, asked %v", accepted, err, f.asked())
	}
}

// More values than one call may have take more calls, and an error says how many
// were accepted before.
func TestRevokeCredentialsInParts(t *testing.T) {
	var sizes []int
	f := newFixture(t)
	api, err := New(Config{URL: "https://api.github.test", UserAgent: "valetkey-test", Transport: transporttest.InMemory{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			var sent struct{ Credentials []string }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Error(err)
			}
			if sizes = append(sizes, len(sent.Credentials)); len(sizes) == 3 {
				f.Inject(fakegithub.Fault{
					Status: http.StatusUnprocessableEntity, Times: 1, Body: `{"message":"Validation Failed","documentation_url":"x"}`,
					Header: map[string]string{"Content-Type": "application/json"},
				})
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			f.ServeHTTP(w, r)
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]redact.String, 2*MaxCredentials+1)
	for i := range values {
		values[i] = redact.New(fmt.Sprintf("ghp_%036d", i))
	}
	accepted, err := api.RevokeCredentials(t.Context(), values)
	const want = "revoke tokens 2001 to 2001 of 2001 by their values: GitHub answered 422: Validation Failed"
	if accepted != 2000 || firstLine(err) != want {
		t.Errorf("accepted %d, %v", accepted, err)
	}
	if diff := cmp.Diff([]int{1000, 1000, 1}, sizes); diff != "" {
		t.Error(diff)
	}
}

// Each refusal says what to do, and none repeats a value, not even a part of one.
func TestRefusedRevocations(t *testing.T) {
	const json = "application/json"
	for _, c := range []struct {
		name         string
		server       bool // an Enterprise Server
		status       int
		kind, body   string // of the answer; {value} stands for the one that was sent
		message, has string // of the error and its hint
	}{
		{name: "an Enterprise Server", server: true, message: "GitHub answered 404: Not Found", has: "an administrator of the server"},
		{
			name: "a server in private mode", status: 401, kind: json, body: `{"message":"Must authenticate to access this API."}`,
			message: "GitHub answered 401: Must authenticate to access this API.", has: "an administrator of the server",
		},
		{
			name: "a credential that was added", status: 403, kind: json, body: `{"message":"No credential, please."}`,
			message: "GitHub answered 403: No credential, please.", has: "such as a proxy, adds one",
		},
		{
			name: "a firewall", status: 403, kind: "text/html", body: "<html>{value}</html>",
			message: "GitHub answered 403: Forbidden", has: "a firewall or a proxy answers in place of",
		},
		{
			name: "a value that GitHub repeats", status: 422, kind: json,
			body:    `{"message":"Validation Failed","errors":["{value} is unknown","` + strings.Repeat("x", 350) + ` {value}"]}`,
			message: "GitHub answered 422: Validation Failed; *** is unknown; xxx",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			if c.server {
				f.Server = fakegithub.New(fakegithub.Config{EnterpriseServer: true}, fakegithub.CredentialRevocation)
				f.api, _ = New(Config{
					URL: "https://github.test/api/v3", UserAgent: "valetkey-test", Transport: transporttest.InMemory{Handler: f.Server},
				})
			}
			var said []string
			f.api.config.Debug = func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
			f.SkipOpenAPI = true
			value := f.personal("ghp_")
			if c.status != 0 {
				f.Inject(fakegithub.Fault{
					Status: c.status, Header: map[string]string{"Content-Type": c.kind},
					Body: strings.ReplaceAll(c.body, "{value}", value.Reveal()),
				})
			}
			accepted, err := f.api.RevokeCredentials(t.Context(), []redact.String{value})
			var e *Error
			if accepted != 0 || !errors.As(err, &e) || !strings.Contains(e.Error(), c.message) || !strings.Contains(e.ErrorHint(), c.has) {
				t.Errorf("accepted %d, %v, hint %q", accepted, err, e.ErrorHint())
			}
			if text := fmt.Sprintf("%+v %#v %v", err, err, said); strings.Contains(text, value.Reveal()[:12]) {
				t.Errorf("the value is in %s", text)
			}
		})
	}
}

// The limit is that of an address. It is waited for while there is time, and
// else the hint says whose it is.
func TestRevokeCredentialsWaitsForItsLimit(t *testing.T) {
	for _, c := range []struct {
		time     time.Duration
		accepted int
	}{{time.Hour, 1}, {time.Minute, 0}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			limit := fakegithub.PrimaryLimit(time.Now().Add(10 * time.Minute))
			limit.Times = 1
			f.Inject(limit)
			ctx, cancel := context.WithTimeout(t.Context(), c.time)
			defer cancel()
			accepted, err := f.api.RevokeCredentials(ctx, []redact.String{f.personal("gho_")})
			var e *Error
			if accepted != c.accepted || (accepted == 0) != errors.As(err, &e) {
				t.Fatalf("in %s: accepted %d, %v", c.time, accepted, err)
			}
			if e != nil && !strings.Contains(e.ErrorHint(), "it counts all calls without a credential from this address") {
				t.Errorf("hint %q", e.ErrorHint())
			}
		})
	}
}

// GitHub works a revocation off after it has accepted it. The token has ended
// when GitHub itself says so, and not when somebody else does.
func TestAwaitEnd(t *testing.T) {
	answer := func(status int, kind, body string, times int) fakegithub.Fault {
		return fakegithub.Fault{Path: "/user", Status: status, Header: map[string]string{"Content-Type": kind}, Body: body, Times: times}
	}
	const json, login = "application/json", `{"login":"monalisa"}`
	for _, c := range []struct {
		name   string
		meets  fakegithub.Fault
		ended  bool
		failed bool
		asked  int
	}{
		{name: "it ends later", meets: answer(200, json, login, 3), ended: true, asked: 4},
		{name: "it never ends", meets: answer(200, json, login, 0), asked: 5},
		{name: "a website answers", meets: answer(401, "text/html", "<html>", 0), failed: true, asked: 1},
		{name: "a proxy drops the header", meets: answer(401, json, `{"message":"Requires authentication"}`, 0), failed: true, asked: 1},
		{name: "its owner is suspended", meets: answer(403, json, `{"message":"Sorry."}`, 0), failed: true, asked: 1},
		{name: "it is not found", meets: answer(404, json, `{"message":"Not Found"}`, 0), failed: true, asked: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SkipOpenAPI = true
				token := f.personal("ghp_")
				if _, err := f.api.RevokeCredentials(t.Context(), []redact.String{token}); err != nil {
					t.Fatal(err)
				}
				f.ResetRequests()
				f.Inject(c.meets)
				started := time.Now()
				ended, err := f.api.AwaitEnd(t.Context(), token)
				if ended != c.ended || (err != nil) != c.failed || len(f.Requests()) != c.asked {
					t.Errorf("ended %v, %v; asked %v", ended, err, f.asked())
				}
				if took := time.Since(started); took > 16*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A wait ends with its context.
func TestAwaitEndIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if ended, err := f.api.AwaitEnd(ctx, f.personal("ghp_")); ended || err != nil || len(f.Requests()) != 2 {
			t.Errorf("ended %v, %v; asked %v", ended, err, f.asked())
		}
	})
}

// An installation token is asked about in its own way.
func TestStillWorksOfAnInstallationToken(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	token, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{AllRepositories: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if works, err := f.api.StillWorks(ctx, token.Value); works != want || err != nil {
			t.Errorf("works %v, %v; want %v", works, err, want)
		}
		if _, err := f.api.Revoke(ctx, token.Value); err != nil {
			t.Fatal(err)
		}
	}
}
