package pictures_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"testing"

	"github.com/valetkey/valetkey/internal/cli"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
)

// setupPage returns the page of setup as a browser gets it. It comes over a
// socket, so that it can't be had in a bubble.
func setupPage(t *testing.T) string {
	t.Helper()
	github := fakegithubtest.New(t, fakegithubtest.Setup{
		App: fakegithub.App{Slug: "another", Owner: "acme"}, Repositories: []string{"api"},
	})
	t.Chdir(t.TempDir())
	log, stderr := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(cli.Process{
			Args: []string{
				"valetkey", "setup", "-organization", "acme", "-operations", "git push\nPOST /repos/{owner}/{repo}/issues",
				"-key-file", "key.pem", "-no-browser",
			},
			Stdout: io.Discard, Stderr: stderr, Getenv: func(string) string { return "" }, Environ: func() []string { return nil },
			Transport: transporttest.InMemory{Handler: github},
		})
		_ = stderr.Close()
	}()
	address := ""
	lines := bufio.NewScanner(log)
	said := ""
	for address == "" && lines.Scan() {
		said += lines.Text() + "\n"
		address = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\S+`).FindString(lines.Text())
	}
	if address == "" {
		t.Fatalf("setup opens no page:\n%s", said)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	page := get(t, &browser, address)
	// A code that GitHub does not know ends it.
	state := regexp.MustCompile(`state=([A-Z2-7]+)`).FindStringSubmatch(page)
	if state == nil {
		t.Fatalf("the page has no state:\n%s", page)
	}
	get(t, &browser, address+"made?state="+state[1]+"&code=0123456789abcdef0123")
	if code := <-ended; code == 0 {
		t.Error("setup succeeds with a code that GitHub does not know")
	}
	page = regexp.MustCompile(`127\.0\.0\.1:\d+/[A-Z2-7]+/`).ReplaceAllString(page, "127.0.0.1:40000/RANDOM/")
	return regexp.MustCompile(`state=[A-Z2-7]+`).ReplaceAllString(page, "state=RANDOM")
}

// get returns a page.
func get(t *testing.T, browser *http.Client, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
