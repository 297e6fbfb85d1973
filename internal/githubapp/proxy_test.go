package githubapp

import (
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// connectProxy is a real CONNECT proxy with a password. It connects whatever
// name it is asked for to one address on this machine.
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
		{
			"wrong password", "http://user:opensezame@" + address,
			"proxy " + address + ": it answered 407 Proxy Authentication Required", check,
		},
		{
			"nobody there", "http://user:opensesame@" + closed.Addr().String(),
			"proxy " + closed.Addr().String() + ": TCP: connection refused",
			"in a container 127.0.0.1 is the container, not the runner: set HTTPS_PROXY to the runner's own address",
		},
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
