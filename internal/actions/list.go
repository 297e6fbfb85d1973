package actions

import (
	"encoding/json"
	"strings"
)

// List gives the words of an input, separated by commas or white space, or the texts
// of a JSON array, each once. Case counts: names of variables differ by it, and for
// repositories, which do not, the caller knows. A list that is given and names nothing
// is a fault: its default may be everything.
func (in *Inputs) List(name string) []string {
	text := in.document(name)
	if text == "" {
		return nil
	}
	words, problem, hint := words(text)
	if problem == "" && len(words) == 0 {
		problem, hint = "is given, but names nothing", "name something, or leave the input out"
	}
	if problem != "" {
		in.Fault(name, problem, hint)
		return nil
	}
	var list []string
	seen := map[string]bool{}
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			list = append(list, w)
		}
	}
	return list
}

// words takes a list apart. What begins like a JSON array of texts has to be one; any
// other bracket may begin a pattern of names.
func words(text string) (list []string, problem, hint string) {
	if inner, ok := strings.CutPrefix(strings.TrimSpace(text), "["); ok {
		inner = strings.TrimSpace(inner)
		if strings.HasPrefix(inner, `"`) || strings.HasPrefix(inner, "]") && strings.TrimSpace(inner[1:]) == "" {
			return array(text)
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "-" || strings.HasPrefix(line, "- ") {
			return nil, "is written as a list of YAML, with dashes", "an input is a text: leave the dashes out, and separate by commas, spaces or lines"
		}
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }), "", ""
}

func array(text string) (list []string, problem, hint string) {
	var entries []*string
	if json.Unmarshal([]byte(text), &entries) != nil {
		return nil, "is no JSON array of texts", `write ["one", "two"], or the names alone, separated by commas, spaces or lines`
	}
	for _, entry := range entries {
		if entry == nil || strings.TrimSpace(*entry) == "" {
			return nil, "has an empty entry in its JSON array", "take it out, or look where it comes from"
		}
		list = append(list, strings.TrimSpace(*entry))
	}
	return list, "", ""
}
