package address

import (
	"errors"
	"net/url"
	"testing"
)

func TestCheck(t *testing.T) {
	for text, want := range map[string]error{
		"https://api.github.com/": nil, "https://10.0.0.1": nil,
		"http://127.0.0.1:8080": nil, "http://127.8.9.1": nil, "http://[::1]:80": nil, "http://localhost": nil,
		"http://api.github.com": ErrPlain, "http://10.0.0.1": ErrPlain, "http://0.0.0.0:80": ErrPlain, "http://[::]": ErrPlain,
		// Names that look like the loopback and lead where DNS says.
		"http://127.0.0.1.example.com": ErrPlain, "http://localhost.example.com": ErrPlain,
		"http://localhost.": ErrPlain, "http://127.1": ErrPlain,
		"http://[::ffff:10.0.0.1]": ErrPlain, "http://host.docker.internal": ErrPlain,
		"ftp://127.0.0.1": ErrScheme, "https://": ErrScheme, "127.0.0.1": ErrScheme, "": ErrScheme,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Check(u, false); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		if got := Check(u, true); errors.Is(want, ErrScheme) != (got != nil) {
			t.Errorf("%q, insecure: %v", text, got)
		}
	}
}
