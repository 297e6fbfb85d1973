package gitauth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// addresses are those that GitHub shows for a repository, except for HTTPS.
func addresses(host, path string) []string {
	return []string{
		"git@" + host + ":" + path, "git@" + host + ":/" + path, "ssh://git@" + host + "/" + path,
		"ssh://git@" + host + ":22/" + path, "git+ssh://git@" + host + "/" + path,
	}
}

// Git treats a repository that the token does not open as it would without us,
// even if its name begins with that of one that the token opens.
func TestOthersOfTheOwnerAreLeftAlone(t *testing.T) {
	f := newFixture(t)
	token := f.mint("octo-corp", "api")
	header, helper := f.only("octo-corp", token, "api"), helperConfig(t, f, "octo-corp")
	helper.AllRepositories, helper.Repositories = false, []string{"api"}
	for name, c := range map[string]gitauth.Config{"header": header, "helper": helper} {
		c.Organization = 55
		j := f.job().use(c).asHelper(f, map[string]redact.String{"octo-corp": token})
		for _, path := range []string{"octo-corp/api", "octo-corp/api.git", "octo-corp/api.wiki.git"} {
			j.must("", "ls-remote", f.url+"/"+path)
		}
		// git-lfs looks the header up for its own address.
		out, _ := j.git("", "config", "--get-urlmatch", "http.extraheader", f.url+"/octo-corp/api.git/info/lfs/objects/batch")
		if strings.HasPrefix(out, "Authorization: Basic ") != (name == "header") {
			t.Errorf("%s: for LFS there is %d characters of header", name, len(out))
		}
		for _, path := range []string{"octo-corp/api.git", "octo-corp/api.wiki.git"} {
			for _, address := range append(addresses("127.0.0.1", path), "org-55@127.0.0.1:"+path, "ssh://org-55@127.0.0.1/"+path) {
				if got := j.must("", "ls-remote", "--get-url", address); got != f.url+"/"+path+"\n" {
					t.Errorf("%s: %s became %s", name, address, got)
				}
			}
			j.must("", "ls-remote", "git@127.0.0.1:"+path)
		}
		for _, other := range []string{"api-internal", "api-internal.git", "lib", "lib.git", "API.git"} {
			j.fails("could not read Username", "", "ls-remote", f.url+"/octo-corp/"+other)
		}
		for _, other := range []string{"api-internal", "api-internal.git", "api", "lib.git", "ap.git", "api.wiki"} {
			for _, address := range addresses("127.0.0.1", "octo-corp/"+other) {
				if got := j.must("", "ls-remote", "--get-url", address); got != address+"\n" {
					t.Errorf("%s: %s became %s", name, address, got)
				}
			}
		}
		// The comment at insteadOf says that this cannot be covered.
		got := j.must("", "ls-remote", "--get-url", "git@127.0.0.1:octo-corp/api.github.io.git")
		if got != f.url+"/octo-corp/api.github.io.git\n" {
			t.Errorf("%s: got %s", name, got)
		}
		j.fails("could not read Username", "", "ls-remote", f.url+"/octo-corp/api.github.io.git")
	}
}

// The workflow's own repository, checked out before or after, with the header
// that actions/checkout leaves for the whole server; and URLs with their own
// password.
func TestOtherCredentialsOfTheOwnerStay(t *testing.T) {
	f := newFixture(t)
	own := f.mint("octo-corp", "lib")
	helper := helperConfig(t, f, "octo-corp")
	helper.AllRepositories, helper.Repositories = false, []string{"api"}
	for name, c := range map[string]gitauth.Config{"header": f.only("octo-corp", f.mint("octo-corp", "api"), "api"), "helper": helper} {
		j := f.job().use(c)
		j.must("", "init", "--quiet", "-b", "main", "own")
		directory := filepath.Join(j.home, "own")
		j.must(directory, "remote", "add", "origin", f.url+"/octo-corp/lib")
		j.must(directory, "config", "http."+f.url+"/.extraheader",
			"AUTHORIZATION: basic "+base64.StdEncoding.EncodeToString([]byte("x-access-token:"+own.Reveal())))
		j.must(directory, "fetch", "--quiet", "origin")
		j.must(directory, "push", "--quiet", "origin", "origin/main:refs/heads/"+name)

		with := strings.Replace(f.url, "://", "://x-access-token:"+own.Reveal()+"@", 1)
		j.must("", "clone", "--quiet", with+"/octo-corp/lib.git", "with-password")
	}
}

// Each step for one owner adds to the ones before; of two steps for one
// repository the later counts.
func TestSteps(t *testing.T) {
	f := newFixture(t)
	gone := f.mint("octo-corp")
	f.revoke(gone)
	api, lib, all := f.mint("octo-corp", "api"), f.mint("octo-corp", "lib"), f.mint("octo-corp")
	few := func(token redact.String, names ...string) gitauth.Config { return f.only("octo-corp", token, names...) }
	wide := func(token redact.String) gitauth.Config { return f.config("octo-corp", token) }
	many := func(token redact.String, names ...string) gitauth.Config {
		c := few(token, names...)
		c.OwnerWide = true
		return c
	}
	const refused = "GitHub refused the token for octo-corp"
	for _, test := range []struct {
		name  string
		steps []gitauth.Config
		fails map[string]string // repository → what git says; the others of api, lib and api-internal open
	}{
		{
			"two repositories",
			[]gitauth.Config{few(api, "api"), few(lib, "lib")},
			map[string]string{"api-internal": "could not read Username"},
		},
		{"the same again", []gitauth.Config{few(gone, "api", "lib"), few(api, "api")}, map[string]string{
			"lib": refused + "/lib", "api-internal": "could not read Username",
		}},
		{
			"all, then one",
			[]gitauth.Config{wide(gone), few(api, "api")},
			map[string]string{"lib": refused + ":", "api-internal": refused + ":"},
		},
		{"one, then all", []gitauth.Config{few(gone, "api"), wide(all)}, nil},
		{"all, then all", []gitauth.Config{wide(gone), wide(all)}, nil},
		{
			"one, then too many without it",
			[]gitauth.Config{few(api, "api"), many(lib, "lib")},
			map[string]string{"api-internal": "not found"},
		},
		{"one, then too many with it", []gitauth.Config{few(gone, "api"), many(all, "API", "lib")}, nil},
		{"another owner's, then all", []gitauth.Config{f.only("hexa-corp", gone, "web"), wide(all)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := f.job()
			j.t = t
			for _, c := range test.steps {
				j.use(c)
			}
			for _, repository := range []string{"api", "lib", "api-internal"} {
				if want := test.fails[repository]; want != "" {
					j.fails(want, "", "ls-remote", f.url+"/octo-corp/"+repository)
				} else {
					j.must("", "ls-remote", f.url+"/octo-corp/"+repository+".git")
				}
			}
		})
	}
	// Another owner's configuration stays as it was.
	f.job().use(f.only("hexa-corp", f.mint("hexa-corp"), "web")).use(wide(all)).must("", "ls-remote", f.url+"/hexa-corp/web")
	// A helper and a header in turn.
	tokens := map[string]redact.String{"octo-corp": all}
	helper := helperConfig(t, f, "octo-corp")
	f.job().use(few(gone, "api")).use(helper).asHelper(f, tokens).must("", "ls-remote", f.url+"/octo-corp/api")
	tokens = map[string]redact.String{"octo-corp": gone}
	f.job().use(helper).use(few(api, "api")).asHelper(f, tokens).must("", "ls-remote", f.url+"/octo-corp/api")
}

// GitHub's spelling, that of the workflow, a name that the owner had before,
// and lower case: all of them are one repository.
func TestSpellings(t *testing.T) {
	f := newFixture(t)
	c := f.only("Octo-Corp", f.mint("octo-corp", "api"), "API", "Api")
	c.Aliases = []string{"OCTO-corp"}
	j := f.job().use(c)
	for _, owner := range []string{"Octo-Corp", "OCTO-corp", "octo-corp"} {
		for _, name := range []string{"API", "Api", "api"} {
			path := owner + "/" + name
			j.must("", "ls-remote", f.url+"/"+path)
			if got := j.must("", "ls-remote", "--get-url", "git@127.0.0.1:"+path+".git"); got != f.url+"/Octo-Corp/API.git\n" {
				t.Errorf("%s became %s", path, got)
			}
		}
	}
}

// As many repositories as are configured one by one leave room for programs to
// start.
func TestTooManyRepositories(t *testing.T) {
	f := newFixture(t)
	token := redact.New("ghs_917_" + strings.Repeat("x", 520)) // as long as tokens are since 2026
	fits := func(n int) (gitauth.Config, bool) {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("repository-with-a-long-name-%03d", i))
		}
		c := f.only("octo-corp", token, names...)
		_, err := c.Env()
		if err != nil && !errors.Is(err, gitauth.ErrTooMany) {
			t.Fatal(err)
		}
		return c, err == nil
	}
	most := 1
	for {
		if _, ok := fits(most + 1); !ok {
			break
		}
		most++
	}
	if most < 50 || most > 200 {
		t.Errorf("%d repositories fit", most)
	}
	c, _ := fits(most)
	j := f.job().use(c)
	got := j.must("", "ls-remote", "--get-url", "git@127.0.0.1:octo-corp/repository-with-a-long-name-000.git")
	if !strings.HasPrefix(got, f.url) {
		t.Errorf("the first became %s", got)
	}
	// The size that earlier steps took counts.
	c = f.only("octo-corp", token, "api")
	c.Before.Size = 512 << 10
	if _, err := c.Env(); !errors.Is(err, gitauth.ErrTooMany) {
		t.Errorf("got %v", err)
	}
	c, _ = fits(500)
	c.OwnerWide = true
	if _, err := c.Env(); err != nil {
		t.Error(err)
	}
}
