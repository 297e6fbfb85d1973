package gitauth

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

const someToken = "ghs_" + "0123456789abcdefghijABCDEFGHIJ012345"

func good() Config {
	return Config{Server: "https://github.com", Owner: "octo-corp", AllRepositories: true, Token: redact.New(someToken)}
}

// text is an environment as a golden text has it, with what the token became in
// braces.
func text(env []Pair) string {
	var b strings.Builder
	for _, p := range env {
		fmt.Fprintf(&b, "%s=%s\n", p.Name, p.Value)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + someToken))
	return strings.ReplaceAll(b.String(), encoded, "{base64}")
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestEnv(t *testing.T) {
	for _, test := range []struct {
		name, golden string
		config       func(*Config)
	}{
		{"token", "token.txt", func(*Config) {}},
		{"helper, bot, and entries before", "helper.txt", func(c *Config) {
			c.Token, c.Helper = redact.String{}, `!"$RUNNER_TEMP/valetkey" git-credential`
			c.Bot, c.Before.Count = &Bot{Slug: "vault-keeper", ID: 917, Host: "github.com"}, "7"
		}},
		{"a repository, on ghe.com", "repository.txt", func(c *Config) {
			c.Server, c.AllRepositories, c.Repositories, c.Organization = "https://octo.ghe.com", false, []string{"api"}, 55
		}},
		{"an owner with capitals, a server with a port", "capitals.txt", func(c *Config) {
			c.Server, c.Owner = "https://GHES.example.com:8443/", "Octo"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good()
			test.config(&c)
			env, err := c.Env()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata/env", test.golden)
			if *update {
				err = os.WriteFile(path, []byte(text(env)), 0o600)
			}
			want, readErr := os.ReadFile(path)
			if err = errors.Join(err, readErr); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text(env)); diff != "" {
				t.Errorf("%s (go test -update writes it anew):\n%s", path, diff)
			}
		})
	}
}

// wantError checks for an error with a hint that repeats nothing of a token.
func wantError(t *testing.T, got error, want *fault.Error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
	if want.Hint == "" {
		t.Error("no hint")
	}
}

func TestEnvRefuses(t *testing.T) {
	bot := func(slug string, id int64, host string) func(*Config) {
		return func(c *Config) { c.Bot = &Bot{slug, id, host} }
	}
	named := func(repositories ...string) func(*Config) {
		return func(c *Config) { c.AllRepositories, c.Repositories = false, repositories }
	}
	for _, test := range []struct {
		name   string
		config func(*Config)
		want   *fault.Error
	}{
		{"no server", func(c *Config) { c.Server = "" }, errServer},
		{"no owner", func(c *Config) { c.Owner = "" }, errOwner},
		{"owner with repository", func(c *Config) { c.Owner = "octo/api" }, errOwner},
		{"owner with a line break", func(c *Config) { c.Owner = "octo\n" }, errOwner},
		{"owner as a pattern", func(c *Config) { c.Owner = "*" }, errOwner},
		{"owner that leads up", func(c *Config) { c.Owner = ".." }, errOwner},
		{"an alias that is a pattern", func(c *Config) { c.Aliases = []string{"octo", "*"} }, errOwner},
		{"no repositories, nor all", func(c *Config) { c.AllRepositories = false }, errWhich},
		{"repositories, and all", func(c *Config) { c.Repositories = []string{"api"} }, errWhich},
		{"all, and too many", func(c *Config) { c.OwnerWide = true }, errWhich},
		{"a repository with its owner", named("api", "octo/api"), errRepository},
		{"a repository that leads up", named(".."), errRepository},
		{"a repository with a line break", named("api\n"), errRepository},
		{"a repository that ends a shell's quotes", named("a'b"), errRepository},
		{"neither", func(c *Config) { c.Token = redact.String{} }, errNeither},
		{"both", func(c *Config) { c.Helper = "store" }, errBoth},
		{"token with a line break", func(c *Config) { c.Token = redact.New("ghs_1\n") }, errToken},
		{"token with a space", func(c *Config) { c.Token = redact.New("ghs_1 2") }, errToken},
		{"token beyond ASCII", func(c *Config) { c.Token = redact.New("ghs_\u00e9") }, errToken},
		{"helper of two lines", func(c *Config) { c.Token, c.Helper = redact.String{}, "a\nb" }, errHelper},
		{"helper with NUL", func(c *Config) { c.Token, c.Helper = redact.String{}, "a\x00" }, errHelper},
		{"helper that is no text", func(c *Config) { c.Token, c.Helper = redact.String{}, "a\xff" }, errHelper},
		{"bot without slug", bot("", 1, "github.com"), errBot},
		{"bot with name", bot("keeper[bot]", 1, "github.com"), errBot},
		{"bot with a line break", bot("keeper\n", 1, "github.com"), errBot},
		{"bot without number", bot("keeper", 0, "github.com"), errBot},
		{"bot with a URL for a host", bot("keeper", 1, "https://github.com"), errBot},
		{"count of words", func(c *Config) { c.Before.Count = "many" }, errCount},
		{"count with a space", func(c *Config) { c.Before.Count = " 1" }, errCount},
		{"negative count", func(c *Config) { c.Before.Count = "-1" }, errCount},
		{"count that overflows", func(c *Config) { c.Before.Count = "99999999999999999999" }, errCount},
		{"count with a line break", func(c *Config) { c.Before.Count = "1\n" }, errCount},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good()
			test.config(&c)
			env, err := c.Env()
			wantError(t, err, test.want)
			if env != nil {
				t.Errorf("got %v beside the error", env)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	c := good()
	for n := range 3 { // each remainder has another padding
		c.Token = redact.New(someToken + strings.Repeat("x", n))
		env, err := c.Env()
		if err != nil {
			t.Fatal(err)
		}
		masked := env[3].Value
		for _, s := range c.Secrets() {
			masked = strings.ReplaceAll(masked, s.Reveal(), "***")
		}
		if masked != "Authorization: Basic ***" {
			t.Errorf("masked, the header is %q", masked)
		}
		for _, p := range env {
			if strings.Contains(p.Value, someToken) {
				t.Errorf("the token is readable in %s", p.Name)
			}
		}
		short := c.Secrets()[len(c.Secrets())-1].Reveal()
		if strings.Contains(short, "=") {
			t.Errorf("no form is without padding: %q", short)
		}
	}
	c.Token, c.Helper = redact.String{}, "store"
	if got := c.Secrets(); got != nil {
		t.Errorf("a helper has %d secrets", len(got))
	}
}

// FuzzEnv checks that an accepted configuration has one line per value,
// numbered on from the existing ones, and that git can read its keys only as
// they were meant.
func FuzzEnv(f *testing.F) {
	f.Add("https://github.com", "octo-corp", "", someToken, "", "", int64(0), "")
	f.Add("https://ghes.example.com:8443/", "Octo", "Api", "", `!"$RUNNER_TEMP/v" x`, "keeper", int64(7), "12")
	f.Add("http://127.0.0.1:1", "a\nb", "..", "t", "h", "k[bot]", int64(-1), "007")
	f.Fuzz(func(t *testing.T, serverURL, owner, repository, token, helper, slug string, id int64, count string) {
		c := Config{Server: serverURL, Owner: owner, AllRepositories: repository == "", Token: redact.New(token), Helper: helper}
		c.Before.Count = count
		if repository != "" {
			c.Repositories = []string{repository}
		}
		if slug != "" {
			c.Bot = &Bot{slug, id, "github.com"}
		}
		env, err := c.Env()
		if err != nil {
			var known *fault.Error
			if !errors.As(err, &known) || known.Hint == "" || env != nil {
				t.Fatalf("%v, without a hint or with pairs", err)
			}
			return
		}
		first, _ := parseCount(count)
		pairs := env[:len(env)-1]
		if got, want := env[len(env)-1], (Pair{"GIT_CONFIG_COUNT", fmt.Sprint(first + len(pairs)/2)}); got != want {
			t.Errorf("the last pair is %v, want %v", got, want)
		}
		for i := 0; i < len(pairs); i += 2 {
			n := fmt.Sprint(first + i/2)
			if pairs[i].Name != "GIT_CONFIG_KEY_"+n || pairs[i+1].Name != "GIT_CONFIG_VALUE_"+n {
				t.Fatalf("at %d: %s and %s", i, pairs[i].Name, pairs[i+1].Name)
			}
			key, value := pairs[i].Value, pairs[i+1].Value
			if strings.ContainsAny(key+value, "\r\n\x00") || strings.ContainsAny(key, " \"\\*") {
				t.Errorf("%q = %q", key, value)
			}
			section, _, _ := strings.Cut(key, ".")
			opened := func(owner, repository string) bool {
				path := "/" + owner + "/" + repository + "."
				return strings.Contains(key, path) ||
					repository != "" && (strings.Contains(key, path+"git.") || strings.Contains(key, path+"wiki.git."))
			}
			low, lower := strings.ToLower(owner), strings.ToLower(repository)
			address := strings.HasPrefix(key, section+".http") &&
				(opened(owner, repository) || opened(owner, lower) || opened(low, repository) || opened(low, lower))
			if section != "user" && !address {
				t.Errorf("key %q is for more than %q, %q", key, owner, repository)
			}
			if section == "url" && repository != "" && !strings.HasSuffix(value, ".git") {
				t.Errorf("%q is the beginning of other repositories' addresses", value)
			}
			if helper == "" && len(token) > 8 && section == "http" && strings.Contains(value, token) {
				t.Errorf("the token is readable in %s", key)
			}
		}
	})
}
