// Package nearest finds the word that a misspelt one was meant to be. It is the
// one place for that: inputs, permissions, commands and keys of a manifest differ
// only in how far off a word may be.
package nearest

// Word returns the candidate that text is most likely a misspelling of: the first
// one of those with the fewest edits, and "" when all take more than most, or as
// many as text is long.
func Word(text string, candidates []string, most int) string {
	best, at := "", most+1
	for _, c := range candidates {
		if d := Distance(text, c); d < at && d < len(text) {
			best, at = c, d
		}
	}
	return best
}

// Distance counts the edits, in bytes, that make one word of the other: a letter
// changed, added or taken away, or two neighbours exchanged, which is the commonest
// slip of all (optimal string alignment). Three rows of the matrix are kept.
func Distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = last[j]
			if a[i] != b[j] {
				row[j+1] = 1 + min(last[j], last[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], 1+before[j-1])
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
