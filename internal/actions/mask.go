package actions

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// minLine is the length of the shortest line of a secret text that is worth a
// mask. 16 characters of base64 are 12 bytes, too few to be of use to anybody,
// and the short last line of a PEM would match half of what a job prints.
const minLine = 16

// LongLines returns the lines of a secret text that are long enough for a mask.
// Each is masked separately, because one add-mask command with several lines
// would mask the short lines too. A text whose newlines have become \n or
// spaces is split as well. The BEGIN and END lines of a PEM are public and left
// out.
func LongLines(text redact.String) []redact.String {
	v := strings.ReplaceAll(strings.ReplaceAll(text.Reveal(), `\r`, "\n"), `\n`, "\n")
	var parts []redact.String
	for line := range strings.FieldsFuncSeq(v, func(r rune) bool { return strings.ContainsRune("\r\n \t", r) }) {
		line = strings.Trim(strings.TrimSpace(line), `"'\`)
		if len(line) >= minLine && !strings.HasPrefix(line, "-----") {
			parts = append(parts, redact.New(line))
		}
	}
	return parts
}

// EachLine returns every line of a secret text, however short. The runner
// itself masks these lines if the text is a secret of the workflow (Worker.cs).
func EachLine(text redact.String) []redact.String {
	var parts []redact.String
	for line := range strings.SplitSeq(strings.ReplaceAll(text.Reveal(), "\r", "\n"), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, redact.New(line))
		}
	}
	return parts
}

// Maskable returns the lines of a secret text that [Runner.Mask] accepts.
func Maskable(text redact.String) []redact.String {
	return slices.DeleteFunc(EachLine(text), func(line redact.String) bool { return !redact.CanMask(line.Reveal()) })
}
