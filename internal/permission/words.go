package permission

import (
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Words are the lines beside API operations that [Operations] takes.
func Words() []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.text
	}
	return list
}

// command is a line with words of git or gh, and what it takes, as [parseSet]
// reads it.
type command struct{ text, needs string }

// readWords reads a line that begins with git or gh.
func readWords(fields []string) (wish, error) {
	line := strings.ToLower(strings.Join(fields, " "))
	near := ""
	for _, w := range words {
		if line == w.text {
			needs := parseSet(w.needs)
			n := Need{From: w.text}
			if w.text == "git push" {
				n.Perhaps, n.Notice = Set{"workflows": "write"}, notes["workflows"]
			}
			return wish{Need: n, alternatives: []Set{needs}}, nil
		}
		if strings.HasPrefix(line, w.text+" ") {
			near = w.text // and the longest such, as the list is sorted
		}
	}
	if near == "" && len(line) <= maxName {
		near = nearestWord(line, Words())
	}
	const noCommand = "no command that this release knows"
	switch {
	case near != "":
		return wish{}, fault.New(noCommand, "did you mean "+near+"? Arguments are left out")
	case fields[0] == "git":
		return wish{}, fault.New(noCommand, "git clone, git fetch, git pull, git push, and git push workflows are")
	}
	return wish{}, fault.New(noCommand,
		"many commands of gh use GraphQL, for which GitHub lists no permissions; name the permissions, or gh api with a path")
}
