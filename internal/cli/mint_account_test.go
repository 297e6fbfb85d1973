package cli

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
)

// whoseCases are what a step asks for, and whose installation GitHub finds for
// it. Without a line the token is handed out; else it is revoked.
var whoseCases = []struct {
	name    string
	env     map[string]string
	prepare func(*step)
	asked   string
	line    string
	opens   string // the output repositories
	said    string // what the log and the summary contain
}{
	{
		name: "an id, where the answer tells", env: map[string]string{"INPUT_INSTALLATION-ID": "4242"}, asked: "POST",
		opens: `["acme/api"]`, said: "minted a token for acme/api: ",
	},
	{
		name: "an id, where one more request tells", env: map[string]string{"INPUT_INSTALLATION-ID": "4243", "INPUT_OWNER": "MonaLisa"},
		asked: "GET /app/installations/4243, POST", opens: `["monalisa/*"]`, said: "installation 4243 on `monalisa`",
	},
	{
		name: "an id of another owner, for all", env: map[string]string{"INPUT_INSTALLATION-ID": "4243", "INPUT_OWNER": "acme"},
		asked: "GET /app/installations/4243, POST, GET /users/acme/installation, DELETE",
		line:  "input installation-id: 4243 is the installation on monalisa, and the token was to be for acme",
	},
	{
		name:    "an id of another owner, with a repository of the same name",
		env:     map[string]string{"INPUT_INSTALLATION-ID": "4243", "INPUT_REPOSITORIES": "api"},
		prepare: func(s *step) { s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "api", Private: true}) },
		asked:   "POST, GET /repos/acme/api/installation, DELETE",
		line:    "input installation-id: 4243 is the installation on monalisa, and the token was to be for acme",
	},
	{
		name:    "an id of an owner, for an enterprise",
		env:     map[string]string{"INPUT_INSTALLATION-ID": "4243", "INPUT_ENTERPRISE": "globex"},
		prepare: withEnterprise,
		asked:   "GET /app/installations/4243, POST, GET /enterprises/globex/installation, DELETE",
		line:    "input installation-id: 4243 is the installation on monalisa, and the token was to be for enterprise globex",
	},
	{
		name:    "an id of an enterprise, for an owner",
		env:     map[string]string{"INPUT_INSTALLATION-ID": "4244", "INPUT_OWNER": "acme", "INPUT_PERMISSIONS": "enterprise-teams: read"},
		prepare: withEnterprise, asked: "GET /app/installations/4244, POST, GET /users/acme/installation, DELETE",
		line: "input installation-id: 4244 is the installation on enterprise globex, and the token was to be for acme",
	},
	{
		name: "an id of an enterprise",
		env: map[string]string{
			"INPUT_INSTALLATION-ID": "4244", "INPUT_ENTERPRISE": "globex", "INPUT_PERMISSIONS": "enterprise-teams: read",
		},
		prepare: withEnterprise, asked: "GET /app/installations/4244, POST", opens: "[]", said: "installation 4244 on `enterprise globex`",
	},
	{
		name:    "an id of an enterprise, for an owner of its name",
		env:     map[string]string{"INPUT_INSTALLATION-ID": "4244", "INPUT_OWNER": "globex", "INPUT_PERMISSIONS": "enterprise-teams: read"},
		prepare: withEnterprise, asked: "GET /app/installations/4244, POST, GET /users/globex/installation, DELETE",
		line: "input installation-id: 4244 is the installation on enterprise globex, and the token was to be for globex",
	},
	{
		name: "an id of nobody's",
		env:  map[string]string{"INPUT_INSTALLATION-ID": "4243", "INPUT_OWNER": "monalisa"},
		prepare: func(s *step) {
			s.SkipOpenAPI = true
			s.Inject(fakegithub.Fault{Method: "GET", Path: "/app/installations/4243", Rewrite: func([]byte) []byte {
				return []byte(`{"id":4243,"account":null}`)
			}})
		},
		asked: "GET /app/installations/4243, POST, DELETE",
		line:  "input installation-id: is of an installation, and GitHub does not say on which account",
	},
	{
		name: "no such id", env: map[string]string{"INPUT_INSTALLATION-ID": "7", "INPUT_OWNER": "acme"},
		asked: "GET /app/installations/7, GET /app/installations", line: "read the installation: GitHub answered 404: Not Found",
	},
	{
		name:    "an owner who was renamed",
		prepare: withRenamedOwner,
		asked:   "GET /repos/acme/api/installation, GET by id/installation, POST, GET /repos/acme/api, GET by id",
		opens:   `["acme-inc/api"]`, said: "GitHub leads from acme to acme-inc: the account was renamed",
	},
	{
		name:    "all of an owner who was renamed",
		env:     map[string]string{"INPUT_OWNER": "acme"},
		prepare: withRenamedOwner, asked: "GET /users/acme/installation, POST",
		opens: `["acme-inc/*"]`, said: "minted a token for acme-inc/*: ",
	},
	{
		name: "an owner who was renamed, by id", env: map[string]string{"INPUT_INSTALLATION-ID": "4242"}, prepare: withRenamedOwner,
		asked: "POST, GET /repos/acme/api/installation, GET by id/installation, GET /repos/acme/api, GET by id", opens: `["acme-inc/api"]`,
	},
	{
		name:    "a repository that was transferred",
		env:     map[string]string{"INPUT_REPOSITORIES": "web"},
		prepare: func(s *step) { s.TransferRepository("acme", "web", "monalisa") },
		asked:   "GET /repos/acme/web/installation, GET by id/installation, POST, GET /repos/acme/web, GET by id",
		opens:   `["monalisa/web"]`, said: "or its repositories were transferred",
	},
	{
		name: "transferred, and another of its name there", env: map[string]string{"INPUT_REPOSITORIES": "web"}, prepare: func(s *step) {
			s.TransferRepository("acme", "web", "monalisa")
			s.RenameRepository("monalisa", "web", "site")
			s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "web", Private: true})
		},
		// That the token opens no acme/web is asked until it is old enough to be known.
		asked: "GET /repos/acme/web/installation, GET by id/installation, POST, " +
			strings.Repeat("GET /repos/acme/web, ", 4) + "DELETE",
		line: "acme/web is not among those that the token opens, and GitHub granted monalisa/web",
	},
	{
		name: "transferred, and its name for another",
		env:  map[string]string{"INPUT_REPOSITORIES": "web, site"},
		prepare: func(s *step) {
			s.TransferRepository("acme", "web", "monalisa")
			s.RenameRepository("monalisa", "web", "site")
			s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "web", Private: true})
		},
		asked: "GET /repos/acme/web/installation, GET by id/installation, POST, GET /repos/acme/web, GET by id, DELETE",
		line:  "acme/web is monalisa/site, and GitHub granted monalisa/web",
	},
	{
		name: "one transferred, and another of the other's name there",
		env:  map[string]string{"INPUT_REPOSITORIES": "web, api"},
		prepare: func(s *step) {
			s.TransferRepository("acme", "web", "monalisa")
			s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "api", Private: true})
		},
		asked: "GET /repos/acme/web/installation, GET by id/installation, POST, GET /repos/acme/web, GET by id, GET /repos/acme/api, " +
			"DELETE",
		line: "acme/api is not among those that the token opens, and GitHub granted monalisa/api",
	},
	{
		name: "renamed, and too many to ask about",
		env:  map[string]string{"INPUT_REPOSITORIES": numbered(maxMoved + 1)},
		prepare: func(s *step) {
			for _, name := range strings.Fields(numbered(maxMoved + 1)) {
				s.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true})
			}
			s.Install(fakegithub.Installation{ID: 4242, AppID: 917, Account: "acme", All: true})
			withRenamedOwner(s)
		},
		asked: "GET /repos/acme/" + strings.Fields(numbered(1))[0] + "/installation, GET by id/installation, POST, DELETE",
		line:  "GitHub leads from acme to acme-inc, and 21 repositories are too many to check whether each is the one meant",
	},
}

func withEnterprise(s *step) {
	s.AddAccount(fakegithub.Account{Login: "globex", Type: "Enterprise"})
	s.Install(fakegithub.Installation{ID: 4244, AppID: 917, Account: "globex", Permissions: map[string]string{"enterprise_teams": "read"}})
}

func withRenamedOwner(s *step) { s.RenameAccount("acme", "acme-inc") }

func TestWhoseInstallation(t *testing.T) {
	testKey()
	for _, c := range whoseCases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStep(t, c.env)
				if c.prepare != nil {
					c.prepare(s)
				}
				s.run(t, "mint")
				if line, hint := s.annotation("error"); line != c.line || (line == "") != (hint == "") {
					t.Errorf("got error %q with hint %q, want %q", line, hint, c.line)
				}
				if got := shortly(s); got != c.asked {
					t.Errorf("asked\n%s, want\n%s", got, c.asked)
				}
				if text := s.log.String() + s.file(t, "GITHUB_STEP_SUMMARY"); !strings.Contains(text, c.said) {
					t.Errorf("%q is not said in\n%s", c.said, text)
				}
				outputs, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
				if err != nil || outputs["repositories"] != c.opens {
					t.Errorf("opens %q (%v), want %q", outputs["repositories"], err, c.opens)
				}
				for _, token := range s.Tokens() {
					if s.Alive(token.Value) != (c.line == "") {
						t.Errorf("alive is %v", s.Alive(token.Value))
					}
				}
			})
		})
	}
}

// git is configured for the account's name as GitHub spells it and as the
// workflow does, and for the address with the account's number.
func TestGitKnowsBothNames(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		asks string
	}{
		"looked up": {map[string]string{"INPUT_REPOSITORIES": "Api"}, "GET /repos/acme/Api/installation"},
		"by id":     {map[string]string{"INPUT_REPOSITORIES": "Api", "INPUT_INSTALLATION-ID": "4242"}, "GET /app, POST"},
	} {
		s := newStep(t, c.env)
		s.env["INPUT_GIT"] = "true"
		withRenamedOwner(s)
		s.run(t, "mint")
		env, err := fakerunner.ReadPairs(s.env["GITHUB_ENV"])
		if err != nil || !strings.HasPrefix(shortly(s), c.asks) {
			t.Fatal(err, shortly(s), s.log.String())
		}
		var entries strings.Builder
		for n := range len(env) / 2 {
			entries.WriteString(env["GIT_CONFIG_KEY_"+strconv.Itoa(n)] + "=" + env["GIT_CONFIG_VALUE_"+strconv.Itoa(n)] + "\n")
		}
		for _, want := range []string{
			"http.https://github.test/acme-inc/api.git.extraHeader=Auth", "http.https://github.test/acme-inc/Api.git.extraHeader=Auth",
			"http.https://github.test/acme/api.git.extraHeader=Auth", "http.https://github.test/acme/Api.git.extraHeader=Auth",
			"url.https://github.test/acme-inc/api.git.insteadOf=git@github.test:acme/Api.git\n",
		} {
			if !strings.Contains(entries.String(), want) {
				t.Errorf("%s: there is no %s", name, want)
			}
		}
		if !regexp.MustCompile(`insteadOf=org-\d+@github.test:acme-inc/api.git\n`).MatchString(entries.String()) {
			t.Errorf("%s: there is no address with the account's number", name)
		}
	}
}

// The credential helper returns a token only for the repository that git asked
// about.
func TestHelperAndWhoseInstallation(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*step)
		exit    int
		said    string
	}{
		{"renamed", func(s *step) { s.RenameAccount("acme", "acme-inc") }, exitOK, "GitHub leads from acme to acme-inc"},
		{"transferred, and another of its name there", func(s *step) {
			s.TransferRepository("acme", "web", "monalisa")
			s.RenameRepository("monalisa", "web", "site")
			s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "web", Private: true})
		}, exitFailure, "acme/web is not among those that the token opens, and GitHub granted monalisa/web"},
	} {
		s := newStep(t, map[string]string{"GITHUB_ACTIONS": ""})
		c.prepare(s)
		var out, said strings.Builder
		p := s.process(t)
		p.Stdin, p.Stdout, p.Stderr = strings.NewReader("url=https://github.test/acme/web.git\n\n"), &out, &said
		exit := run(context.Background(), p, "git-credential", "get")
		tokens := s.Tokens()
		token := tokens[len(tokens)-1]
		if exit != c.exit || strings.Contains(out.String(), token.Value) != (c.exit == exitOK) ||
			s.Alive(token.Value) != (c.exit == exitOK) {
			t.Errorf("%s: exit %d; alive is %v", c.name, exit, s.Alive(token.Value))
		}
		if !strings.Contains(said.String(), c.said) {
			t.Errorf("%s: said %s", c.name, said.String())
		}
	}
}

// shortly lists the requests, without the parts that are the same in every
// case.
func shortly(s *step) string {
	var list []string
	for _, r := range s.Requests() {
		switch {
		case strings.HasPrefix(r.Path, "/repositories/"):
			_, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/repositories/"), "/")
			list = append(list, strings.TrimSuffix("GET by id/"+rest, "/"))
		case r.Method != "GET":
			list = append(list, r.Method)
		default:
			list = append(list, r.Method+" "+r.Path)
		}
	}
	return strings.Join(list, ", ")
}
