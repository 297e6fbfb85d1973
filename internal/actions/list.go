package actions

import (
	"encoding/json"
	"strings"
)

// List returns the words of an input, separated by commas or white space, or
// the strings of a JSON array, without repetitions. It is case-sensitive, as
// names of variables are; for names of repositories, which are not, the caller
// folds case. A list that is given but names nothing is a fault, because the
// default may mean everything.
func (in *Inputs) List(name string) []string {
	text := in.untrimmed(in.find(name))
	if text == "" {
		return nil
	}
	words, problem, hint := splitList(text)
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

// splitList splits a list into its words. A text that begins like a JSON array
// of strings has to be one; any other bracket may begin a pattern of names.
func splitList(text string) (list []string, problem, hint string) {
	if inner, ok := strings.CutPrefix(strings.TrimSpace(text), "["); ok {
		inner = strings.TrimSpace(inner)
		if strings.HasPrefix(inner, `"`) || strings.HasPrefix(inner, "]") && strings.TrimSpace(inner[1:]) == "" {
			return parseArray(text)
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "-" || strings.HasPrefix(line, "- ") {
			return nil, "is written as a YAML list, with dashes",
				"an input is plain text: leave out the dashes, and separate the entries with commas, spaces or line breaks"
		}
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }), "", ""
}

func parseArray(text string) (list []string, problem, hint string) {
	var entries []*string
	if json.Unmarshal([]byte(text), &entries) != nil {
		return nil, "is not a JSON array of strings", `write ["one", "two"], or only the names, separated by commas, spaces or line breaks`
	}
	for _, entry := range entries {
		if entry == nil || strings.TrimSpace(*entry) == "" {
			return nil, "has an empty entry in its JSON array", "remove it, or find out where it comes from"
		}
		list = append(list, strings.TrimSpace(*entry))
	}
	return list, "", ""
}
