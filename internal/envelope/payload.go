package envelope

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/redact"
)

// The JSON in an envelope, which other programs also read and write. The
// secrets are plain strings here, and only here: a redact.String would marshal
// as ***.
type (
	wireToken struct {
		Version        int               `json:"version"`
		Token          string            `json:"token"`
		ExpiresAt      string            `json:"expires_at"` // RFC 3339, or empty
		APIURL         string            `json:"api_url"`
		InstallationID int64             `json:"installation_id"`
		AppSlug        string            `json:"app_slug"`
		Permissions    map[string]string `json:"permissions"`
		Repositories   []string          `json:"repositories"`
	}
	wireValues struct {
		Version int               `json:"version"`
		Values  map[string]string `json:"values"`
	}
)

func marshal(p Payload) ([]byte, error) {
	switch {
	case p.Token.Empty() && len(p.Values) == 0:
		return nil, errNothing
	case !p.Token.Empty() && len(p.Values) > 0:
		return nil, errBoth
	case p.Token.Empty():
		return marshalValues(p.Values)
	}
	return marshalToken(p)
}

func marshalToken(p Payload) ([]byte, error) {
	w := wireToken{
		Version: Version, Token: p.Token.Reveal(), APIURL: p.APIURL, InstallationID: p.InstallationID, AppSlug: p.AppSlug,
		Permissions: map[string]string{}, Repositories: []string{}, // never null, on which keys and [] of jq fail
	}
	if !redact.IsWord(w.Token) {
		return nil, errTokenForm
	}
	text := []string{p.APIURL, p.AppSlug}
	for name, access := range p.Permissions {
		w.Permissions[name] = access
		text = append(text, name, access)
	}
	w.Repositories = append(w.Repositories, p.Repositories...)
	if !isText(append(text, p.Repositories...)...) {
		return nil, errNotText
	}
	if at := p.ExpiresAt.UTC(); !p.ExpiresAt.IsZero() {
		if at.Year() < 1 || at.Year() > 9999 {
			return nil, errTime
		}
		w.ExpiresAt = at.Format(time.RFC3339)
	}
	return encodeJSON(w)
}

func marshalValues(values map[string]redact.String) ([]byte, error) {
	w := wireValues{Version: Version, Values: make(map[string]string, len(values))}
	for name, value := range values {
		if !isText(name, value.Reveal()) {
			return nil, errNotText
		}
		w.Values[name] = value.Reveal()
	}
	return encodeJSON(w)
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // keeps & readable
	if err := enc.Encode(v); err != nil {
		return nil, errNotText // not reached: strings and numbers only
	}
	return b.Bytes(), nil
}

// unmarshal reads JSON that any sender may have written. Unknown fields come
// from a later release of the same version, and are ignored.
func unmarshal(plain []byte) (Payload, error) {
	// Other bytes in JSON would be read as replacement characters.
	if !utf8.Valid(plain) {
		return Payload{}, errNotOurs
	}
	// The version first: if it is newer, nothing else need be as expected.
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(plain, &v); err != nil || v.Version < 1 {
		return Payload{}, errNotOurs
	}
	if v.Version > Version {
		return Payload{}, errNewer
	}
	var token wireToken
	var values wireValues
	if json.Unmarshal(plain, &token) != nil || json.Unmarshal(plain, &values) != nil {
		return Payload{}, errNotOurs
	}
	switch {
	case token.Token != "" && len(values.Values) == 0:
		return payloadOfToken(token)
	case token.Token == "" && len(values.Values) > 0:
		p := Payload{Values: make(map[string]redact.String, len(values.Values))}
		for name, value := range values.Values {
			p.Values[name] = redact.New(value)
		}
		return p, nil
	}
	return Payload{}, errNotOurs
}

func payloadOfToken(w wireToken) (Payload, error) {
	if !redact.IsWord(w.Token) {
		return Payload{}, errNotOurs
	}
	p := Payload{
		Token: redact.New(w.Token), APIURL: w.APIURL, InstallationID: w.InstallationID, AppSlug: w.AppSlug,
	}
	if len(w.Permissions) > 0 {
		p.Permissions = w.Permissions
	}
	if len(w.Repositories) > 0 {
		p.Repositories = w.Repositories
	}
	if w.ExpiresAt != "" {
		at, err := time.Parse(time.RFC3339, w.ExpiresAt)
		if err != nil {
			return Payload{}, errNotOurs
		}
		p.ExpiresAt = at.UTC()
	}
	return p, nil
}

func isText(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return false
		}
	}
	return true
}
