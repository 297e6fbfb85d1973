package githubapp

import (
	"context"
	"encoding/base64"
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

	"github.com/valetkey/valetkey/internal/address"
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
// little time for a first one too on a machine with much else to do, so it may have
// a few.
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
	if !errors.As(err, &e) || e.Attempts != 1 || !strings.Contains(e.Reason, ": TLS: x509: ") || !strings.Contains(e.Hint, "pass the CA's certificate in ca-bundle") {
		t.Errorf("without the CA: %v, hint %s", err, e.ErrorHint())
	}
}

// connectProxy is a real CONNECT proxy with a password. It connects whatever name
// it is asked for to one address on this machine.
func connectProxy(t *testing.T, to string) (address string, used *atomic.Int32) {
	t.Helper()
	used = &atomic.Int32{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:opensesame"))
		switch {
		case r.Method != http.MethodConnect:
			http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		case r.Header.Get("Proxy-Authorization") != want:
			http.Error(w, "who are you", http.StatusProxyAuthRequired)
		default:
			used.Add(1)
			tunnel(w, to)
		}
	}))
	t.Cleanup(proxy.Close)
	return strings.TrimPrefix(proxy.URL, "http://"), used
}

func tunnel(w http.ResponseWriter, to string) {
	back, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	front, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_, err = io.WriteString(front, "HTTP/1.1 200 Connection established\r\n\r\n")
	}
	if err != nil {
		_ = back.Close()
		return
	}
	go func() { _, _ = io.Copy(back, front); _ = back.Close() }()
	go func() { _, _ = io.Copy(front, back); _ = front.Close() }()
}

func TestProxy(t *testing.T) {
	f := newFixture(t)
	server, ca, _ := tlsGitHub(t, f)
	address, used := connectProxy(t, server.Listener.Addr().String())
	through := func(proxy string) Config {
		return Config{URL: "https://example.com", Roots: ca, Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }}
	}
	if _, err := f.dial(t, through("http://user:opensesame@"+address)).Installation(t.Context(), Target{Owner: "acme"}); err != nil {
		t.Fatal(err)
	}
	if used.Load() != 1 {
		t.Errorf("the proxy was used %d times, want 1", used.Load())
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	const check = "check HTTPS_PROXY or HTTP_PROXY of the runner"
	for _, c := range []struct{ name, proxy, reason, hint string }{
		{"wrong password", "http://user:opensezame@" + address, "proxy " + address + ": it answered 407 Proxy Authentication Required", check},
		{"nobody there", "http://user:opensesame@" + closed.Addr().String(), "proxy " + closed.Addr().String() + ": TCP: connection refused", "in a container 127.0.0.1 is the container, not the runner: let HTTPS_PROXY name the runner's own address"},
		{"no address", "http://user:opensesame@[::", "proxy: its address can't be read", check},
	} {
		err := hurried(t, f.dial(t, through(c.proxy)))
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.reason || !strings.HasPrefix(e.Hint, c.hint) {
			t.Errorf("%s: got %v, hint %s, want %s", c.name, err, e.ErrorHint(), c.reason)
		}
		if strings.Contains(err.Error()+e.Hint, "opense") {
			t.Errorf("%s: the password is in %v", c.name, err)
		}
	}
}

// What was in the way, for real.
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
		{"nobody listens", "http://" + closed.Addr().String(), closed.Addr().String() + ": TCP: connection refused", "in a container 127.0.0.1 is the container, not the runner: let github-api-url name the runner's own address"},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), strings.TrimPrefix(plain.URL, "http://") + ": TLS: ", "check that github-api-url names an https port"},
		{"hung up", hangUp.URL, strings.TrimPrefix(hangUp.URL, "http://") + ": the connection was closed without an answer", "check that the runner reaches"},
	} {
		err := hurried(t, f.dial(t, Config{URL: c.url}))
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Reason, c.reason) || !strings.HasPrefix(e.Hint, c.hint) {
			t.Errorf("%s: got %v, hint %s, want %s", c.name, err, e.ErrorHint(), c.reason)
		}
	}
}

// What can't be had without a network.
func TestReasons(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		err          error
		reason, hint string
	}{
		{&url.Error{Op: "Get", URL: "https://u:p@x", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "api.github.test", IsNotFound: true, Err: "no such host"}}}, "DNS: api.github.test has no address", "check github-api-url, and the runner's DNS and proxy settings"},
		{&net.DNSError{Name: "api.github.test", IsTimeout: true}, "DNS: no answer for api.github.test", "check github-api-url, and"},
		{&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: context.DeadlineExceeded}, "192.0.2.1:443: TCP: no answer in time", "check that the runner reaches api.github.test:443"},
		{errors.New("net/http: TLS handshake timeout"), "api.github.test:443: TLS: net/http: TLS handshake timeout", "check that github-api-url names an https port"},
		{context.DeadlineExceeded, "api.github.test:443: no answer in time", "check that the runner reaches api.github.test:443"},
		{&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443}, Err: syscall.ECONNREFUSED}, "10.0.0.1:443: TCP: connection refused", "check that the runner reaches api.github.test:443"},
		{&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv6loopback, Port: 443}, Err: syscall.ECONNREFUSED}, "[::1]:443: TCP: connection refused", "in a container ::1 is the container"},
		{&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}, Err: context.DeadlineExceeded}, "127.0.0.1:443: TCP: no answer in time", "check that the runner reaches"},
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

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://api.github.com":         "https://api.github.com/",
		" https://api.octo.ghe.com/ ":    "https://api.octo.ghe.com/",
		"https://ghes.test/api/v3":       "https://ghes.test/api/v3/",
		"https://ghes.test:8443/api/v3/": "https://ghes.test:8443/api/v3/",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080/",
		"http://localhost":               "http://localhost/",
		"HTTPS://API.GitHub.com:443/":    "https://api.github.com/",
		"http://127.0.0.1:80":            "http://127.0.0.1/",
		"https://ghes.test:/API/v3":      "https://ghes.test/API/v3/",
		"https://[2001:DB8::1]:443":      "https://[2001:db8::1]/",
		"http://ghes.test":               address.ErrPlain.Error(),
		"http://0.0.0.0:8080":            address.ErrPlain.Error(),
		"ftp://x":                        "is not an http(s) URL",
		"api.github.com":                 "is not an http(s) URL",
		"https://":                       "is not an http(s) URL",
		"https://u:p@ghes.test":          "holds a user name or password",
		"https://ghes.test/?x=1":         "has a query or a fragment",
		"https://[::1":                   "is not an http(s) URL",
	} {
		u, err := ParseURL(text)
		if err != nil && err.Error() != want || err == nil && u.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, u, err, want)
		}
	}
	if u, err := ParseInsecureURL("http://GHES.test:80"); err != nil || u.String() != "http://ghes.test/" {
		t.Errorf("insecure: %v, %v", u, err)
	}
	for _, insecure := range []bool{false, true} {
		if _, err := New(Config{URL: "http://ghes.test", InsecureHTTP: insecure}); (err == nil) != insecure {
			t.Errorf("insecure is %v: %v", insecure, err)
		}
	}
}

// The same App on each kind of host, with and without a slash at the end.
func TestHosts(t *testing.T) {
	for _, base := range []string{"https://api.github.com", "https://api.octo.ghe.com/", "https://ghes.test/api/v3", "https://ghes.test/api/v3/"} {
		f := newFixture(t)
		f.connect(t, base, fakegithubtest.Key())
		if _, err := f.app.Installation(context.Background(), Target{Owner: "acme", Repository: "api"}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
		want := strings.TrimSuffix(strings.TrimPrefix(base[8:], strings.SplitN(base[8:], "/", 2)[0]), "/") + "/repos/acme/api/installation"
		if got := f.Requests()[0].Path; got != want {
			t.Errorf("%s: asked %s, want %s", base, got, want)
		}
	}
}

// On a machine without certificates, as in the image, the built-in ones count. What
// the system has is read once in a process, so this takes another one.
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
