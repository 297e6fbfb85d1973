// Package nearest finds the word that a misspelt one was meant to be, for
// inputs, permissions, commands and the keys of a manifest. They differ only in
// how far off a word may be.
package nearest

// Word returns the candidate that text is most likely a misspelling of: the
// first one with the fewest edits. It returns "" when every candidate takes
// more than most edits, or as many as text is long.
func Word(text string, candidates []string, most int) string {
	best, edits := "", most+1
	for _, c := range candidates {
		if d := Distance(text, c); d < edits && d < len(text) {
			best, edits = c, d
		}
	}
	return best
}

// Distance returns the number of edits, in bytes, that turn one word into the
// other. An edit changes, adds or removes a letter, or exchanges two
// neighbours, the most common typing mistake (optimal string alignment). It
// keeps three rows of the matrix.
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
