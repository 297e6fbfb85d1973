//go:build unix

// Package browser_test makes an App as a newcomer does: with the program, the
// embedded GitHub and a real browser.
package browser_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valetkey/valetkey/test/browser"
	"github.com/valetkey/valetkey/test/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// running is a program whose text is read line by line.
type running struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	read   strings.Builder
	stdout bytes.Buffer
}

// start starts valetkey with an empty home. It reads the stream that people do:
// standard output of the demo, standard error of setup.
func start(t *testing.T, home string, args ...string) *running {
	t.Helper()
	r := &running{cmd: exec.CommandContext(t.Context(), "valetkey", args...)}
	r.cmd.Dir, r.cmd.Env = home, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	pipe := r.cmd.StdoutPipe
	if args[0] == "setup" {
		pipe, r.cmd.Stdout = r.cmd.StderrPipe, &r.stdout
	}
	stream, err := pipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Signal(syscall.SIGTERM) })
	r.lines = bufio.NewScanner(stream)
	return r
}

// await reads on until a line matches, and returns the match.
func (r *running) await(t *testing.T, pattern string) string {
	t.Helper()
	for want := regexp.MustCompile(pattern); r.lines.Scan(); {
		r.read.WriteString(r.lines.Text() + "\n")
		if found := want.FindString(r.lines.Text()); found != "" {
			return found
		}
	}
	t.Fatalf("no line is like %s:\n%s", pattern, &r.read)
	return ""
}

// rest reads to the end, and returns how the program ended.
func (r *running) rest() error {
	for r.lines.Scan() {
		r.read.WriteString(r.lines.Text() + "\n")
	}
	return r.cmd.Wait()
}

// An App in two minutes, by mouse, with scripts and without. GitHub and the page
// are two sites for the browser, as they are outside of tests.
func TestSetupInABrowser(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			page := browser.Start(t).NewPage(t, scripts)
			home := t.TempDir()
			demo := start(t, home, "demo", "--serve")
			github := "http://localhost:" + strings.TrimPrefix(demo.await(t, `http://127\.0\.0\.1:\d+`), "http://127.0.0.1:")
			go func() { _ = demo.rest() }()

			started := time.Now()
			setup := start(t, home, "setup", "--organization", "acme", "--operations", "git push", "--key-file", "key.pem",
				"--github-api-url", github, "--no-browser")
			address := setup.await(t, `http://127\.0\.0\.1:\d+/\w+/`)
			page.Open(address)
			page.Await("heading", "Make the GitHub App valetkey-mint-acme")
			checkPage(t, page)
			page.Click("button", "Continue to "+strings.TrimPrefix(github, "http://"))
			page.Click("button", "Create GitHub App")
			page.Await("heading", "The App valetkey-mint-acme exists")
			if got := page.URL(); got != address+"next" {
				t.Errorf("the browser is at %s", got)
			}
			checkColours(t, page)
			page.Click("link", "Install valetkey-mint-acme")
			page.Click("radio", "All repositories")
			page.Click("button", "Install")
			page.Await("heading", "valetkey-mint-acme is installed on acme")
			if err := setup.rest(); err != nil {
				t.Fatalf("%v\n%s", err, &setup.read)
			}
			t.Logf("from start to a token that was minted and revoked: %s", time.Since(started).Round(time.Millisecond))

			if got := setup.stdout.String(); !strings.HasPrefix(got, "- uses: valetkey/valetkey@v1\n") {
				t.Errorf("standard output is\n%s", got)
			}
			if info, err := os.Stat(filepath.Join(home, "key.pem")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("key.pem: %v, %v", info, err)
			}
			checkTraces(t, page, address, github)
		})
	}
}

// checkPage looks at the page as somebody who can't see it.
func checkPage(t *testing.T, page *browser.Page) {
	t.Helper()
	for _, c := range []struct{ role, name string }{
		{"RootWebArea", "Make the GitHub App valetkey-mint-acme - valetkey setup"},
		{"main", ""},
		{"table", "Permissions"},
		{"columnheader", "Permission"},
		{"rowheader", "contents"},
		{"cell", "write"},
		{"link", "signed in there"},
	} {
		if !page.Has(c.role, c.name) {
			t.Errorf("the page has no %s %q", c.role, c.name)
		}
	}
	if lang := page.Evaluate("document.documentElement.lang"); lang != "en" {
		t.Errorf("its language is %q", lang)
	}
	checkColours(t, page)
	if path := os.Getenv("VALETKEY_PICTURE"); path != "" {
		if err := os.WriteFile(path, page.Screenshot(), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// checkColours checks that text stands out from what is behind it, by WCAG's
// measure for small text.
func checkColours(t *testing.T, page *browser.Page) {
	t.Helper()
	const colours = `[...document.querySelectorAll('h1, p, th, td, a, button')].map(e => {
		let behind = e
		while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement
		const ground = behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)'
		return getComputedStyle(e).color + '|' + ground + '|' + e.tagName
	}).join(';')`
	all := strings.Split(page.Evaluate(colours), ";")
	if len(all) < 2 {
		t.Errorf("colours: %q", all)
	}
	for _, one := range all {
		parts := strings.Split(one, "|")
		if ratio := contrast(luminance(parts[0]), luminance(parts[1])); ratio < 4.5 {
			t.Errorf("%s has a contrast of %.1f: %s on %s", parts[2], ratio, parts[0], parts[1])
		}
	}
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// luminance is WCAG's relative luminance of a colour such as rgb(10, 74, 148).
func luminance(colour string) float64 {
	var sum float64
	for i, text := range regexp.MustCompile(`\d+`).FindAllString(colour, 3) {
		n, _ := strconv.Atoi(text)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += c * []float64{0.2126, 0.7152, 0.0722}[i]
	}
	return sum
}

// checkTraces looks for the code in what the browser keeps, and for anything
// that was asked for elsewhere.
func checkTraces(t *testing.T, page *browser.Page, address, github string) {
	t.Helper()
	if history := page.History(); slices.ContainsFunc(history, func(a string) bool { return strings.Contains(a, "code=") }) {
		t.Errorf("the code is in the history: %v", history)
	}
	for _, asked := range page.Requests() {
		if !strings.HasPrefix(asked, address) && !strings.HasPrefix(asked, github) && !strings.HasSuffix(asked, "/favicon.ico") {
			t.Errorf("%s was asked for", asked)
		}
	}
	if faults := page.Faults(); len(faults) > 0 {
		t.Errorf("the browser complains: %v", faults)
	}
}
