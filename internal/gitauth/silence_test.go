package gitauth_test

import (
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// TestReadBack makes git print the configuration: it reads what was meant, and
// the files hold nothing of it.
func TestReadBack(t *testing.T) {
	t.Parallel()
	bot := gitauth.Bot{Slug: "vault-keeper", ID: 917, Host: "github.com"}
	for _, c := range []gitauth.Config{
		{Server: "https://github.com", Owner: "octo-corp", AllRepositories: true, Token: redact.New("ghs_1")},
		{Server: "https://octo.ghe.com", Owner: "Octo_Corp", AllRepositories: true, Token: redact.New("ghs_12"), Bot: &bot},
		{
			Server: "https://ghes.example.com:8443", Owner: "1", AllRepositories: true, Bot: &bot,
			Helper: `!"$RUNNER_TEMP/valet key" 'a\b' "c\"d" #;=%* git-credential`,
		},
	} {
		f := &fixture{t: t}
		j := f.job().use(gitauth.Config{Server: "https://example.com", Owner: "first", AllRepositories: true, Helper: "store"})
		before := len(j.env)
		j.use(c)
		var want []string
		for i := before; i+1 < len(j.env); i += 2 {
			_, key, _ := strings.Cut(j.env[i], "=")
			_, value, _ := strings.Cut(j.env[i+1], "=")
			section, name := key[:strings.LastIndex(key, ".")], key[strings.LastIndex(key, "."):]
			want = append(want, section+strings.ToLower(name)+"\n"+value)
		}
		list := strings.TrimSuffix(j.must("", "config", "--list", "-z"), "\x00")
		got := strings.Split(list, "\x00")
		if diff := cmp.Diff(want, got[len(got)-len(want):]); diff != "" {
			t.Error(diff)
		}
	}
}

// TestNowhereToBeRead looks for the token in the arguments of all processes
// while git is at work, and afterwards in all files that git leaves.
func TestNowhereToBeRead(t *testing.T) {
	f := newFixture(t)
	token := f.mint("octo-corp")
	withHeader := f.config("octo-corp", token)
	secrets := append(withHeader.Secrets(), token)
	for name, c := range map[string]gitauth.Config{"header": withHeader, "helper": helperConfig(t, f, "octo-corp")} {
		j := f.job().use(c).asHelper(f, map[string]redact.String{"octo-corp": token})
		seen := map[string]bool{}
		var mu sync.Mutex
		look := func() {
			mu.Lock()
			defer mu.Unlock()
			lookAtProcesses(t, f.url, secrets, seen)
		}
		f.during.Store(&look)
		j.must("", "clone", "--quiet", "git@127.0.0.1:octo-corp/api.git")
		api := filepath.Join(j.home, "api")
		j.must(api, "push", "--quiet", "origin", "HEAD:refs/heads/"+name)
		j.must(api, "fetch", "--quiet", "--all")
		f.during.Store(nil)

		if runtime.GOOS == "linux" && !seen["git"] {
			t.Errorf("%s: no git was seen at work, only %v", name, seen)
		}
		for _, args := range [][]string{{"remote", "-v"}, {"config", "remote.origin.url"}} {
			for _, s := range secrets {
				if strings.Contains(j.must(api, args...), s.Reveal()) {
					t.Errorf("%s: a secret is in git %v", name, args)
				}
			}
		}
		for line := range strings.Lines(j.must(api, "config", "--list", "--show-origin")) {
			for _, s := range secrets {
				if strings.Contains(line, s.Reveal()) && !strings.HasPrefix(line, "command line:") {
					t.Errorf("%s: a secret comes from %s", name, strings.Fields(line)[0])
				}
			}
		}
		j.wantNoneIn(secrets)
	}
}

// lookAtProcesses reads the arguments of all processes and remembers the
// programs that have to do with the server. On systems other than Linux it sees
// none.
func lookAtProcesses(t *testing.T, server string, secrets []redact.String, seen map[string]bool) {
	u, err := url.Parse(server)
	if err != nil {
		t.Error(err)
		return
	}
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		line := string(content)
		if program, _, _ := strings.Cut(line, "\x00"); strings.Contains(line, u.Host) {
			seen[filepath.Base(program)] = true
		}
		for _, s := range secrets {
			if strings.Contains(line, s.Reveal()) {
				t.Errorf("a secret is in the arguments of %s", strings.SplitN(line, "\x00", 2)[0])
			}
		}
	}
}
