//go:build unix

package demo_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// chapter returns the commands of a chapter, as a user would copy them.
func (s served) chapter(t *testing.T, name string) string {
	t.Helper()
	_, text, ok := strings.Cut(s.text, "\ndemo "+name+": ")
	_, text, more := strings.Cut(text, "\n\n")
	commands, _, end := strings.Cut(text, "\n\n")
	if !ok || !more || !end {
		t.Fatalf("no chapter %s in:\n%s", name, s.text)
	}
	return commands + "\n"
}

// The commands of each chapter do against a GitHub that keeps running what the
// chapter showed.
func TestChaptersCanBePasted(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	s := serveDemo(t, t.TempDir())
	for _, c := range []struct {
		name string
		want []string // lines of the output
	}{
		{"mint", []string{`ghs_\w{36}`, `nothing revokes it: .*`}},
		{"carry", []string{`minted a token for acme/api: .*`, `opened a token for acme/api: .*`, `the token is revoked`}},
		{"fleet", []string{`2 created, 0 updated, .*`, `acme/api NPM_TOKEN=example`, `acme/payments NPM_TOKEN=example`}},
		{"rotate", []string{`deploy: made deploy key \d+ of acme/payments`, `acme/payments ci \(valetkey .*\): ssh-ed25519 .*`}},
		{"pats", []string{`mona's reader: approved`, `octocat's laptop, which leaked: inactive, .*`}},
	} {
		out := paste(t, t.TempDir(), s.chapter(t, c.name), os.Getenv("PATH"))
		for _, line := range c.want {
			if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(out) {
				t.Errorf("%s: %q is not in:\n%s", c.name, line, out)
			}
		}
	}
}

// pages is what setup says, for the person who waits for an address.
type pages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *pages) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// next returns the first address of a form, once it is there.
func (p *pages) next(t *testing.T, form string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		text := p.text.String()
		p.mu.Unlock()
		if found := regexp.MustCompile(form).FindString(text); found != "" {
			return found
		}
	}
	t.Fatalf("%s is not in:\n%s", form, &p.text)
	return ""
}

// So do those of setup, with a person at a browser.
func TestChapterSetupCanBePasted(t *testing.T) {
	s := serveDemo(t, t.TempDir())
	work, said, browser := t.TempDir(), &pages{}, fakegithubtest.NewBrowser(nil)
	programs := t.TempDir() // no browser, and no gh that somebody is signed in with
	program, err := exec.LookPath("valetkey")
	if err == nil {
		err = os.Symlink(program, filepath.Join(programs, "valetkey"))
	}
	if err != nil {
		t.Fatal(err)
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	cmd := exec.CommandContext(t.Context(), bash, "-euo", "pipefail", "-c", s.chapter(t, "setup"))
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = work, said, said, []string{"PATH=" + programs, "HOME=" + work}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i, step := range []func() error{
		func() error { return browser.Open(t.Context(), said.next(t, `http://127\.0\.0\.1:\d+/\w{26}/`)) },
		func() error { return browser.Submit(t.Context(), nil) },
		func() error { return browser.Submit(t.Context(), nil) },
		func() error { return browser.Open(t.Context(), said.next(t, `http://\S+/apps/\S+/installations/new`)) },
		func() error { return browser.Submit(t.Context(), url.Values{"target": {"all"}}) },
	} {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v\n%s", i, err, &said.text)
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(said.text.String(), "- uses: valetkey/valetkey@v1") {
		t.Errorf("%v:\n%s", err, &said.text)
	}
	if _, err := os.Stat(filepath.Join(work, "new-app.pem")); err != nil {
		t.Error(err)
	}
}

// walk runs the demo without serving, and returns what people read.
func walk(t *testing.T, chapter ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "valetkey", append([]string{"demo"}, chapter...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", chapter, err, out)
	}
	return string(out)
}

// Each chapter stands alone, in the order of the whole, and ends with the
// commands that --serve prints, for the address of the last line.
func TestChapters(t *testing.T) {
	s := serveDemo(t, t.TempDir())
	from := 0
	began, all := time.Now(), walk(t)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("all chapters take %v", took)
	}
	for _, name := range []string{"mint", "carry", "fleet", "rotate", "pats", "setup"} {
		at := strings.Index(all, "  demo "+name+": ")
		if at < from {
			t.Errorf("%s is at %d, after %d", name, at, from)
		}
		from = at
		text := walk(t, name)
		if strings.Count(text, "  demo ") != 1 || !strings.Contains(text, "\nAll ") {
			t.Errorf("%s alone:\n%s", name, text)
		}
		commands := strings.ReplaceAll(s.chapter(t, name), s.url, "http://127.0.0.1:8917")
		commands = strings.ReplaceAll(commands, filepath.Join(s.dir, "private-key.pem"), "demo/private-key.pem")
		if !strings.Contains(text, "\nTry it:\n\n"+commands) {
			t.Errorf("%s: the commands that --serve prints are not in:\n%s", name, text)
		}
	}
	if !strings.Contains(all, "valetkey demo --serve --dir demo --listen 127.0.0.1:8917\n") {
		t.Error("it does not say how to serve")
	}
	for line := range strings.Lines(all) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(all, "\x1b") {
		t.Error("what is no terminal is coloured")
	}
}

// What is misspelt is not shown in another way.
func TestChaptersMisspelt(t *testing.T) {
	for _, args := range [][]string{{"fleets"}, {"mint", "carry"}, {"mint", "--serve"}, {""}} {
		cmd := exec.CommandContext(t.Context(), "valetkey", append([]string{"demo"}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, err := cmd.Output()
		if cmd.ProcessState.ExitCode() != 2 || len(out) > 0 {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
