package permission

// nearest returns the candidate that text is most likely a misspelling of, the
// first one of several equally near, or "" when none is near enough.
func nearest(text string, candidates []string) string {
	best, at := "", max(2, len(text)/4)+1
	for _, c := range candidates {
		if d := distance(text, c); d < at && d < len(text) {
			best, at = c, d
		}
	}
	return best
}

// nearestName is [nearest] over the names of all known permissions.
func nearestName(name string) string {
	names := make([]string, len(table))
	for i, p := range table {
		names[i] = p.Name
	}
	return nearest(name, names)
}

// distance is the Levenshtein distance in bytes; one row of the matrix is kept.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
