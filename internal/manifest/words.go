package manifest

import (
	"fmt"
	"strings"
)

// nearest gives the word that text was meant to be, or "".
func nearest(text string, words []string) string {
	best, least := "", 1+min(3, len(text)/2)
	for _, w := range words {
		d := distance(strings.ToLower(text), w)
		if w != text && (strings.HasPrefix(w, text) && len(text) > 2 || strings.TrimSuffix(w, "s") == text) {
			d = 1
		}
		if d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts the letters to change, add or take away.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// oneOf lists what a word may be, with the one that was meant.
func oneOf(word string, words []string) string {
	cure := "one of " + strings.Join(words, ", ")
	if near := nearest(word, words); near != "" {
		return fmt.Sprintf("did you mean %s? It is %s", near, cure)
	}
	return "it is " + cure
}
