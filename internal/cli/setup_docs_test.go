//go:build !nodemo

package cli

import (
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/setup.md has every flag, and every command in it is understood.
func TestSetupDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/setup.md")
	if err != nil {
		t.Fatal(err)
	}
	var given setupFlags
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	given.declare(flags)
	declared := map[string]bool{}
	flags.VisitAll(func(f *flag.Flag) { declared[f.Name] = true })

	_, table, _ := strings.Cut(string(text), "\n## All flags\n")
	table, _, _ = strings.Cut(table, "\n## ")
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `-([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented[row[1]] = true
	}
	if !maps.Equal(declared, documented) {
		t.Errorf("the flags are\n%v, and in docs/setup.md\n%v", slices.Sorted(maps.Keys(declared)), slices.Sorted(maps.Keys(documented)))
	}

	commands := regexp.MustCompile(`(?m)^    valetkey setup (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) < 3 {
		t.Fatalf("it has %d commands", len(commands))
	}
	for _, command := range commands {
		given := setupFlags{API: publicAPI}
		flags := flag.NewFlagSet("setup", flag.ContinueOnError)
		given.declare(flags)
		if err := flags.Parse(shellWords(strings.ReplaceAll(command[1], "PORT", "8080"))); err != nil || flags.NArg() > 0 {
			t.Errorf("%s: %v, %v", command[0], err, flags.Args())
			continue
		}
		r := Process{Getenv: func(string) string { return "" }, Stderr: &watched{}}.plain()
		if _, err := given.parse(r); err != nil {
			t.Errorf("%s: %v", command[0], err)
		}
	}
}

// shellWords splits a line that has nothing but words and double quotes.
func shellWords(line string) (words []string) {
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(word, `"`))
	}
	return words
}
