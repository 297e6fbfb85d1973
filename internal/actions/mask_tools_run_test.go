package actions

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// secretToken is a token and the limits that its masks have to keep.
type secretToken struct {
	value string
	from  int // where the part begins that nobody can guess
	least int // number of its characters that have to stay hidden to make the token useless
	masks int // largest number of masks: the runner tries each on every line of the log
}

// bothForms returns a new token of each form that GitHub issues
// (https://github.blog/changelog, "New format for GitHub App installation
// tokens").
func bothForms() map[string]secretToken {
	b64 := base64.RawURLEncoding.EncodeToString
	signature := make([]byte, 256)
	_, _ = rand.Read(signature)
	header := b64([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims := b64([]byte(`{"iss":"github","exp":4102444800,"jti":"` + rand.Text() + rand.Text() + `"}`))
	head := "ghs_1234567_" + header + "." + claims + "."
	return map[string]secretToken{
		// 20 characters are 119 bits; the checksum at the end reveals 32 of
		// them.
		"opaque":    {"ghs_" + (rand.Text() + rand.Text())[:36], 4, 20, 28},
		"stateless": {head + b64(signature), len(head), 40, 149},
	}
}

// contexts returns the texts that surround a token, without a final newline.
func contexts() map[string][2]string {
	return map[string][2]string{
		"alone":    {"", ""},
		"password": {"x-access-token:", ""},
		"user":     {"", ":x-oauth-basic"},
		"JSON":     {`{"token":"`, `"}`},
		"header":   {"Authorization: Bearer ", ""},
		"me":       {"me:", ""},
		"URL":      {"https://x-access-token:", "@github.com/acme/api.git"},
	}
}

// After any of these tools, too many characters of the secret part stay hidden
// for anybody to guess them.
func TestTools(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for kind, token := range bothForms() {
		forms := Encodings(redact.New(token.value))
		if len(forms) > token.masks {
			t.Errorf("%s: %d masks, more than %d", kind, len(forms), token.masks)
		}
		patterns := runnerMasks(forms)
		for name, tool := range covered {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				for what, context := range contexts() {
					if tool.alone && what != "alone" || tool.group > 0 && len(context[0])%tool.group != 0 {
						continue
					}
					if kind == "stateless" && (what == "alone" || what == "header") {
						tool.compare(t, context[0]+token.value+context[1], server.URL)
					}
					for _, end := range []string{"", "\n"} {
						hidden := token.hidden(patterns, func(v string) string { return tool.print(context[0] + v + context[1] + end) })
						n, shown := 0, 0
						for run, i := 0, 0; i < len(hidden); i++ {
							run++
							if hidden[i] {
								n, run = n+1, 0
							}
							shown = max(shown, run)
						}
						if n < token.least || !tool.rare && shown >= 2*maxPiece {
							t.Errorf("%s: %d of %d characters are hidden, and %d shown in a row: %s", what, n, len(hidden), shown,
								asShown(patterns, tool.print(context[0]+token.value+context[1])))
						}
					}
				}
			})
		}
	}
}

// The tools listed as not covered are not. If one is, it belongs to the others.
func TestToolsNotCovered(t *testing.T) {
	token := bothForms()["stateless"]
	patterns := runnerMasks(Encodings(redact.New(token.value)))
	for name, tool := range uncovered {
		hidden := token.hidden(patterns, tool.print)
		if n := len(slices.DeleteFunc(hidden, func(h bool) bool { return !h })); n >= token.least || tool.reason == "" {
			t.Errorf("%s: %d characters are hidden", name, n)
		}
	}
}

// docs/masks.md names the tools that were tried, and those not covered, with
// the reason.
func TestToolsInDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/masks.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	tried, others, _ := strings.Cut(doc, "\nMasks do not hold")
	_, tried, _ = strings.Cut(tried, "\nThese tools were tried")
	for name := range covered {
		if !strings.Contains(tried, "`"+name+"`") {
			t.Errorf("it does not say that %s was tried", name)
		}
	}
	for name, tool := range uncovered {
		row := "| `" + strings.ReplaceAll(name, "|", `\|`) + "` | " + tool.reason + " |\n"
		if !strings.Contains(others, row) {
			t.Errorf("it lacks the row %s", row)
		}
	}
	if n, m := strings.Count(tried, "`")/2, strings.Count(others, "\n| `"); n != len(covered) || m != len(uncovered) {
		t.Errorf("it has %d and %d names, and the tests have %d and %d", n, m, len(covered), len(uncovered))
	}
	said := regexp.MustCompile(`makes (\d+) masks for a token of 40\s+characters,\s+and (\d+) for one of 520`).FindStringSubmatch(doc)
	for i, kind := range []string{"opaque", "stateless"} {
		n := len(Encodings(redact.New(bothForms()[kind].value)))
		// Hex without a letter in it is the same in small letters and in
		// capitals.
		if len(said) != 3 || !slices.Contains([]string{fmt.Sprint(n), fmt.Sprint(n + 1), fmt.Sprint(n + 2)}, said[i+1]) {
			t.Errorf("%s: it does not say that there are %d masks", kind, n)
		}
	}
}

// hidden reports for each character of the secret part whether the log hides
// it, which means that everything that changes with it is masked.
func (s secretToken) hidden(patterns []string, run func(string) string) []bool {
	out := run(s.value)
	masked := hiddenBy(patterns, out)
	hidden := make([]bool, len(s.value)-s.from)
	for i := range hidden {
		hidden[i] = true
		for _, other := range others(s.value[s.from+i]) {
			changed := run(s.value[:s.from+i] + string(other) + s.value[s.from+i+1:])
			if len(changed) != len(out) {
				hidden[i] = false
				break
			}
			for j := range masked {
				if !masked[j] && out[j] != changed[j] {
					hidden[i] = false
				}
			}
		}
	}
	return hidden
}

// others returns characters of the same kind that differ from c in various
// bits.
func others(c byte) []byte {
	for _, alphabet := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "-_"} {
		if i := strings.IndexByte(alphabet, c); i >= 0 {
			n := len(alphabet)
			return []byte{alphabet[(i+1)%n], alphabet[(i+n/2)%n], alphabet[(i+n-3%n)%n]}
		}
	}
	panic("no character of a token")
}

// compare compares print with the tool itself, if this machine has it.
func (c tool) compare(t *testing.T, text, server string) {
	t.Helper()
	if c.script == "" || testing.Short() {
		return
	}
	for _, program := range []string{"bash", strings.Fields(c.script)[0]} {
		if strings.ContainsAny(program, "(=") || program == "set" || program == "declare" {
			continue // of the shell itself
		}
		if _, err := exec.LookPath(program); err != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", c.script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(cmd.Environ(), "TEXT="+text, "SERVER="+server, "no_proxy=127.0.0.1", "LC_ALL=C", "COLUMNS=80",
		"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL=no-such-file")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil { // such as a jq that does not know @base32
		t.Logf("it does not run here: %v: %.200s", err, out)
		return
	}
	got, want := strings.TrimRight(string(out), "\n"), strings.TrimRight(c.print(text), "\n")
	if !c.among && got != want {
		t.Errorf("it prints other than we think:\n%s\nnot\n%s", got, want)
	}
	for line := range strings.Lines(want) {
		if c.among && !strings.Contains("\n"+got+"\n", "\n"+strings.TrimSpace(line)+"\n") {
			t.Errorf("it prints other than we think:\n%s\nwithout the line\n%s", got, line)
		}
	}
}
