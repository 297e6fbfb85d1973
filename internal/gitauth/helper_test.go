package gitauth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

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
