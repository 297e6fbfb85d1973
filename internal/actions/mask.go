package actions

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// minLine is the length from which a line of a secret text is worth a mask: 16
// characters of base64 are 12 bytes, which open nothing by themselves, and the
// short last line of a PEM would match half of what a job prints.
const minLine = 16

// Lines gives the parts of a secret text that are to be masked, one by one:
// whole add-mask commands of several lines would mask the short ones too. A text
// that lost its newlines on the way — they became \n, or spaces — is taken apart
// all the same. The armour of a PEM is public and left readable.
func Lines(text redact.String) []redact.String {
	v := strings.NewReplacer(`\r`, "\n", `\n`, "\n", "\r", "\n", " ", "\n", "\t", "\n").Replace(text.Reveal())
	var parts []redact.String
	for line := range strings.Lines(v) {
		line = strings.Trim(strings.TrimSpace(line), `"'\`)
		if len(line) >= minLine && !strings.HasPrefix(line, "-----") {
			parts = append(parts, redact.New(line))
		}
	}
	return parts
}

// EachLine gives every line of a secret text, short ones too: what the runner
// itself masks when the text is a secret of the workflow (Worker.cs).
func EachLine(text redact.String) []redact.String {
	var parts []redact.String
	for line := range strings.SplitSeq(strings.ReplaceAll(text.Reveal(), "\r", "\n"), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, redact.New(line))
		}
	}
	return parts
}

// Maskable gives the lines that [Runner.Mask] takes.
func Maskable(text redact.String) []redact.String {
	return slices.DeleteFunc(EachLine(text), func(line redact.String) bool { return len(line.Reveal()) < MinMask })
}

// Forms gives a token and the forms of it that the runner's own masks miss:
//
//   - base64 of any text that contains it, at each of the three alignments, in
//     both alphabets, with or without padding (the runner registers the padded
//     form, which a trailing newline or ":x-oauth-basic" changes);
//   - hex, and the token in one case or reversed;
//   - the payload and the signature of a token that holds a JWT.
//
// A part of a token, or a token with something inside it, can't be covered.
func Forms(token redact.String) []redact.String {
	v := token.Reveal()
	forms := []redact.String{token}
	add := func(form string) {
		if len(form) >= minLine && form != v {
			forms = append(forms, redact.New(form))
		}
	}
	for shift := range 3 {
		core := base64Core(v, shift)
		add(core)
		if other := strings.NewReplacer("+", "-", "/", "_").Replace(core); other != core {
			add(other)
		}
	}
	add(hex.EncodeToString([]byte(v)))
	add(strings.ToUpper(hex.EncodeToString([]byte(v))))
	add(strings.ToLower(v))
	add(strings.ToUpper(v))
	add(reversed(v))
	// The first part holds the JWT's header, the same in millions of tokens.
	for _, part := range strings.Split(v, ".")[1:] {
		add(part)
	}
	return forms
}

// base64Core is what every base64 text has in common that holds v behind shift
// bytes (modulo 3): the groups that depend on v alone.
func base64Core(v string, shift int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), v...))
	from := [3]int{0, 2, 3}[shift]
	to := (shift + len(v)) * 8 / 6
	return encoded[from:max(from, to)]
}

func reversed(v string) string {
	b := []byte(v)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
