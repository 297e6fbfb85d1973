package gitauth

import (
	"errors"
	"strings"
	"testing"
)

func TestServer(t *testing.T) {
	for _, test := range []struct{ text, url, host string }{
		{"https://github.com", "https://github.com", "github.com"},
		{"https://octo.ghe.com/", "https://octo.ghe.com", "octo.ghe.com"},
		{"HTTPS://GHES.Example.COM:8443", "https://ghes.example.com:8443", "ghes.example.com"},
		{"https://github", "https://github", "github"},
		{"http://127.0.0.1:3000", "http://127.0.0.1:3000", "127.0.0.1"},
		{"http://localhost:3000", "http://localhost:3000", "localhost"},
	} {
		got, err := parseServer(test.text)
		if err != nil || got.url != test.url || got.host != test.host {
			t.Errorf("%s: got %+v, %v", test.text, got, err)
		}
	}
	for _, bad := range []string{
		"", "github.com", "https://", "https:github.com", "//github.com", "ssh://github.com", "file:///etc",
		"http://github.com", "http://10.0.0.1", "http://127.0.0.1.example.com",
		"https://user:secret@github.com", "https://github.com/octo", "https://github.com//", "https://github.com?", "https://github.com/?a",
		"https://github.com/#a", "https://github.com:", "https://github.com:0", "https://github.com:port", "https://github.com:123456",
		"https://*.com", "https://git*b.com", "https://-github.com", "https://github..com", "https://github.com.", "https://git_hub.com",
		"https://github.com\n", "https://github.com\x00", "https://git%0ahub.com", "https://g\u00efthub.com", "https://[::1]",
		" https://github.com", "https://" + strings.Repeat("a.", 127) + "com",
	} {
		if got, err := parseServer(bad); err == nil {
			t.Errorf("%q was taken for %+v", bad, got)
		} else if strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}

// Http to another machine has to be allowed explicitly, and gh speaks no http
// at all.
func TestInsecureHTTP(t *testing.T) {
	c := good()
	c.Server = "http://ghes.example.com"
	if _, err := c.Env(); !errors.Is(err, errServer) {
		t.Errorf("without it: %v", err)
	}
	c.InsecureHTTP = true
	env, err := c.Env()
	if err != nil || !strings.HasPrefix(env[0].Value, "http.http://ghes.example.com/") {
		t.Errorf("with it: %v, %v", env, err)
	}
	if _, err := GH(c.Server, c.Token, ""); !errors.Is(err, errServer) {
		t.Errorf("gh: %v", err)
	}
	if bot, err := NewBot(c.Server, "vault-keeper", 917); err != nil || bot.Host != "ghes.example.com" {
		t.Errorf("the bot: %v, %v", bot, err)
	}
}
