package custody

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// document is the JSON of others. What it lacks, has as null or has as something
// else than it should is empty, as everything is in a document that is no JSON.
// So whoever takes something out of it checks what that is.
type document struct{ value any }

func parseDocument(text []byte) (d document) {
	if json.Unmarshal(text, &d.value) != nil {
		return document{}
	}
	return d
}

// at returns what is at a path of keys.
func (d document) at(path ...string) any {
	value := d.value
	for _, key := range path {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// text returns the string at a path.
func (d document) text(path ...string) string {
	text, _ := d.at(path...).(string)
	return text
}

// bytes returns what the string at a path is the base64 of, in either alphabet,
// padded or not.
func (d document) bytes(path ...string) []byte {
	text := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(d.text(path...))
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return data
}

// seconds returns the lifetime at a path. One that makes no sense is none, so
// that the credential is used once.
func (d document) seconds(path ...string) time.Duration {
	const longest = 24 * 60 * 60
	n, _ := d.at(path...).(float64)
	return time.Duration(max(0, min(n, longest))) * time.Second
}

// object returns the JSON object, or the headers, of these names and values.
func object(pairs ...string) map[string]string {
	fields := map[string]string{}
	for ; len(pairs) > 1; pairs = pairs[2:] {
		fields[pairs[0]] = pairs[1]
	}
	return fields
}

const formType = "application/x-www-form-urlencoded"

// form returns the body of a form with these names and values.
func form(pairs ...string) []byte {
	values := url.Values{}
	for ; len(pairs) > 1; pairs = pairs[2:] {
		values.Set(pairs[0], pairs[1])
	}
	return []byte(values.Encode())
}

// bearer returns the headers of a request with a token.
func bearer(token redact.String) map[string]string {
	return object("Authorization", "Bearer "+token.Reveal())
}

// element returns the text of the only element of a name in an XML document.
// The elements that AWS STS answers with have neither attributes nor children
// of the same name, and it is all that is needed of XML. It returns nothing for
// an element that is missing, occurs twice or has children.
func element(document []byte, name string) string {
	_, rest, _ := strings.Cut(string(document), "<"+name+">")
	text, rest, ok := strings.Cut(rest, "</"+name+">")
	if !ok || strings.Contains(text, "<") || strings.Contains(rest, "<"+name+">") {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&").Replace(text)
}
