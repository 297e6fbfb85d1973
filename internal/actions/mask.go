package actions

import (
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
	return slices.DeleteFunc(EachLine(text), func(line redact.String) bool { return !redact.CanMask(line.Reveal()) })
}
