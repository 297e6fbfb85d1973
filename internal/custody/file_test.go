package custody

import (
	"crypto"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestFile(t *testing.T) {
	w := newWorld(t)
	text := "-----the key-----"
	w.config.ReadFile = func(path string) ([]byte, error) {
		if path != "/etc/keys/app.pem" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
	w.config.ParseKey = func(pem redact.String) (crypto.Signer, error) {
		w.used(pem.Reveal())
		if pem.Reveal() != text {
			return nil, fault.New("is damaged", "make a new one")
		}
		return w.key, nil
	}
	k := w.open("file:///etc/keys/app.pem")
	w.sign(k)
	if k.Private() != w.key {
		t.Error("there is no private key")
	}
	if err := k.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), "file:none", w.config); !errors.Is(err, fs.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "the file of key can't be read") {
		t.Error(err)
	}
	w.config.ParseKey = func(redact.String) (crypto.Signer, error) { return nil, fault.New("is damaged", "make a new one") }
	if _, err := Open(t.Context(), "file:/etc/keys/app.pem",
		w.config); fault.Text(err) != "the file of key is damaged\nhint: make a new one" {
		t.Error(fault.Text(err))
	}
}
