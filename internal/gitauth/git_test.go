package gitauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// TestMain is also the credential helper of TestHelper: `test-binary as-helper
// get`.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "as-helper" {
		status := m.Run()
		os.RemoveAll(seeds)
		os.Exit(status)
	}
	if os.Args[2] == "get" {
		if err := help(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func help() error {
	q, err := gitauth.ParseRequest(os.Stdin)
	if err != nil {
		return err
	}
	owner, repository, ok := q.Owner()
	if !ok || !q.At(os.Getenv("TEST_SERVER"), false) {
		return fmt.Errorf("asked for %+v", q)
	}
	fmt.Fprintf(os.Stderr, "helper: %s/%s\n", owner, repository)
	token := os.Getenv("TEST_TOKEN_" + strings.ReplaceAll(owner, "-", "_"))
	return gitauth.Answer(os.Stdout, redact.New(token), time.Now().Add(time.Hour))
}

func TestCloneFetchPush(t *testing.T) {
	f := newFixture(t)
	bot, err := gitauth.NewBot(f.url, "vault-keeper", 917)
	if err != nil {
		t.Fatal(err)
	}
	c := f.config("octo-corp", f.mint("octo-corp"))
	c.Bot = &bot
	j := f.job().use(c)
	j.must("", "clone", "--quiet", f.url+"/octo-corp/api.git")
	j.must("", "clone", "--quiet", "git@127.0.0.1:octo-corp/api.git", "other")
	j.write("api/file", "third")
	api := filepath.Join(j.home, "api")
	j.must(api, "commit", "--quiet", "--all", "-m", "third")
	j.must(api, "push", "--quiet", "origin", "main")
	other := filepath.Join(j.home, "other")
	j.must(other, "fetch", "--quiet")
	got := j.must(other, "log", "-1", "--format=%an <%ae> %cn <%ce> %s", "origin/main")
	if want := bot.Committer() + " " + bot.Committer() + " third\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.job().fails("could not read Username", "", "clone", f.url+"/octo-corp/api.git")
}

// A submodule by an SSH address with and without a scheme, and one by a
// relative one; git hands GIT_CONFIG_COUNT down to the git of a submodule.
func TestSubmodulesOverSSHAddresses(t *testing.T) {
	f := newFixture(t)
	c := f.config("octo-corp", f.mint("octo-corp"))
	c.Bot = &gitauth.Bot{Slug: "vault-keeper", ID: 917, Host: "github.com"}
	j := f.job().use(c)
	j.must("", "clone", "--quiet", f.url+"/octo-corp/api.git")
	api := filepath.Join(j.home, "api")
	for name, address := range map[string]string{
		"scp": "git@127.0.0.1:octo-corp/lib.git", "ssh": "ssh://git@127.0.0.1/octo-corp/lib", "relative": "../lib.git",
	} {
		j.must(api, "submodule", "--quiet", "add", "--name", name, address, name)
	}
	j.must(api, "commit", "--quiet", "-m", "submodules")
	j.must(api, "push", "--quiet", "origin", "main")

	j = f.job().use(c)
	j.must("", "clone", "--quiet", "--recurse-submodules", f.url+"/octo-corp/api.git")
	for _, name := range []string{"scp", "ssh", "relative"} {
		j.wantFile("api/"+name+"/file", "second")
	}
	// The repository's text stays as it is; only git's behaviour changes.
	if got := j.must(filepath.Join(j.home, "api", "scp"), "config", "remote.origin.url"); got != "git@127.0.0.1:octo-corp/lib.git\n" {
		t.Errorf("the remote is %q", got)
	}
}

func TestTwoOwners(t *testing.T) {
	f := newFixture(t)
	octo, hexa := f.mint("octo-corp"), f.mint("hexa-corp")
	j := f.job().use(f.config("octo-corp", octo)).use(f.config("hexa-corp", hexa))
	j.must("", "clone", "--quiet", f.url+"/octo-corp/api.git")
	j.must("", "clone", "--quiet", "ssh://git@127.0.0.1/hexa-corp/web")
	for _, test := range []struct {
		owner, repository string
		token             redact.String
	}{{"octo-corp", "api", hexa}, {"hexa-corp", "web", octo}} {
		f.job().use(f.config(test.owner, test.token)).
			fails("not found", "", "ls-remote", f.url+"/"+test.owner+"/"+test.repository)
	}
	// Of two tokens for one owner, the later one counts.
	f.job().use(f.config("octo-corp", hexa)).use(f.config("octo-corp", octo)).
		must("", "ls-remote", f.url+"/octo-corp/api.git")
}

// To GitHub, Octo-Corp and octo-corp are one owner; to git they are not.
func TestOwnerInAnotherCase(t *testing.T) {
	f := newFixture(t)
	token := f.mint("octo-corp")
	j := f.job().use(f.config("Octo-Corp", token))
	for _, address := range []string{
		f.url + "/Octo-Corp/api", f.url + "/octo-corp/api", "git@127.0.0.1:octo-corp/api", "ssh://git@127.0.0.1/Octo-Corp/api",
	} {
		j.must("", "ls-remote", address)
	}
}

// persisted is a clone as actions/checkout leaves it: with the header of a
// token for the whole server.
func persisted(f *fixture, c gitauth.Config) (*job, string) {
	f.t.Helper()
	before := f.job().use(c)
	before.must("", "clone", "--quiet", f.url+"/octo-corp/api.git")
	directory := filepath.Join(before.home, "api")
	before.must(directory, "config", "http."+f.url+"/.extraheader", "AUTHORIZATION: basic ZGVhZDpkZWFk")
	return f.job(), directory
}

func TestPersistedCheckoutHeader(t *testing.T) {
	f := newFixture(t)
	c := f.config("octo-corp", f.mint("octo-corp"))
	j, directory := persisted(f, c)
	j.fails("could not read Username", directory, "fetch")
	f.job().use(c).must(directory, "fetch", "--quiet")

	// Without the entry of an empty value, there are two headers.
	env, err := c.Env()
	if err != nil {
		t.Fatal(err)
	}
	if env[0].Value != env[2].Value || env[1].Value != "" {
		t.Fatalf("the first entry is %q = %q", env[0].Value, env[1].Value)
	}
	j.env = append(j.env, env[2].Name+"="+env[2].Value, env[3].Name+"="+env[3].Value,
		"GIT_CONFIG_KEY_0=unused.entry", "GIT_CONFIG_VALUE_0=", "GIT_CONFIG_COUNT=2")
	j.fails("The requested URL returned error: 400", directory, "fetch")
}

// TestHeaderResolution checks the comment at accessEntries against git.
func TestHeaderResolution(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var headers []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		headers = append(headers, strings.Join(r.Header.Values("X-Test"), " "))
		http.NotFound(w, r)
	}))
	defer server.Close()
	f := &fixture{t: t, url: server.URL}
	host, owner, repository := server.URL+"/", server.URL+"/octo/", server.URL+"/octo/api.git"
	for _, test := range []struct {
		name  string
		file  [][2]string // in .git/config: URL, value
		env   [][2]string // behind it
		wants string
	}{
		{"the less specific is added to", [][2]string{{host, "1"}}, [][2]string{{owner, "2"}}, "1 2"},
		{"an empty value drops the less specific", [][2]string{{host, "1"}}, [][2]string{{owner, ""}, {owner, "2"}}, "2"},
		{"one for the same URL is added to", [][2]string{{owner, "1"}}, [][2]string{{owner, "2"}}, "1 2"},
		{"an empty value drops the same", [][2]string{{owner, "1"}}, [][2]string{{owner, ""}, {owner, "2"}}, "2"},
		{"the less specific is not heeded later", nil, [][2]string{{owner, "1"}, {host, "2"}}, "1"},
		{"nor is its empty value", nil, [][2]string{{owner, "1"}, {host, ""}}, "1"},
		{"the more specific stays", [][2]string{{host, "1"}, {repository, "2"}}, [][2]string{{owner, ""}, {owner, "3"}}, "1 2"},
		{"the case of a path counts", nil, [][2]string{{server.URL + "/Octo/", "1"}}, ""},
		{"a part of a name is none", nil, [][2]string{{server.URL + "/oct/", "1"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := f.job()
			j.must("", "init", "--quiet")
			header := func(e [2]string) string {
				if e[1] == "" {
					return ""
				}
				return "X-Test: " + e[1]
			}
			for _, e := range test.file {
				j.must("", "config", "--add", "http."+e[0]+".extraHeader", header(e))
			}
			for n, e := range test.env {
				j.env = append(j.env, fmt.Sprintf("GIT_CONFIG_KEY_%d=http.%s.extraHeader", n, e[0]),
					fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, header(e)))
			}
			j.env = append(j.env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(test.env)))
			j.fails("not found", "", "ls-remote", repository)
			mu.Lock()
			defer mu.Unlock()
			if got := headers[len(headers)-1]; got != test.wants {
				t.Errorf("got %q, want %q", got, test.wants)
			}
		})
	}
}

// A redirect to another host is followed without the header.
func TestRedirectKeepsTheTokenHome(t *testing.T) {
	t.Parallel()
	foreign := make(chan http.Header, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		foreign <- r.Header
		http.NotFound(w, r)
	}))
	defer elsewhere.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			t.Error("no header for the first host")
		}
		http.Redirect(w, r, elsewhere.URL+r.URL.String(), http.StatusMovedPermanently)
	}))
	defer home.Close()
	f := &fixture{t: t, url: home.URL}
	f.job().use(f.config("octo", redact.New("ghs_1"))).fails("not found", "", "ls-remote", home.URL+"/octo/api.git")
	select {
	case header := <-foreign:
		if got := header.Values("Authorization"); got != nil {
			t.Errorf("another host was sent %d headers", len(got))
		}
	default:
		t.Error("the redirect was not followed")
	}
}

func TestShallowAndPartialClone(t *testing.T) {
	f := newFixture(t)
	j := f.job().use(f.config("octo-corp", f.mint("octo-corp")))
	j.must("", "clone", "--quiet", "--depth", "1", f.url+"/octo-corp/api.git", "shallow")
	shallow := filepath.Join(j.home, "shallow")
	if got := j.must(shallow, "rev-list", "--count", "HEAD"); got != "1\n" {
		t.Errorf("the shallow clone has %s commits", got)
	}
	j.must(shallow, "fetch", "--quiet", "--unshallow")
	if got := j.must(shallow, "rev-list", "--count", "HEAD"); got != "2\n" {
		t.Errorf("deepened, it has %s commits", got)
	}
	j.must("", "clone", "--quiet", "--no-checkout", "--filter=blob:none", "git@127.0.0.1:octo-corp/api.git", "partial")
	partial := filepath.Join(j.home, "partial")
	if got := j.must(partial, "rev-list", "--objects", "--missing=print", "HEAD"); strings.Count(got, "?") != 2 {
		t.Errorf("not both blobs are missing from\n%s", got)
	}
	j.must(partial, "checkout", "--quiet", "main") // fetches the one it needs
	j.wantFile("partial/file", "second")
}

func TestTokenRevokedInBetween(t *testing.T) {
	f := newFixture(t)
	token := f.mint("octo-corp")
	j := f.job().use(f.config("octo-corp", token))
	j.must("", "clone", "--quiet", f.url+"/octo-corp/api.git")
	f.revoke(token)
	api := filepath.Join(j.home, "api")
	const want = "GitHub refused the token for octo-corp: it is revoked, or older than an hour\n"
	j.fails(want, api, "fetch")
	j.fails(want, api, "push", "origin", "HEAD:refs/heads/new")
	j.fails(want, api, "ls-remote", "git@127.0.0.1:octo-corp/lib.git")

	// The password of the machine is not the cause, and stays.
	j.write(".gitconfig", "[credential]\n\thelper = \"!echo \\\"$@\\\" >>"+j.home+"/asked; :\"\n")
	j.fails(want, api, "fetch")
	if _, err := os.Stat(filepath.Join(j.home, "asked")); err == nil {
		t.Error("another helper was asked, or told to erase what it has")
	}
}

// git-lfs and others ask git for the header and send it themselves.
func TestHeaderForOthers(t *testing.T) {
	f := newFixture(t)
	token := f.mint("octo-corp")
	j := f.job().use(f.config("octo-corp", token))
	address := f.url + "/octo-corp/api.git/info/refs?service=git-upload-pack"
	name, value, _ := strings.Cut(strings.TrimSpace(j.must("", "config", "--get-urlmatch", "http.extraheader", address)), ": ")
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(name, value)
	user, password, _ := r.BasicAuth()
	if user != "x-access-token" || password != token.Reveal() {
		t.Errorf("the header is for %q, or with another token", user)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %s", answer.Status)
	}
	for _, other := range []string{"/octo-corpus/api.git", "/hexa-corp/web.git", "/"} {
		if out, err := j.git("", "config", "--get-urlmatch", "http.extraheader", f.url+other); err == nil {
			t.Errorf("there is a header for %s: %d characters", other, len(out))
		}
	}
}

func helperConfig(t *testing.T, f *fixture, owner string) gitauth.Config {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := f.config(owner, redact.String{})
	c.Helper = `!"$TEST_PROGRAM_IN/` + filepath.Base(program) + `" as-helper`
	return c
}

// asHelper adds the variables that the helper of help reads.
func (j *job) asHelper(f *fixture, tokens map[string]redact.String) *job {
	j.t.Helper()
	program, err := os.Executable()
	if err != nil {
		j.t.Fatal(err)
	}
	j.env = append(j.env, "TEST_PROGRAM_IN="+filepath.Dir(program), "TEST_SERVER="+f.url,
		"GORACE=atexit_sleep_ms=0") // with -race, a program ends a second late
	for owner, token := range tokens {
		j.env = append(j.env, "TEST_TOKEN_"+strings.ReplaceAll(owner, "-", "_")+"="+token.Reveal())
	}
	return j
}

func TestHelper(t *testing.T) {
	f := newFixture(t)
	octo, hexa := helperConfig(t, f, "octo-corp"), helperConfig(t, f, "hexa-corp")
	old := f.mint("octo-corp")
	tokens := map[string]redact.String{"octo-corp": old, "hexa-corp": f.mint("hexa-corp")}
	j := f.job().use(octo).use(hexa).asHelper(f, tokens)
	out := j.must("", "clone", "git@127.0.0.1:octo-corp/api.git")
	if !strings.Contains(out, "helper: octo-corp/api\n") || strings.Contains(out, "warning: invalid credential") {
		t.Errorf("git says\n%s", out)
	}
	j.must("", "clone", "--quiet", f.url+"/hexa-corp/web")
	api := filepath.Join(j.home, "api")

	// An hour later, git asks again.
	f.revoke(old)
	j.fails("Authentication failed", api, "fetch")
	j.asHelper(f, map[string]redact.String{"octo-corp": f.mint("octo-corp")}).must(api, "fetch", "--quiet")

	// The helper is not asked for an owner that nobody configured, nor for one
	// whose name begins alike.
	only := f.job().use(octo).asHelper(f, tokens)
	for _, other := range []string{"/hexa-corp/web", "/octo-corpus/api"} {
		out, err := only.git("", "ls-remote", f.url+other)
		if err == nil || strings.Contains(out, "helper:") {
			t.Errorf("%s: %v\n%s", other, err, out)
		}
	}
}

// Neither checkout's header nor a helper of the machine comes before ours.
func TestHelperBesideOthers(t *testing.T) {
	f := newFixture(t)
	token := f.mint("octo-corp")
	_, directory := persisted(f, f.config("octo-corp", token))
	c := helperConfig(t, f, "octo-corp")
	j := f.job().asHelper(f, map[string]redact.String{"octo-corp": token})
	j.write(".gitconfig", `[credential]
	helper = "!echo stale >&2; echo username=stale; echo password=stale; :"
`)
	j.fails("Invalid username or token", directory, "fetch")
	j.use(c)
	if out := j.must(directory, "fetch", "--verbose"); strings.Contains(out, "stale") {
		t.Errorf("another helper was asked:\n%s", out)
	}
}

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
