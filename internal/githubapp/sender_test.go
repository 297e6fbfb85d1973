package githubapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
)

// custodian is a request to a server, with everything that a log must not have.
func custodian(server string) Request {
	return Request{
		Op: "sign", Setting: "vault-url", Method: http.MethodPost, URL: server + "/v1/sign?query=hidden",
		Header: map[string]string{"X-Vault-Token": "header-hidden"}, Body: []byte("body-hidden"), Busy: []string{`"Throttling"`},
	}
}

// A sender gives back any answer, and tells nothing of the request but where it
// went.
func TestSender(t *testing.T) {
	for _, status := range []int{200, 204, 400, 401, 403, 404, 501} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != "body-hidden" || r.Header.Get("X-Vault-Token") != "header-hidden" ||
				r.UserAgent() != "valetkey-test" ||
				r.URL.RawQuery != "query=hidden" {
				t.Errorf("%s %s %v %s", r.Method, r.URL, r.Header, body)
			}
			w.Header().Set("Date", "Fri, 20 Nov 2026 12:00:00 GMT")
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, "<answer-hidden>") // which is no JSON
			}
		}))
		defer server.Close()
		var told []string
		tell := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
		sender := NewSender(Config{UserAgent: "valetkey-test", Debug: tell, Info: tell, Warning: tell})
		got, err := sender.Send(t.Context(), custodian(server.URL))
		if err != nil || got.Status != status || status != 204 && string(got.Body) != "<answer-hidden>" || got.Date.Hour() != 12 {
			t.Errorf("%d: %d %s %s, %v", status, got.Status, got.Body, got.Date, err)
		}
		if text := strings.Join(told, "\n"); len(told) != 1 || strings.Contains(text, "hidden") ||
			!strings.HasPrefix(text, "POST "+strings.TrimPrefix(server.URL, "http://")+"/v1/sign: ") {
			t.Errorf("told %s", text)
		}
	}
}

// No redirect is followed: it would take the request's credential elsewhere.
func TestSenderFollowsNoRedirect(t *testing.T) {
	var reached atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{other.URL, "/v1/other"} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/other" {
					reached.Add(1)
				}
				http.Redirect(w, r, to, status)
			}))
			defer server.Close()
			_, err := NewSender(Config{}).Send(t.Context(), custodian(server.URL))
			var e *Error
			if !errors.As(err, &e) || e.Error() != "sign: the answer leads to another address" ||
				!strings.HasPrefix(e.Hint, "check vault-url: ") {
				t.Errorf("%d to %s: %v", status, to, err)
			}
		}
	}
	if reached.Load() > 0 {
		t.Error("the other address was reached")
	}
}

// What is wrong between here and the host is told as it is of GitHub, with the
// settings that the address is from.
func TestSenderFails(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for block := make([]byte, 1<<16); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "x")
	}))
	defer cut.Close()
	tls := httptest.NewTLSServer(nil)
	defer tls.Close()
	for name, c := range map[string]struct{ url, reason, hint string }{
		"nobody listens": {
			closed.URL, "TCP: connection refused", "in a container 127.0.0.1 is the container, not the runner: set vault-url to",
		},
		"an endless body": {endless.URL, "the answer is larger than 1048576 bytes", "check that the runner reaches"},
		"a cut body":      {cut.URL, "the answer was cut short", "check that the runner reaches"},
		"its own CA": {
			tls.URL, "TLS: x509:", "if 127.0.0.1 has a certificate of your own CA, pass the CA's certificate in ca-bundle",
		},
		"http to another":  {"http://vault.test", "the address from vault-url is http, so that anybody", "use https"},
		"no address":       {"vault.test", "the address from vault-url is not an http(s) URL", "use https"},
		"no address again": {"https://\x00hidden", "the address from vault-url is not an http(s) URL", "use https"},
	} {
		err := hurriedSend(t, c.url)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Reason, c.reason) || !strings.HasPrefix(e.ErrorHint(), c.hint) ||
			strings.Contains(e.Error(), "hidden") || e.Status != 0 {
			t.Errorf("%s: %v, hint %v", name, err, e.ErrorHint())
		}
	}
	if _, err := NewSender(Config{Roots: []byte("no PEM")}).Send(t.Context(), custodian(tls.URL)); err == nil {
		t.Error("roots that are none")
	}
}

// hurriedSend sends a request with no time for a second attempt. That is little
// time for a first one too on a machine with much else to do, so it may have a
// few.
func hurriedSend(t *testing.T, server string) (err error) {
	t.Helper()
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), firstWait/2)
		_, err = NewSender(Config{}).Send(ctx, custodian(server))
		cancel()
		var e *Error
		if !errors.As(err, &e) || !strings.HasSuffix(e.Reason, "no answer in time") {
			break
		}
	}
	return err
}

// A host that has trouble or much to do is asked again, and one that refuses is
// not.
func TestSenderTriesAgain(t *testing.T) {
	for name, c := range map[string]struct {
		first answering
		asked int
		wait  time.Duration // at least
	}{
		"trouble":             {answering{503, "", ""}, 2, firstWait / 2},
		"too much":            {answering{429, "", ""}, 2, firstWait / 2},
		"too much for a time": {answering{429, "7", ""}, 2, 7 * time.Second},
		"a long time":         {answering{503, "86400", ""}, 2, maxBusyWait},
		"throttled":           {answering{400, "", `{"__type":"Throttling"}`}, 2, firstWait / 2},
		"refused":             {answering{400, "", `{"__type":"Other"}`}, 1, 0},
		"not for us":          {answering{403, "7", ""}, 1, 0},
		"not there":           {answering{501, "", ""}, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			sender := NewSender(Config{Transport: transporttest.InMemory{Handler: http.HandlerFunc(func(w http.ResponseWriter,
				r *http.Request,
			) {
				if body, _ := io.ReadAll(r.Body); string(body) != "body-hidden" {
					t.Errorf("%s: the body is %q", name, body)
				}
				if asked++; asked == 1 {
					c.first.write(w)
				}
			})}})
			began := time.Now()
			if _, err := sender.Send(t.Context(), custodian("https://vault.test")); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); asked != c.asked || took < c.wait || took > c.wait+lastWait {
				t.Errorf("%s: asked %d times in %s", name, asked, took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		sender := NewSender(Config{Transport: transporttest.InMemory{Handler: http.HandlerFunc(func(w http.ResponseWriter,
			_ *http.Request,
		) {
			asked++
			w.WriteHeader(500)
		})}})
		got, err := sender.Send(t.Context(), custodian("https://vault.test"))
		if err != nil || got.Status != 500 || asked != maxAttempts {
			t.Errorf("%d after %d attempts: %v", got.Status, asked, err)
		}
	})
}

type answering struct {
	status           int
	retryAfter, body string
}

func (a answering) write(w http.ResponseWriter) {
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// A sender has the same roots and the same proxy as an API, and keeps its
// connections.
func TestSenderShares(t *testing.T) {
	f := newFixture(t)
	server, ca, connections := tlsGitHub(t, f)
	asked := 0
	sender := NewSender(Config{Roots: ca, Proxy: func(*http.Request) (*url.URL, error) {
		asked++
		return nil, nil
	}})
	for range 3 {
		if _, err := sender.Send(t.Context(), custodian(server.URL)); err != nil {
			t.Fatal(err)
		}
	}
	if connections.Load() != 1 || asked != 3 {
		t.Errorf("%d connections, and the proxy was asked for %d times", connections.Load(), asked)
	}
}
