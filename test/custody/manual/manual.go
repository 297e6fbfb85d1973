// Package manual reads what docs/custody.md tells users to do, so that tests do
// exactly that. Start at [Section].
package manual

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Section is the text below one heading.
type Section struct {
	tb   testing.TB
	text string
}

// Read returns the section below a heading.
func Read(tb testing.TB, heading string) Section {
	tb.Helper()
	text, err := os.ReadFile("../../../docs/custody.md")
	if err != nil {
		tb.Fatal(err)
	}
	_, below, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		tb.Fatalf("docs/custody.md has no section %q", heading)
	}
	below, _, _ = strings.Cut(below, "\n## ")
	return Section{tb, below}
}

// Blocks returns the blocks in a language, in order.
func (s Section) Blocks(language string) []string {
	s.tb.Helper()
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(s.text, -1) {
		blocks = append(blocks, found[1])
	}
	if len(blocks) == 0 {
		s.tb.Fatalf("no block in %s", language)
	}
	return blocks
}

// Commands returns the commands for a shell from the one that begins with a text
// to the one that begins with another.
func (s Section) Commands(first, last string) string {
	s.tb.Helper()
	var commands []string
	for line := range strings.Lines(s.text) {
		command, indented := strings.CutPrefix(line, "    ")
		switch {
		case !indented, len(commands) == 0 && !strings.HasPrefix(command, first):
			continue
		}
		commands = append(commands, command)
		if strings.HasPrefix(command, last) {
			return strings.Join(commands, "")
		}
	}
	s.tb.Fatalf("no commands from %q to %q", first, last)
	return ""
}
