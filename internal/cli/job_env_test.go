package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestWebsite(t *testing.T) {
	env := map[string]string{"GITHUB_API_URL": "https://ghes.test/api/v3", "GITHUB_SERVER_URL": "https://www.ghes.test"}
	r := actions.New(&strings.Builder{}, func(name string) string { return env[name] })
	for api, want := range map[string]string{
		"https://ghes.test/api/v3/": "https://www.ghes.test", // the runner's own
		"https://api.github.com":    "https://github.com",
		"https://api.octo.ghe.com":  "https://octo.ghe.com",
		"https://other.test/api/v3": "https://other.test",
		"https://api.other.test":    "https://api.other.test",
		"http://127.0.0.1:8080/":    "http://127.0.0.1:8080",
		"no address":                "",
	} {
		if got := website(r, api); got != want {
			t.Errorf("%s: got %s, want %s", api, got, want)
		}
	}
}

// GH_HOST is the host of the last step that set up gh, and unset if that is
// github.com.
func TestGHHosts(t *testing.T) {
	s := newStep(t, map[string]string{"INPUT_GH": "true"})
	for _, step := range []struct{ api, server, want string }{
		{"https://api.github.com", "https://github.com", "unset"},
		{"https://ghes.test/api/v3", "https://ghes.test", "ghes.test"},
		{"https://api.github.com", "https://github.com", ""},
		{"https://api.octo.ghe.com", "https://octo.ghe.com", "octo.ghe.com"},
	} {
		s.next(t, map[string]string{"GITHUB_API_URL": step.api, "GITHUB_SERVER_URL": step.server})
		s.run(t, "mint")
		env, err := fakerunner.ReadPairs(s.env["GITHUB_ENV"])
		if err != nil || s.exit != exitOK {
			t.Fatal(err, s.log.String())
		}
		got, ok := env["GH_HOST"]
		if !ok {
			got = "unset"
		}
		if got != step.want {
			t.Errorf("%s: GH_HOST is %q, want %q", step.server, got, step.want)
		}
		for name, value := range env {
			s.env[name] = value
		}
	}
}

// The configuration of git for 500 single repositories would not fit the
// environment.
func TestManyRepositories(t *testing.T) {
	s := newStep(t, map[string]string{"INPUT_GIT": "true", "INPUT_OWNER": "monalisa", "INPUT_REPOSITORIES": numbered(500)})
	for _, name := range strings.Fields(numbered(500)) {
		s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: name, Private: true})
	}
	s.run(t, "mint")
	const want = "the token opens 500 repositories, too many for git to be told of one by one: git uses it for every repository of monalisa"
	if line, _ := s.annotation("notice"); !strings.HasPrefix(line, want) {
		t.Errorf("the notice is %q", line)
	}
	env, err := fakerunner.ReadPairs(s.env["GITHUB_ENV"])
	if err != nil || env["GIT_CONFIG_KEY_0"] != "http.https://github.test/monalisa/.extraHeader" {
		t.Errorf("the first entry is for %s (%v)", env["GIT_CONFIG_KEY_0"], err)
	}
}

// The configuration of earlier steps is read up to the first number that is
// missing.
func TestGitBefore(t *testing.T) {
	env := map[string]string{
		"GIT_CONFIG_COUNT": " 2 ", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "", "GIT_CONFIG_KEY_1": "c.d",
		"GIT_CONFIG_VALUE_1": "e", "GIT_CONFIG_KEY_3": "f.g",
	}
	got := gitBefore(func(name string) string { return env[name] })
	size := 0
	for _, text := range []string{"GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_VALUE_0=", "GIT_CONFIG_KEY_1=c.d", "GIT_CONFIG_VALUE_1=e"} {
		size += len(text) + 1
	}
	if diff := cmp.Diff(gitauth.Before{Count: "2", Keys: []string{"a.b", "c.d"}, Size: size}, got); diff != "" {
		t.Error(diff)
	}
}

func TestReachOpens(t *testing.T) {
	some, err := reachOf([]string{"Acme/API", "Acme/web"})
	if err != nil {
		t.Fatal(err)
	}
	some.Aliases = []string{"old"}
	all, err := reachOf([]string{"acme/*"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		w                 reach
		owner, repository string
		want              bool
	}{
		{some, "acme", "api", true},
		{some, "OLD", "Web", true},
		{some, "acme", "api-internal", false},
		{some, "evil", "api", false},
		{all, "ACME", "anything", true},
		{all, "evil", "anything", false},
		{reach{}, "", "", false},
	} {
		if got := c.w.opens(c.owner, c.repository); got != c.want {
			t.Errorf("%+v opens %s/%s: %v", c.w, c.owner, c.repository, got)
		}
	}
	if _, err := reachOf([]string{"acme/api", "evil/x"}); err == nil {
		t.Error("two owners are taken for one")
	}
}

// A token that opens nothing sets up nothing.
func TestGitWithNothingToOpen(t *testing.T) {
	const want = "input git: has nothing to open: the token opens no repository"
	l := jobEnv{Git: true, Server: "https://github.com"}
	r := actions.New(&strings.Builder{}, func(string) string { return "" })
	if _, err := l.git(r, redact.New("ghs_1"), reach{Owner: "acme"}, nil, ""); fmt.Sprint(err) != want {
		t.Errorf("got %v", err)
	}
	s := newStep(t, map[string]string{"INPUT_GIT": "true", "INPUT_OWNER": "hexa"})
	s.AddAccount(fakegithub.Account{Login: "hexa"})
	s.Install(fakegithub.Installation{ID: 9, AppID: 917, Account: "hexa"})
	s.run(t, "mint")
	if line, _ := s.annotation("error"); line != want || s.Alive(s.Tokens()[0].Value) {
		t.Errorf("got %q; alive is %v", line, s.Alive(s.Tokens()[0].Value))
	}
}

// Each token that refresh mints is compared with what was asked for.
func TestRefreshIsHeldAgainstTheScope(t *testing.T) {
	s, dir := refreshed(t)
	p := s.process(t)
	s.changeState(t, dir, func(state *refreshState) { state.Tokens = nil })
	unlikeGitHub(at("POST", 1, fakegithub.Fault{Rewrite: replaced(`"contents":"read"`, `"contents":"write"`)}))(s)
	_, err := currentToken(context.Background(), p, p.runner(), dir, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "GitHub granted a different scope than was asked for") {
		t.Errorf("got %v", err)
	}
	if tokens := s.Tokens(); len(tokens) != 2 || s.Alive(tokens[1].Value) {
		t.Errorf("of %d tokens, the second is alive", len(tokens))
	}
}
