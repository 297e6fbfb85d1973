//go:build unix

package demo_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rhysd/actionlint"

	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/test/program"
)

// The tests below run the program.
func TestMain(m *testing.M) { program.Main(m) }

// served is a running `valetkey demo --serve`.
type served struct {
	text string // what it printed
	url  string
	dir  string
	stop func()
}

// serveDemo starts it in a directory, and reads its invitation to the end.
func serveDemo(t *testing.T, dir string) served {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "valetkey", "demo", "--serve", "--dir", dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "what became of them") {
			break
		}
	}
	s := served{text: text.String(), dir: dir, stop: func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}}
	t.Cleanup(s.stop)
	if s.url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(s.text); s.url == "" {
		t.Fatalf("it printed no address:\n%s", s.text)
	}
	return s
}

// block returns the indented block that begins with a text, as a user would
// copy it.
func (s served) block(t *testing.T, begin string) string {
	t.Helper()
	from := strings.Index(s.text, begin)
	if from < 0 {
		t.Fatalf("%q is not in:\n%s", begin, s.text)
	}
	block, _, _ := strings.Cut(s.text[from:], "\n\n")
	return block + "\n"
}

// paste runs a block in a new shell that has valetkey in PATH, and nothing else
// of this environment. It returns all that the block wrote.
func paste(t *testing.T, dir, block, path string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail")
	cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(block), []string{"PATH=" + path, "HOME=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, block, out)
	}
	return string(out)
}

// askAs sends a request with a Host header.
func askAs(t *testing.T, url, host, token string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	req.Header.Set("User-Agent", "test")
	if token != "" {
		req.Header.Set("Authorization", "token "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// The commands that the demo prints work when they are pasted, in a directory
// whose name shells would split, and again when the demo uses that directory
// once more.
func TestDemoServePrintsWhatWorks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a $(false) demo")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s := serveDemo(t, dir)
		work := t.TempDir()
		paste(t, work, s.block(t, "    touch output"), os.Getenv("PATH"))
		outputs, err := fakerunner.ReadPairs(filepath.Join(work, "output"))
		if err != nil || outputs["token"] == "" {
			t.Fatalf("no token in %v: %v", outputs, err)
		}
		status, answer := askAs(t, s.url+"/installation/repositories", "", outputs["token"])
		var reached struct {
			Repositories []struct {
				Name string `json:"full_name"`
			}
		}
		err = json.Unmarshal([]byte(answer), &reached)
		if err != nil || status != http.StatusOK || len(reached.Repositories) != 1 || reached.Repositories[0].Name != "acme/api" {
			t.Errorf("the token opens %+v: %d, %v", reached, status, err)
		}
		s.stop()
	}
}

// GitHub would accept the step that the demo prints, and act gets the key
// without a command line.
func TestDemoServeForActs(t *testing.T) {
	s := serveDemo(t, t.TempDir())
	workflow := "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n" + s.block(t, "      - uses: valetkey/valetkey@v1")
	linter, err := actionlint.NewLinter(&bytes.Buffer{}, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	faults, err := linter.Lint("demo.yml", []byte(workflow), nil)
	if err != nil || len(faults) > 0 {
		t.Errorf("%v, %v in:\n%s", faults, err, workflow)
	}
	for _, line := range []string{"github-api-url: " + s.url + "\n", "client-id: Iv23li", "private-key: ${{ secrets.APP_PRIVATE_KEY }}\n"} {
		if !strings.Contains(workflow, "          "+line) {
			t.Errorf("%q is not in:\n%s", line, workflow)
		}
	}

	work := t.TempDir()
	stand := "#!/bin/bash\nprintf '%s\\n' \"$*\" > arguments\nprintf '%s\\n' \"$APP_PRIVATE_KEY\" > key\n"
	if err := os.WriteFile(filepath.Join(work, "act"), []byte(stand), 0o700); err != nil {
		t.Fatal(err)
	}
	paste(t, work, s.block(t, "    APP_PRIVATE_KEY="), work+":"+os.Getenv("PATH"))
	arguments, _ := os.ReadFile(filepath.Join(work, "arguments"))
	key, _ := os.ReadFile(filepath.Join(work, "key"))
	want, err := os.ReadFile(filepath.Join(s.dir, "private-key.pem"))
	if string(arguments) != "-s APP_PRIVATE_KEY\n" || !bytes.Equal(key, want) || err != nil {
		t.Errorf("act got %q; the key is the same: %v, %v", arguments, bytes.Equal(key, want), err)
	}
}

// A policy judges the tokens that people of the account have.
func TestDemoServeTokens(t *testing.T) {
	s := serveDemo(t, t.TempDir())
	const asked = "mona's reader: asked for\nmona's manager: asked for\nhubot's nightly: granted\n" +
		"octocat's laptop, which leaked: active, alert open: "
	_, before := askAs(t, s.url+"/demo/tokens", "", "")
	if !strings.HasPrefix(before, asked) {
		t.Errorf("%s", before)
	}
	work := t.TempDir()
	policy := `pats:
  organizations: [acme]
  mode: enforce
  requests:
    - {name: readers, if: {at-most: {repository: {contents: read}}}, do: approve}
    - {name: the rest, if: {owner: mona}, do: deny, reason: Ask for less.}
  grants:
    - {name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}
  leaks: {do: revoke, resolve: true}
  notices: {repository: acme/payments}
`
	if err := os.WriteFile(filepath.Join(work, "policy.yml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	run := strings.ReplaceAll(s.block(t, "    touch output"), "valetkey mint", "INPUT_MANIFEST=policy.yml INPUT_CONFIRM=acme valetkey pats")
	run = regexp.MustCompile(`INPUT_(OWNER|REPOSITORIES|PERMISSIONS)=("[^"]*"|\S+)`).ReplaceAllString(run, "")
	paste(t, work, run, os.Getenv("PATH"))
	const judged = "mona's reader: approved\nmona's manager: denied: Ask for less.\nhubot's nightly: granted\n" +
		"octocat's laptop, which leaked: inactive, alert resolved: "
	_, after := askAs(t, s.url+"/demo/tokens", "", "")
	const told = "\nissue 1 of acme/payments: Personal access tokens of hubot, open\n"
	if !strings.HasPrefix(after, judged) || !strings.HasSuffix(after, told) {
		t.Errorf("%s", after)
	}
}

// A page in a browser that makes the name of its own host lead here gets no
// answer.
func TestDemoServeAnswersItsOwnHost(t *testing.T) {
	s := serveDemo(t, t.TempDir())
	own := strings.TrimPrefix(s.url, "http://")
	_, port, err := net.SplitHostPort(own)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host string
		want int
	}{
		{own, http.StatusOK},
		{"localhost:" + port, http.StatusOK},
		{"evil.example:" + port, http.StatusMisdirectedRequest},
		{"evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1", http.StatusMisdirectedRequest},
		{"localhost.evil.example:" + port, http.StatusMisdirectedRequest},
		{own + ".evil.example", http.StatusMisdirectedRequest},
	} {
		for _, path := range []string{"/demo/secrets", "/demo/tokens", "/meta"} {
			if got, _ := askAs(t, s.url+path, c.host, ""); got != c.want {
				t.Errorf("%s as %s: %d, want %d", path, c.host, got, c.want)
			}
		}
	}
}

// The demo leaves everything in the directory as it is.
func TestDemoServeOverwritesNothing(t *testing.T) {
	dir, target := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	file := filepath.Join(dir, "private-key.pem")
	for name, put := range map[string]func() error{
		"a text": func() error { return os.WriteFile(file, []byte("mine"), 0o600) },
		"a public key": func() error {
			return os.WriteFile(file, []byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"), 0o600)
		},
		"a dangling link": func() error { return os.Symlink(target, file) },
		"a directory":     func() error { return os.Mkdir(file, 0o700) },
		"a named pipe":    func() error { return syscall.Mkfifo(file, 0o600) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(file)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it would serve on, or wait for the pipe
		cmd := exec.CommandContext(ctx, "valetkey", "demo", "--serve", "--dir", dir)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		cancel()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(out, []byte("start the demo: ")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		after, err := os.Lstat(file)
		if err != nil || !os.SameFile(before, after) || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("%s was touched: %v", name, err)
		}
		if _, err := os.Stat(target); err == nil {
			t.Errorf("%s: the key was written through it", name)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}

	// A file with a name that the demo uses belongs to somebody, too.
	tree := filepath.Join(dir, "tree-api")
	if err := os.Mkdir(tree, 0o700); err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(tree, "README.md")
	if err := os.WriteFile(readme, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	serveDemo(t, dir)
	if text, err := os.ReadFile(readme); err != nil || string(text) != "mine" {
		t.Errorf("%s, %v", text, err)
	}
}
