package githubapp

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// tlsGitHub serves a fixture's GitHub by TLS, with a CA of its own.
func tlsGitHub(t *testing.T, f *fixture) (server *httptest.Server, ca []byte, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	server = httptest.NewUnstartedServer(f.Server)
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server, ca, connections
}

// dial connects a fixture's App over the network.
func (f *fixture) dial(t *testing.T, c Config) *App {
	t.Helper()
	c.UserAgent = "valetkey-test"
	api, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	app, err := api.App(testClientID, fakegithubtest.Key())
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// hurried looks an installation up with no time for a second attempt. That is
// little time for a first one too on a machine with much else to do, so it may
// have a few.
func hurried(t *testing.T, app *App) (err error) {
	t.Helper()
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), firstWait/2)
		_, err = app.Installation(ctx, Target{Owner: "acme"})
		cancel()
		var e *Error
		if !errors.As(err, &e) || !strings.HasSuffix(e.Reason, "no answer in time") {
			break
		}
	}
	return err
}

func TestOwnCA(t *testing.T) {
	f := newFixture(t)
	server, ca, connections := tlsGitHub(t, f)
	app := f.dial(t, Config{URL: server.URL, Roots: ca})
	installation, err := app.Installation(t.Context(), Target{Owner: "acme", Repository: "api"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := app.Mint(t.Context(), installation, Scope{Repositories: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := app.api.Verify(t.Context(), token.Value); err != nil {
		t.Error(err)
	}
	if _, err := app.api.Revoke(t.Context(), token.Value); err != nil {
		t.Error(err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for four requests, want 1", n)
	}

	_, err = f.dial(t, Config{URL: server.URL}).Installation(t.Context(), Target{Owner: "acme"})
	var e *Error
	if !errors.As(err, &e) || e.Attempts != 1 || !strings.Contains(e.Reason, ": TLS: x509: ") ||
		!strings.Contains(e.Hint, "pass the CA's certificate in ca-bundle") {
		t.Errorf("without the CA: %v, hint %s", err, e.ErrorHint())
	}
}

// The reason and the hint name the layer at which a real connection fails.
func TestUnreachable(t *testing.T) {
	f := newFixture(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(f.Server)
	t.Cleanup(plain.Close)
	hangUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(hangUp.Close)
	_ = closed.Close() // last, or one of these might get its port
	for _, c := range []struct{ name, url, reason, hint string }{
		{
			"nobody listens", "http://" + closed.Addr().String(), closed.Addr().String() + ": TCP: connection refused",
			"in a container 127.0.0.1 is the container, not the runner: set github-api-url to the runner's own address",
		},
		{
			"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), strings.TrimPrefix(plain.URL, "http://") + ": TLS: ",
			"check that github-api-url names an https port",
		},
		{
			"hung up", hangUp.URL, strings.TrimPrefix(hangUp.URL, "http://") + ": the connection was closed without an answer",
			"check that the runner reaches",
		},
	} {
		err := hurried(t, f.dial(t, Config{URL: c.url}))
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Reason, c.reason) || !strings.HasPrefix(e.Hint, c.hint) {
			t.Errorf("%s: got %v, hint %s, want %s", c.name, err, e.ErrorHint(), c.reason)
		}
	}
}

// The reason and the hint are right for errors that need a network to occur.
func TestReasons(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		err          error
		reason, hint string
	}{
		{
			&url.Error{
				Op: "Get", URL: "https://u:p@x",
				Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "api.github.test", IsNotFound: true, Err: "no such host"}},
			},
			"DNS: api.github.test has no address", "check github-api-url, and the runner's DNS and proxy settings",
		},
		{&net.DNSError{Name: "api.github.test", IsTimeout: true}, "DNS: no answer for api.github.test", "check github-api-url, and"},
		{
			&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: context.DeadlineExceeded},
			"192.0.2.1:443: TCP: no answer in time", "check that the runner reaches api.github.test:443",
		},
		{
			errors.New("net/http: TLS handshake timeout"), "api.github.test:443: TLS: net/http: TLS handshake timeout",
			"check that github-api-url names an https port",
		},
		{context.DeadlineExceeded, "api.github.test:443: no answer in time", "check that the runner reaches api.github.test:443"},
		{
			&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443}, Err: syscall.ECONNREFUSED},
			"10.0.0.1:443: TCP: connection refused", "check that the runner reaches api.github.test:443",
		},
		{
			&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv6loopback, Port: 443}, Err: syscall.ECONNREFUSED},
			"[::1]:443: TCP: connection refused", "in a container ::1 is the container",
		},
		{
			&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}, Err: context.DeadlineExceeded},
			"127.0.0.1:443: TCP: no answer in time", "check that the runner reaches",
		},
		{errors.New("bad\x1b[31m\r\n::error::x"), `bad\x1b[31m ::error::x`, "check that"},
	} {
		if got := f.api.reason(c.err); got != c.reason {
			t.Errorf("got %q, want %q", got, c.reason)
		}
		if got := f.api.unreachable(c.err); !strings.HasPrefix(got, c.hint) {
			t.Errorf("hint %q, want %q", got, c.hint)
		}
	}
}

// On a machine without certificates, as in the image, the built-in ones count.
// The system's certificates are read once in a process, so this takes another
// process.
func TestBuiltInRoots(t *testing.T) {
	if os.Getenv("SSL_CERT_FILE") == os.DevNull {
		if n := len(roots().Subjects()); n < 100 { //nolint:staticcheck // it misses the system's, of which there are none
			t.Errorf("%d roots", n)
		}
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBuiltInRoots$")
	child.Env = append(os.Environ(), "SSL_CERT_FILE="+os.DevNull, "SSL_CERT_DIR="+t.TempDir())
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
