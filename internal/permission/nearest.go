package permission

import "github.com/valetkey/valetkey/internal/nearest"

// nearestWord returns the candidate that text is most likely a misspelling of,
// or "" if none is near enough for a hint.
func nearestWord(text string, candidates []string) string {
	return nearest.Word(text, candidates, max(2, len(text)/4))
}

// nearestName is [nearestWord] over the names of all known permissions.
func nearestName(name string) string { return nearestWord(name, names()) }

// names returns the names of all known permissions.
func names() []string {
	list := make([]string, len(table))
	for i, p := range table {
		list[i] = p.Name
	}
	return list
}
