package gitauth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

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
