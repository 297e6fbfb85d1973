package gitauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

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
