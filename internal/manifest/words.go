package manifest

import (
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/nearest"
)

// maxWord bounds the words that are worth comparing.
const maxWord = 40

// intended returns the word that text was probably meant to be, or "". The
// beginning of a word, and a word without its plural, are as near as one
// letter.
func intended(text string, words []string) string {
	if len(text) > maxWord {
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

// oneOf lists the words that are possible, with the one that was probably
// meant.
func oneOf(word string, words []string) string {
	if len(words) == 1 {
		return "only " + words[0] + " goes here"
	}
	hint := "one of " + strings.Join(words, ", ")
	if near := intended(word, words); near != "" {
		return fmt.Sprintf("did you mean %s? It is %s", near, hint)
	}
	return "it is " + hint
}
