package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// explained runs explain in a step of a job, with a classic token in MY_TOKEN
// and with debug logging, which writes a line about each request.
func explained(t *testing.T, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	token := "ghp_" + rand.Text()
	s := newStep(t, map[string]string{"MY_TOKEN": token, "RUNNER_DEBUG": "1"})
	s.AddPersonalToken(fakegithub.PersonalToken{
		Value: token, Login: "monalisa", Classic: true, Scopes: []string{"repo:status", "gist", "read:org"},
		ExpiresAt: time.Date(2199, 1, 2, 3, 4, 5, 0, time.UTC), SSO: "partial-results; organizations=21955855",
	})
	var out, errors strings.Builder
	p := s.process(t)
	p.Stdout, p.Stderr, p.StderrPiped = &out, &errors, true
	exit = run(context.Background(), p, "explain", args...)
	for _, form := range actions.Encodings(redact.New(token)) {
		if strings.Contains(out.String()+errors.String(), form.Reveal()) {
			t.Errorf("explain %v: the token is readable", args)
		}
	}
	if text := out.String() + errors.String(); regexp.MustCompile(`(?m)^::`).MatchString(text) {
		t.Errorf("explain %v: a command for the runner is among what somebody asked for:\n%s", args, text)
	}
	return out.String(), errors.String(), exit
}

func TestExplainWritesNothingBesideJSON(t *testing.T) {
	stdout, stderr, exit := explained(t, "-format", "json", "-token-from-env", "MY_TOKEN", "-operations", "git push")
	var got struct {
		Token       map[string]any    `json:"token"`
		Permissions map[string]string `json:"permissions"`
		Notices     []string          `json:"notices"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || exit != exitOK {
		t.Fatalf("exit %d, %v:\n%s", exit, err, stdout)
	}
	want := map[string]any{
		"kind": "personal access token (classic)", "login": "monalisa", "scopes": []any{"repo:status", "gist", "read:org"},
		"expires_at": "2199-01-02T03:04:05Z", "single_sign_on": "partial-results; organizations=21955855",
	}
	if diff := cmp.Diff(want, got.Token); diff != "" {
		t.Errorf("the token: %s", diff)
	}
	if got.Permissions["contents"] != "write" || got.Permissions["statuses"] != "write" {
		t.Errorf("permissions %v, want those of the scopes and of the operation", got.Permissions)
	}
	notices := strings.Join(got.Notices, "\n")
	if !strings.Contains(notices, "gist: an installation token") || !strings.Contains(notices, "workflows: write") {
		t.Errorf("notices %q, want one on gist and one on workflows", got.Notices)
	}
	if !strings.Contains(stderr, "debug: GET /user: 200") {
		t.Errorf("standard error has no debug line: %s", stderr)
	}
}

func TestExplainWritesNothingBesideYAML(t *testing.T) {
	stdout, stderr, exit := explained(t, "-format", "yaml", "-token-from-env", "MY_TOKEN")
	var steps []struct {
		With map[string]string `yaml:"with"`
	}
	if err := yaml.Unmarshal([]byte(stdout), &steps); err != nil || exit != exitOK || len(steps) != 1 {
		t.Fatalf("exit %d, %v:\n%s", exit, err, stdout)
	}
	if !strings.Contains(stdout, "\n- uses: ") || !strings.Contains(steps[0].With["permissions"], "statuses: write\n") {
		t.Errorf("not the step to paste:\n%s", stdout)
	}
	for _, note := range []string{"# - gist: an installation token", "# - What only owners see"} {
		if !strings.Contains(stdout, note) {
			t.Errorf("no comment %q:\n%s", note, stdout)
		}
	}
	for _, line := range []string{"belongs to      monalisa\n", "debug: GET /user: 200"} {
		if !strings.Contains(stderr, line) {
			t.Errorf("standard error lacks %q:\n%s", line, stderr)
		}
	}
}

// What stands in standard input is bounded, and what can't be read is not
// explained.
func TestExplainReadsMessages(t *testing.T) {
	long := strings.Repeat(" ", maxMessage) + "Resource not accessible by integration"
	for _, c := range []struct {
		stdin io.Reader
		want  string
	}{
		{strings.NewReader("x\nResource not accessible by integration\n"), "it means        an App's token, such as GITHUB_TOKEN, "},
		{strings.NewReader(long[len("Resource not accessible by integration"):]), "it means        an App's token, such as GITHUB_TOKEN, "},
		{strings.NewReader(long), "error: standard input is longer than any answer of GitHub's\nhint: "},
		{iotest.ErrReader(errors.New("it is closed")), "error: standard input can't be read: it is closed\n"},
	} {
		s := newStep(t, nil)
		p := s.process(t)
		p.Stdin = c.stdin
		run(t.Context(), p, "explain", "-message", "-")
		if !strings.HasPrefix(s.log.String(), c.want) || len(s.Requests()) != 0 {
			t.Errorf("got %q, want %q…", s.log.String(), c.want)
		}
	}
}

// Errors go to the stream that no program reads data from.
func TestExplainFailsBesideData(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-scopes", "gist"}, "error: input scopes: gist: an installation token"},
		{[]string{"-token-from-env", "NOT_SET"}, `error: the variable "NOT_SET" is empty or not set`},
		{[]string{}, "Usage of explain:"},
		{[]string{"-nonsense"}, `error: explain: flag provided but not defined: "-nonsense"`},
	} {
		for _, format := range []string{"json", "yaml"} {
			stdout, stderr, exit := explained(t, append([]string{"-format", format}, c.args...)...)
			if exit == exitOK || stdout != "" || !strings.HasPrefix(stderr, c.want) {
				t.Errorf("%v as %s: exit %d, standard output %q, standard error %q, want %s…", c.args, format, exit, stdout, stderr, c.want)
			}
		}
	}
	if stdout, _, exit := explained(t, "-scopes", "gist"); exit != exitFailure || !strings.HasPrefix(stdout, "error: input scopes: gist") {
		t.Errorf("exit %d, %q: people read the table and what is wrong in one place", exit, stdout)
	}
}

// What people read fits a terminal, and is coloured on one alone.
func TestExplainOnATerminal(t *testing.T) {
	for _, args := range [][]string{
		{"-scopes", "repo, admin:org, read:packages"},
		{"-scopes", "repo", "-format", "yaml"},
		{"-message", "Resource not accessible by integration"},
		{"-operations", "gh pr view\nGET /repos/acme/api/actions/runs/1/attempts/2/logs", "-permissions", "secrets: read"},
		{"-token-from-env", "MY_TOKEN"},
	} {
		plain, _, exit := explained(t, args...)
		for line := range strings.Lines(plain) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > wording.Columns && !strings.HasPrefix(line, "debug: ") {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
		if exit != exitOK || strings.Contains(plain, "\x1b") {
			t.Errorf("%v: exit %d:\n%s", args, exit, plain)
		}
	}
	var out strings.Builder
	s := newStep(t, map[string]string{"TERM": "xterm"})
	p := s.process(t)
	p.Stdout, p.Terminal = &out, true
	run(t.Context(), p, "explain", "-scopes", "repo")
	if !strings.HasPrefix(out.String(), "\x1b[33mrepo is an administrator: ") {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	s.env["NO_COLOR"] = "1"
	run(t.Context(), p, "explain", "-scopes", "repo")
	if !strings.HasPrefix(out.String(), "repo is an administrator: ") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q", out.String())
	}
}
