package redact_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/redact"
)

type document struct{ S redact.String }

type holder struct {
	Public  redact.String
	private redact.String // fmt reaches it by reflection only
	pointer *redact.String
	list    []redact.String
	table   map[string]redact.String
}

func FuzzNeverShown(f *testing.F) {
	f.Add("correct horse battery staple")
	f.Add("line one\nline two of a secret")
	f.Fuzz(func(t *testing.T, secret string) {
		if len(secret) < 4 || strings.Contains("***{}[]<nil>0x%!(PANIC=", secret) {
			t.Skip("too short to be told from the text around it")
		}
		secret = "s3cret" + secret // no accidental match with addresses or names
		s := redact.New(secret)
		h := holder{s, s, &s, []redact.String{s}, map[string]redact.String{"k": s}}
		var shown bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "%d", "%p", "%T", "%t", "%w"} {
			fmt.Fprintf(&shown, verb, s)
			fmt.Fprintf(&shown, verb, &s)
			fmt.Fprintf(&shown, verb, h)
			fmt.Fprintf(&shown, verb, &h)
		}
		fmt.Fprint(&shown, s, h, errors.Join(fmt.Errorf("with %v", s)))
		if err := json.NewEncoder(&shown).Encode(h); err != nil {
			t.Fatal(err)
		}
		if err := xml.NewEncoder(&shown).Encode(document{s}); err != nil {
			t.Fatal(err)
		}
		slog.New(slog.NewTextHandler(&shown, nil)).Info("m", "s", s, "h", h)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("m", "s", s, "h", h)
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
			if strings.Contains(shown.String(), form) {
				t.Errorf("the secret is readable in %s", shown.String())
			}
		}
		if s.Reveal() != secret {
			t.Error("Reveal does not give the secret back")
		}
	})
}

func TestZeroValue(t *testing.T) {
	var s redact.String
	if !s.Empty() || s.Reveal() != "" {
		t.Errorf("the zero value reveals %q", s.Reveal())
	}
	if redact.New("x").Empty() {
		t.Error("a held value counts as empty")
	}
}
