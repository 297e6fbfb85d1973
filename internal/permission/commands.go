package permission

import (
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Commands returns the lines that [Operations] takes besides API operations.
func Commands() []string {
	list := make([]string, len(commands))
	for i, c := range commands {
		list[i] = c.text
	}
	return list
}

// command is one line of commands.tsv.
type command struct {
	text  string // words of git or gh
	needs string // as [parseSet] reads it
	notes string // words; the head of commands.tsv explains them
}

// readCommand reads a line that begins with git or gh.
func readCommand(fields []string) (candidate, error) {
	line := strings.ToLower(strings.Join(fields, " "))
	near := ""
	for _, c := range commands {
		if line == c.text {
			n := Need{From: c.text}
			n.annotate(c.notes)
			return candidate{Need: n, alternatives: []Set{parseSet(c.needs)}}, nil
		}
		if strings.HasPrefix(line, c.text+" ") {
			near = c.text // the longest such one, as the list is sorted
		}
	}
	if near == "" && len(line) <= maxName {
		near = nearestWord(line, Commands())
	}
	const noCommand = "not a command that this release knows"
	switch {
	case near != "":
		return candidate{}, fault.New(noCommand, "did you mean "+near+"? Arguments are left out")
	case fields[0] == "git":
		return candidate{}, fault.New(noCommand, "git clone, git fetch, git pull, git push, and git push workflows are")
	}
	return candidate{}, fault.New(noCommand,
		"docs/permissions.md lists those of gh that are; for another, name the permissions, or gh api with a path")
}
