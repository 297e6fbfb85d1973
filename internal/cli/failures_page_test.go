package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page "When it fails" quotes the program: each of its messages and hints
// is one of failureCases, apart from the parts that vary.
func TestDocumentedFailures(t *testing.T) {
	page, err := os.ReadFile("../../docs/when-it-fails.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+?) \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 15 {
		t.Fatalf("it has %d messages", len(rows))
	}
	for _, row := range rows {
		if !shownBy(row[1], row[2]) {
			t.Errorf("no test shows %q with the hint %q", row[1], row[2])
		}
	}
	for _, c := range failureCases {
		if c.line != "" && !strings.Contains(c.name, "classic") && !documented(rows, c.line) {
			t.Errorf("docs/when-it-fails.md does not have %q", c.line)
		}
	}
}

// shownBy reports whether a case has a message and its hint. A … in the page
// stands for a part that varies.
func shownBy(message, hint string) bool {
	line, remedy := patternOf(message), patternOf(hint)
	for _, c := range failureCases {
		told := remedy.MatchString(c.hint) || strings.HasPrefix(strings.ReplaceAll(hint, "`", ""), c.hint)
		if c.line != "" && line.MatchString(c.line) && told {
			return true
		}
	}
	return false
}

func documented(rows [][]string, line string) bool {
	for _, row := range rows {
		if patternOf(row[1]).MatchString(line) {
			return true
		}
	}
	return false
}

func patternOf(text string) *regexp.Regexp {
	text = strings.ReplaceAll(text, "`", "")
	return regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".+"))
}
