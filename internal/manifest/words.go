package manifest

import (
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/nearest"
)

// longest bounds the words that are worth comparing.
const longest = 40

// meant returns the word that text was meant to be, or "". The beginning of a word,
// and a word without its plural, are as near as one letter.
func meant(text string, words []string) string {
	if len(text) > longest {
		return ""
	}
	best, least := "", 1+min(3, len(text)/2)
	for _, w := range words {
		d := nearest.Distance(strings.ToLower(text), w)
		if w != text && (strings.HasPrefix(w, text) && len(text) > 2 || strings.TrimSuffix(w, "s") == text) {
			d = 1
		}
		if d < least {
			best, least = w, d
		}
	}
	return best
}

// oneOf lists what a word may be, with the one that was meant.
func oneOf(word string, words []string) string {
	hint := "one of " + strings.Join(words, ", ")
	if near := meant(word, words); near != "" {
		return fmt.Sprintf("did you mean %s? It is %s", near, hint)
	}
	return "it is " + hint
}
