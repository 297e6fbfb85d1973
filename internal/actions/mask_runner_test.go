package actions

import (
	"encoding/base64"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// runnerMasks returns the texts that the runner hides once it has the given
// masks. It adds encodings of each (ValueEncoders.cs). Only those in base64
// matter here: the others change quotes, ampersands and spaces, which no
// encoded token has.
func runnerMasks(masks []redact.String) []string {
	var patterns []string
	for _, mask := range masks {
		v := mask.Reveal()
		patterns = append(patterns, v, base64.StdEncoding.EncodeToString([]byte(v)))
		for shift := 1; shift <= 2 && shift < len(v); shift++ {
			patterns = append(patterns, base64.StdEncoding.EncodeToString([]byte(v[shift:])))
		}
	}
	return patterns
}

// hiddenBy reports for each byte of a text whether the runner, which masks a
// log line by line, shows *** in its place.
func hiddenBy(patterns []string, text string) []bool {
	hidden := make([]bool, len(text))
	at := 0
	for line := range strings.Lines(text) {
		for _, pattern := range patterns {
			for i := 0; ; i++ {
				n := strings.Index(line[i:], pattern)
				if n < 0 {
					break
				}
				i += n
				for j := range len(pattern) {
					hidden[at+i+j] = true
				}
			}
		}
		at += len(line)
	}
	return hidden
}

// asShown returns a text as it appears in the runner's log.
func asShown(patterns []string, text string) string {
	var b strings.Builder
	hidden := hiddenBy(patterns, text)
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString("***")
		}
	}
	return b.String()
}
