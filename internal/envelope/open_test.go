package envelope

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/valetkey/valetkey/internal/redact"
)

// The changes that people and tools make to a line on its way.
func TestOpenIsTolerant(t *testing.T) {
	k := pairs(t)[0]
	with := identityFor(t, k.private)
	line, err := Seal(token(), recipientOf(t, k.public), nil)
	must(t, err)
	x, err := age.ParseX25519Recipient(k.public)
	must(t, err)
	theirs := sealed(t, `{"version":1,"token":"`+token().Token.Reveal()+`"}`, x)
	for len(theirs)%3 == 0 {
		theirs = sealed(t, `{"version":1,"token":"`+token().Token.Reveal()+`"} `, x)
	}
	var armoured bytes.Buffer
	w := armor.NewWriter(&armoured)
	_, err = w.Write(theirs)
	must(t, err)
	must(t, w.Close())
	for name, given := range map[string]string{
		"as it is":                       line,
		"newline":                        line + "\n",
		"CRLF":                           line + "\r\n",
		"BOM":                            "\ufeff" + line,
		"quoted":                         `"` + line + `"`,
		"white space around":             "\n\t  " + line + " \n",
		"wrapped":                        wrap(line, 76, "\n"),
		"wrapped, CRLF":                  wrap(line, 64, "\r\n"),
		"wrapped, escaped":               wrap(line, 64, `\n`),
		"wrapped, newlines are spaces":   wrap(line, 64, " "),
		"theirs, padded":                 b64(theirs),
		"theirs, without padding":        strings.TrimRight(b64(theirs), "="),
		"theirs, base64url":              base64.URLEncoding.EncodeToString(theirs),
		"armoured":                       armoured.String(),
		"armoured, CRLF":                 strings.ReplaceAll(armoured.String(), "\n", "\r\n"),
		"armoured, indented":             strings.ReplaceAll(armoured.String(), "\n", "\n    "),
		"armoured, escaped":              strings.ReplaceAll(armoured.String(), "\n", `\n`),
		"armoured, newlines are spaces":  strings.ReplaceAll(armoured.String(), "\n", " "),
		"armoured, newlines lost":        strings.ReplaceAll(armoured.String(), "\n", ""),
		"armoured, and in base64":        b64(armoured.Bytes()),
		"armoured, in base64 and quoted": "'" + b64(armoured.Bytes()) + "'\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(given, with)
			must(t, err)
			if got.Token.Reveal() != token().Token.Reveal() {
				t.Error("it is another token")
			}
		})
	}
}

func wrap(line string, width int, newline string) string {
	var b strings.Builder
	for i := 0; i < len(line); i += width {
		b.WriteString(line[i:min(i+width, len(line))] + newline)
	}
	return b.String()
}

func TestOpenLeavesUnknownFieldsAlone(t *testing.T) {
	k := pairs(t)[0]
	x, err := age.ParseX25519Recipient(k.public)
	must(t, err)
	got, err := Open(b64(sealed(t, ` {"version":1, "token":"t", "a new field":{"a":[1,null]}, "permissions":null, "values":null} `, x)),
		identityFor(t, k.private))
	must(t, err)
	if diff := same(Payload{Token: redact.New("t")}, got); diff != "" {
		t.Error(diff)
	}
}
