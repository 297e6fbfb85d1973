package fakegithub_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestFaultSelection(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	fault := fakegithub.ServerError(502, false)
	fault.Method, fault.Path, fault.Times = "GET", "/repos/*/*/installation", 2
	f.Inject(fault)
	prefix := fakegithub.ServerError(503, true)
	prefix.Path = "/app"
	f.Inject(prefix)
	for _, test := range []struct {
		path   string
		status int
	}{
		{"/orgs/octo-corp/installation", 200},
		{"/api/v3/repos/octo-corp/api/installation", 502},
		{"/repos/octo-corp/api/installation", 502},
		{"/repos/octo-corp/api/installation", 200},
		{"/app", 503},
		{"/app/installations", 503},
		{"/apple", 404},
	} {
		if r := f.send("GET", test.path, f.JWT(time.Now()), ""); r.StatusCode != test.status {
			t.Errorf("%s: got %d, want %d", test.path, r.StatusCode, test.status)
		}
	}
}

func TestLimits(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	reset := time.Now().Add(time.Minute)
	for _, fault := range []fakegithub.Fault{
		fakegithub.PrimaryLimit(reset), fakegithub.SecondaryLimit(61 * time.Second), fakegithub.SecondaryLimit(0),
	} {
		fault.Times = 1
		f.Inject(fault)
	}
	r := f.send("GET", "/app", f.JWT(time.Now()), "")
	if r.StatusCode != 403 || r.Header.Get("X-Ratelimit-Remaining") != "0" ||
		r.Header.Get("X-Ratelimit-Reset") != strconv.FormatInt(reset.Unix(), 10) || r.Header.Get("X-GitHub-Request-Id") == "" {
		t.Errorf("primary: %d %v", r.StatusCode, r.Header)
	}
	for _, want := range []string{"61", ""} {
		r := f.send("GET", "/app", f.JWT(time.Now()), "")
		doc, _ := r.body["documentation_url"].(string)
		if got := r.Header.Get("Retry-After"); got != want || !strings.HasSuffix(doc, "secondary-rate-limits") {
			t.Errorf("secondary: Retry-After %q, want %q; %s", got, want, doc)
		}
	}
}

func TestFaultAfterAndRewrite(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.Inject(fakegithub.Fault{Method: "POST", Times: 1, Status: 502, After: true})
	r := f.send("POST", f.mintPath(), f.JWT(time.Now()), "")
	if r.StatusCode != 502 || len(f.Tokens()) != 1 || !f.Alive(f.Tokens()[0].Value) || strings.Contains(r.text, "ghs_") {
		t.Errorf("after: got %d, %d tokens", r.StatusCode, len(f.Tokens()))
	}
	f.Inject(fakegithub.Fault{Method: "POST", Rewrite: func(body []byte) []byte {
		return bytes.ReplaceAll(body, []byte(`"contents":"read"`), []byte(`"contents":"write"`))
	}})
	r = f.send("POST", f.mintPath(), f.JWT(time.Now()), `{"permissions": {"contents": "read"}}`)
	if got := r.body["permissions"].(map[string]any)["contents"]; got != "write" || f.Tokens()[1].Permissions["contents"] != "read" {
		t.Errorf("rewrite: answer says %v, granted %v", got, f.Tokens()[1].Permissions)
	}
}

// The connection is real, since these faults are about the connection.
func TestDropAndTruncate(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	server := httptest.NewServer(f)
	defer server.Close()
	f.Inject(fakegithub.Fault{Path: "/meta", Times: 1, Drop: true})
	f.Inject(fakegithub.Fault{Path: "/versions", Truncate: true})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if _, err := client.Get(server.URL + "/meta"); err == nil {
		t.Error("the dropped call was answered")
	}
	if got := f.Requests()[0]; got.Status != 0 {
		t.Errorf("dropped call recorded with status %d", got.Status)
	}
	resp, err := client.Get(server.URL + "/versions")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated body: got %v, want unexpected EOF", err)
	}
	if resp, err := client.Get(server.URL + "/meta"); err != nil || resp.StatusCode != 200 {
		t.Errorf("after the fault: %v", err)
	}
}

func TestDelayObeysTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, fakegithub.Config{})
		f.Inject(fakegithub.Fault{Delay: time.Hour})
		start := time.Now()
		if r := f.send("GET", "/meta", "", ""); r.StatusCode != 200 || time.Since(start) != time.Hour {
			t.Errorf("got %d after %v", r.StatusCode, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		defer func() {
			if p := recover(); p != http.ErrAbortHandler || time.Since(start) != time.Hour+time.Minute {
				t.Errorf("recovered %v after %v", p, time.Since(start))
			}
		}()
		f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/meta", nil))
	})
}

func TestTimeMovesTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, fakegithub.Config{})
		token := strings.TrimPrefix(f.mint(""), "token ")
		time.Sleep(59 * time.Minute) // in the bubble's time
		if !f.Alive(token) {
			t.Error("dead after 59 minutes")
		}
		time.Sleep(time.Minute)
		if f.Alive(token) {
			t.Error("alive after an hour")
		}
	})
}
