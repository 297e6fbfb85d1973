package gitauth

import (
	"errors"
	"testing"
)

func TestBot(t *testing.T) {
	for _, test := range []struct{ server, want string }{
		{"https://github.com", "vault-keeper[bot] <917+vault-keeper[bot]@users.noreply.github.com>"},
		{"https://octo.ghe.com", "vault-keeper[bot] <917+vault-keeper[bot]@users.noreply.octo.ghe.com>"},
		{"https://ghes.example.com:8443", "vault-keeper[bot] <917+vault-keeper[bot]@users.noreply.ghes.example.com>"},
	} {
		b, err := NewBot(test.server, "vault-keeper", 917)
		if err != nil || b.Committer() != test.want {
			t.Errorf("got %q, %v; want %q", b.Committer(), err, test.want)
		}
	}
	if _, err := NewBot("github.com", "vault-keeper", 917); !errors.Is(err, errServer) {
		t.Errorf("got %v", err)
	}
	if _, err := NewBot("https://github.com", "vault keeper", 917); !errors.Is(err, errBot) {
		t.Errorf("got %v", err)
	}
}
