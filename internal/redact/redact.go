// Package redact is for values that must not be shown: a private key, a token,
// a passphrase. A [String] prints as *** wherever it ends up — %v, %+v, %#v,
// JSON, slog, an error — so that showing a secret takes a deliberate call of
// [String.Reveal], which a reader can search for.
//
// [Masks] hides secrets in texts, [KindOf] tells secrets by their look, and
// [Printable] makes texts of others fit to be shown.
package redact

import (
	"encoding/json"
	"fmt"
)

const shown = "***"

// String holds a secret. The zero value holds the empty string.
//
// The value is behind a pointer because fmt prints unexported fields of a
// struct by reflection, without calling their methods: of a pointer it shows
// the address only.
type String struct{ value *string }

// New wraps a secret.
func New(secret string) String { return String{&secret} }

// Reveal returns the secret itself. Each call is a place to review.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is nothing to hide.
func (s String) Empty() bool { return s.Reveal() == "" }

// Format implements [fmt.Formatter], which every verb uses.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(shown)) }

func (s String) String() string { return shown }

// MarshalJSON implements [json.Marshaler].
func (s String) MarshalJSON() ([]byte, error) { return json.Marshal(shown) }

// MarshalText implements [encoding.TextMarshaler]; YAML, XML and log/slog use
// it.
func (s String) MarshalText() ([]byte, error) { return []byte(shown), nil }
