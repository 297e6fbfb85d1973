package cli

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// day is one step on one day: the inputs, the GitHub it meets and what came out.
type day struct {
	*fakegithub.Server
	env  map[string]string
	lies bool // answers are not GitHub's and not held against its description
	log  strings.Builder
	exit int

	onVariable func(name string) // told of each variable that is read
	onWrite    func()            // told of each PUT that arrives
}

// next is a step of another job: new files, and inputs beside the old ones.
func (d *day) next(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"} {
		if err := os.WriteFile(d.env[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.log.Reset()
	for name, value := range env {
		d.env[name] = value
	}
}

const testClientID = "Iv23liTESTtest000000"

func newDay(t *testing.T, env map[string]string) *day {
	t.Helper()
	block, _ := pem.Decode([]byte(testKey()))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	d := &day{Server: fakegithub.New(fakegithub.Config{}, fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys), env: map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/api", "GITHUB_REPOSITORY_OWNER": "acme",
		"GITHUB_API_URL": "https://api.github.test", "GITHUB_SERVER_URL": "https://github.test",
		"INPUT_CLIENT-ID": testClientID, "INPUT_PRIVATE-KEY": testKey(), "INPUT_PERMISSIONS": "contents: read",
	}}
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"} {
		d.env[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(d.env[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range env {
		d.env[name] = value
	}
	d.AddAccount(fakegithub.Account{Login: "acme", Type: "Organization"})
	d.AddAccount(fakegithub.Account{Login: "monalisa", Type: "User"})
	d.AddApp(fakegithub.App{ID: 917, ClientID: testClientID, Slug: "keeper", Owner: "acme", PublicKey: &key.PublicKey, Permissions: map[string]string{
		"metadata": "read", "contents": "write", "issues": "write",
	}})
	for _, name := range []string{"api", "web", "secret-plans", "more-plans"} {
		d.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true})
	}
	d.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "dotfiles", Private: true})
	d.Install(fakegithub.Installation{ID: 4242, AppID: 917, Account: "acme", Repositories: []string{"api", "web"}})
	d.Install(fakegithub.Installation{ID: 4243, AppID: 917, Account: "monalisa", All: true})
	return d
}

// run runs a stage without a process, signals or a socket.
func (d *day) run(t *testing.T, stage string) {
	t.Helper()
	d.exit = run(context.Background(), d.process(t), stage)
}

// environ lists an environment as os.Environ does.
func environ(env map[string]string) []string {
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

func (d *day) process(t *testing.T) Process {
	t.Helper()
	checked := openapitest.Check(t, d.Server)
	return Process{
		Getenv: func(name string) string {
			if d.onVariable != nil {
				d.onVariable(name)
			}
			return d.env[name]
		},
		Environ: func() []string { return environ(d.env) },
		Stdout:  &d.log,
		Transport: transporttest.InMemory{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && d.onWrite != nil {
				d.onWrite()
			}
			if d.lies {
				d.ServeHTTP(w, r)
				return
			}
			checked.ServeHTTP(w, r)
		})},
	}
}

// said gives the annotations of a level: the first line, without the request id
// and the time, and the hint.
func (d *day) said(level string) (line, hint string) {
	for text := range strings.Lines(d.log.String()) {
		if message, ok := strings.CutPrefix(text, "::"+level+"::"); ok {
			message = fakerunner.Unescape(strings.TrimSuffix(message, "\n"))
			line, hint, _ = strings.Cut(message, "\nhint: ")
			break
		}
	}
	line = regexp.MustCompile(` \(request [0-9A-F:]+\)`).ReplaceAllString(line, "")
	return regexp.MustCompile(`times in [0-9.ms]+([,)])`).ReplaceAllString(line, "times in …$1"), hint
}

func (d *day) file(t *testing.T, variable string) string {
	t.Helper()
	data, err := os.ReadFile(d.env[variable])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkHidden looks for every secret of the day in all that others can read.
func (d *day) checkHidden(t *testing.T) {
	t.Helper()
	secrets := actions.Lines(redact.New(d.env["INPUT_PRIVATE-KEY"]))
	for _, token := range d.Tokens() {
		secrets = append(secrets, actions.Forms(redact.New(token.Value))...)
	}
	var log strings.Builder
	for line := range strings.Lines(d.log.String()) {
		if !strings.HasPrefix(line, "::add-mask::") {
			log.WriteString(line)
		}
	}
	for place, text := range map[string]string{"log": log.String(), "summary": d.file(t, "GITHUB_STEP_SUMMARY"), "environment": d.file(t, "GITHUB_ENV")} {
		for _, s := range secrets {
			if strings.Contains(text, s.Reveal()) {
				t.Errorf("a secret is readable in the %s:\n%s", place, text)
			}
		}
		if regexp.MustCompile(`eyJ[\w-]+\.`).MatchString(text) {
			t.Errorf("a JWT is readable in the %s", place)
		}
	}
}

func (d *day) asked() string {
	var list []string
	for _, r := range d.Requests() {
		list = append(list, r.Method+" "+r.Path)
	}
	return strings.Join(list, ", ")
}

// worstDay is everything that can go wrong, or nearly. An empty line means that
// the step gets through.
var worstDay = []struct {
	name     string
	env      map[string]string
	prepare  func(*day)
	line     string // the error's first line
	hint     string // what its hint contains
	warning  string // what a warning or the log contains
	requests int
}{
	{name: "a good day", requests: 2},
	{name: "verified", env: map[string]string{"INPUT_VERIFY": "true"}, requests: 3},
	{name: "verified, with replication lag", env: map[string]string{"INPUT_VERIFY": "true"}, prepare: func(d *day) { d.SetReplicationLag(4) }, requests: 7},
	{name: "the long form of a token", prepare: func(d *day) { d.SetTokenForm(fakegithub.Stateless) }, requests: 2},
	{name: "a day ahead", prepare: func(d *day) { d.SetClockSkew(-24 * time.Hour) }, warning: "::warning::the clock of this machine is 24h0m0s ahead of GitHub's", requests: 3},
	{name: "a day behind", prepare: func(d *day) { d.SetClockSkew(24 * time.Hour) }, warning: "::warning::the clock of this machine is 24h0m0s behind GitHub's", requests: 3},
	{name: "outages on lookup and mint", prepare: func(d *day) {
		d.Inject(at("GET", 2, fakegithub.ServerError(502, true)))
		d.Inject(at("POST", 2, fakegithub.ServerError(503, false)))
	}, warning: "GitHub answered 502, trying again in ", requests: 6},
	{name: "a lost answer to the mint", prepare: func(d *day) { d.Inject(at("POST", 1, fakegithub.Fault{Drop: true, After: true})) }, warning: "connection reset by peer, trying again in ", requests: 3},
	{name: "a cut answer to the mint", prepare: func(d *day) { d.Inject(at("POST", 1, fakegithub.Fault{Truncate: true})) }, warning: "the answer was cut short, trying again in ", requests: 3},
	{name: "a slow mint", prepare: func(d *day) { d.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Hour})) }, warning: "api.github.test:443: no answer in time, trying again in ", requests: 3},
	{name: "a secondary limit", prepare: func(d *day) { d.Inject(at("POST", 1, fakegithub.SecondaryLimit(12*time.Second))) }, warning: "rate limited by GitHub (secondary limit), waiting 12s", requests: 3},
	{name: "a primary limit", prepare: func(d *day) { d.Inject(at("GET", 1, fakegithub.PrimaryLimit(time.Now().Add(30*time.Second)))) }, warning: "rate limited by GitHub (primary limit), waiting 31s", requests: 3},
	{
		name: "a repository renamed", env: map[string]string{"INPUT_REPOSITORIES": "web"}, prepare: func(d *day) { d.RenameRepository("acme", "web", "site") },
		line: "mint a token for installation 4242: GitHub answered 422: There is at least one repository that does not exist or is not accessible to the parent installation.",
		hint: "acme/web was renamed: use its new name, acme/site", requests: 5, // two more than the lookup and the mint: the name, by a token for it
	},
	{
		name: "the second of two renamed", env: map[string]string{"INPUT_REPOSITORIES": "api, web"}, prepare: func(d *day) { d.RenameRepository("acme", "web", "site") },
		line: "mint a token for installation 4242: GitHub answered 422: There is at least one repository that does not exist or is not accessible to the parent installation.",
		hint: "acme/web was renamed: use its new name, acme/site", requests: 6,
	},

	{
		name: "GitHub is down", prepare: func(d *day) { d.Inject(fakegithub.ServerError(503, true)) },
		line: "find the installation for acme/api: GitHub answered 503: Service Unavailable (tried 6 times in …)", hint: "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again", requests: 6,
	},
	{
		name: "limited for an hour", prepare: func(d *day) { d.Inject(fakegithub.PrimaryLimit(time.Now().Add(time.Hour))) },
		line: "find the installation for acme/api: GitHub answered 403: API rate limit exceeded for installation.", hint: "GitHub's primary rate limit asks to wait 1h0m1s, longer than this step may take", requests: 1,
	},
	{
		name: "never an answer", prepare: func(d *day) { d.Inject(fakegithub.Fault{Delay: time.Hour}) },
		line: "find the installation for acme/api: the minute that this step waits for GitHub is over: api.github.test:443: no answer in time (tried 5 times in …)", hint: "check that the runner reaches api.github.test:443: github-api-url, firewall, HTTPS_PROXY", requests: 5,
	},
	{
		name: "never an answer to the mint", prepare: func(d *day) { d.Inject(at("POST", 0, fakegithub.Fault{Delay: time.Hour})) },
		line: "mint a token for installation 4242: the minute that this step waits for GitHub is over: api.github.test:443: no answer in time (tried 5 times in …)", hint: "check that the runner reaches api.github.test:443", requests: 6,
	},
	{
		name: "an answer to the mint in the last moment, and a wider one", prepare: func(d *day) {
			d.lies = true
			d.lastMoment()
			d.Inject(at("POST", 1, fakegithub.Fault{Delay: 5200 * time.Millisecond, Rewrite: func(b []byte) []byte {
				return []byte(strings.Replace(string(b), `"contents":"read"`, `"contents":"write"`, 1))
			}}))
			d.Inject(at("DELETE", 0, fakegithub.Fault{Delay: time.Second, After: true}))
		}, line: "GitHub granted another scope than was asked for: it goes beyond with contents: write (asked read)", hint: "the token was not handed out", warning: "the token that was minted is revoked", requests: 7,
	},
	{
		name: "an answer to the mint when the time is up", prepare: func(d *day) {
			d.lastMoment()
			d.Inject(at("POST", 1, fakegithub.Fault{Delay: 5200 * time.Millisecond}))
		}, line: "the minute that this step waits for GitHub is over, and the token that it brought is not handed out", hint: "run the job again", warning: "the token that was minted is revoked", requests: 7,
	},
	{
		name: "outages that take long", prepare: func(d *day) {
			outage := fakegithub.ServerError(502, true)
			outage.Delay = 9470 * time.Millisecond // five of them, and no wait after the fifth, whatever chance makes of the others
			d.Inject(at("GET", 0, outage))
		}, line: "find the installation for acme/api: GitHub answered 502: Bad Gateway (tried 5 times in …, no time to try again)", hint: "GitHub has trouble of its own", requests: 5,
	},
	{
		name: "limited for longer than is waited", prepare: func(d *day) {
			d.Inject(at("POST", 1, fakegithub.SecondaryLimit(24*time.Hour)))
		}, line: "mint a token for installation 4242: GitHub answered 403: You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		hint: "GitHub's secondary rate limit asks to wait 24h0m0s, and an hour is the longest that is waited: run it again after that time", requests: 2,
	},

	{
		name: "not installed there", env: map[string]string{"INPUT_OWNER": "globex"},
		line: "find the installation for globex: GitHub answered 404: Not Found", hint: "the App is not installed on globex; it is installed on acme, monalisa; install it at https://api.github.test/apps/keeper/installations/new, or check the name", requests: 3,
	},
	{name: "installed nowhere", prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Path: "/app/installations", Status: 200, Header: map[string]string{"Content-Type": "application/json"}, Body: "[]"})
	}, env: map[string]string{"INPUT_OWNER": "globex"}, line: "find the installation for globex: GitHub answered 404: Not Found", hint: "the App is not installed on globex; it is installed on no account at all; install it at ", requests: 3},
	{
		name: "not selected", env: map[string]string{"INPUT_REPOSITORIES": "secret-plans"},
		line: "find the installation for acme/secret-plans: GitHub answered 404: Not Found", hint: "the App is installed on acme, but secret-plans is not among its selected repositories: select it at https://api.github.test/organizations/acme/settings/installations/4242", requests: 2,
	},
	{
		name: "no such repository", env: map[string]string{"INPUT_OWNER": "monalisa", "INPUT_REPOSITORIES": "dotfile"},
		line: "find the installation for monalisa/dotfile: GitHub answered 404: Not Found", hint: "the App is installed on all repositories of monalisa, so there is no dotfile: check its name", requests: 2,
	},
	{
		name: "one of two not selected", env: map[string]string{"INPUT_REPOSITORIES": "api, secret-plans"},
		line: "mint a token for installation 4242: GitHub answered 422: There is at least one repository that does not exist or is not accessible to the parent installation.",
		hint: "secret-plans is not selected or does not exist: select it at https://api.github.test/organizations/acme/settings/installations/4242", requests: 3,
	},
	{
		name: "one of three not selected", env: map[string]string{"INPUT_REPOSITORIES": "api, web, secret-plans"},
		line: "mint a token for installation 4242: GitHub answered 422: There is at least one repository that does not exist or is not accessible to the parent installation.",
		hint: "secret-plans is not selected or does not exist: select it at ", requests: 4,
	},
	{
		name: "two of three not selected", env: map[string]string{"INPUT_REPOSITORIES": "api, more-plans, secret-plans"},
		line: "mint a token for installation 4242: GitHub answered 422: There is at least one repository that does not exist or is not accessible to the parent installation.",
		hint: "more-plans, secret-plans are not selected or do not exist: select them at ", requests: 4,
	},
	{
		name: "permissions not granted", env: map[string]string{"INPUT_PERMISSIONS": "contents: write, secrets: write, metadata: read, pull_requests: read"},
		line: "mint a token for installation 4242: GitHub answered 422: The permissions requested are not granted to this installation.",
		hint: "the installation lacks pull_requests: read (not granted), secrets: write (not granted). Add it in the App's settings, have an owner accept it at https://api.github.test/organizations/acme/settings/installations/4242, or ask for less", requests: 2,
	},
	{
		name: "permissions not granted, without lookup", env: map[string]string{"INPUT_PERMISSIONS": "secrets: read", "INPUT_INSTALLATION-ID": "4242"},
		line: "mint a token for installation 4242: GitHub answered 422: The permissions requested are not granted to this installation.", hint: "the installation lacks secrets: read (not granted).", requests: 2,
	},
	{
		name: "permissions that there may not be", env: map[string]string{"INPUT_PERMISSIONS": "contents: write, future_thing: read, secrets: write"},
		line: "mint a token for installation 4242: GitHub answered 422: The permissions requested are not granted to this installation.",
		hint: "this release knows no permission of this name: future_thing: read (not granted). Check it against docs/permissions.md; one that is newer than this release the App has to have first; the installation lacks secrets: write (not granted). Add it in", requests: 2,
	},
	{
		name: "another App's installation", env: map[string]string{"INPUT_INSTALLATION-ID": "7"},
		line: "mint a token for installation 7: GitHub answered 404: Not Found", hint: "the App's installations are 4242 (acme), 4243 (monalisa)", requests: 2,
	},
	{
		name: "suspended", prepare: func(d *day) { d.Suspend(4242, "monalisa") },
		line: "mint a token for installation 4242: GitHub answered 403: This installation has been suspended", hint: "an owner must unsuspend the installation at https://api.github.test/organizations/acme/settings/installations/4242; it was suspended on 2000-01-01 00:00 UTC by monalisa", requests: 2,
	},
	{
		name: "another App's key", prepare: func(d *day) { d.env["INPUT_PRIVATE-KEY"] = anotherKey() },
		line: "find the installation for acme/api: GitHub answered 401: A JSON web token could not be decoded", hint: "private-key does not belong to the App Iv23liTESTtest000000 at api.github.test: check client-id, private-key and github-api-url", requests: 1,
	},
	{
		name: "an IP allow list", prepare: func(d *day) {
			d.Inject(at("POST", 0, fakegithub.Fault{Status: 403, Header: asJSONType, Body: `{"message":"Although you appear to have the correct authorization credentials, the acme organization has an IP allow list enabled, and your IP address is not permitted to access this resource.","documentation_url":"https://docs.github.com/rest"}`}))
		}, line: "mint a token for installation 4242: GitHub answered 403: Although you appear to have the correct authorization credentials, the acme organization has an IP allow list enabled, and your IP address is not permitted to access this resource.",
		hint: "an owner must add this runner's address to the organization's IP allow list", requests: 2,
	},
	{
		name: "no App of that id", env: map[string]string{"INPUT_CLIENT-ID": "Iv23liNOSUCHapp00000"},
		line: "find the installation for acme/api: GitHub answered 404: Integration not found",
		hint: "no App has the id Iv23liNOSUCHapp00000 at api.github.test, so that to install it helps nothing: check client-id, and that github-api-url is of the host that the App is registered at", requests: 1,
	},
	{
		name: "an older server, which takes numbers", prepare: says("GET", 401, "'Issuer' claim ('iss') must be an Integer"),
		line: "find the installation for acme/api: GitHub answered 401: 'Issuer' claim ('iss') must be an Integer",
		hint: "api.github.test takes an App's number and no client id: pass the App ID of its settings page in app-id", requests: 1,
	},
	{
		name: "an App without a key", prepare: says("GET", 401, "Integration must generate a public key"),
		line: "find the installation for acme/api: GitHub answered 401: Integration must generate a public key",
		hint: "the App has no key at api.github.test, or Iv23liTESTtest000000 is the id of another App: check client-id, or generate a private key on the App's settings page", requests: 1,
	},
	{
		name: "a credential lost on the way", prepare: says("GET", 401, "Requires authentication"),
		line: "find the installation for acme/api: GitHub answered 401: Requires authentication",
		hint: "the credential got lost on the way: something between here and api.github.test, a proxy, drops the Authorization header", requests: 1,
	},
	{
		name: "an IP allow list, at the lookup", prepare: says("GET", 403, ipAllowList),
		line: "find the installation for acme/api: GitHub answered 403: " + ipAllowList, hint: "an owner must add this runner's address to the organization's IP allow list", requests: 1,
	},
	{
		name: "an IP allow list, at the first use", env: map[string]string{"INPUT_VERIFY": "true"}, prepare: saysAt("/installation/repositories", 403, ipAllowList),
		line: "verify the token: GitHub answered 403: " + ipAllowList, hint: "an owner must add this runner's address to the organization's IP allow list", warning: "the token that was minted is revoked", requests: 4,
	},
	{
		name: "an IP allow list, at the listing", env: map[string]string{"INPUT_REPOSITORIES": "w*"}, prepare: saysAt("/installation/repositories", 403, ipAllowList),
		line: "list the installation's repositories: GitHub answered 403: " + ipAllowList, hint: "an owner must add this runner's address to the organization's IP allow list", requests: 4,
	},
	{
		name: "an IP allow list, at the bot", env: map[string]string{"INPUT_BOT-IDENTITY": "true"}, prepare: saysAt("/users/*", 403, ipAllowList),
		line: "look up keeper[bot]: GitHub answered 403: " + ipAllowList, hint: "an owner must add this runner's address to the organization's IP allow list", warning: "the token that was minted is revoked", requests: 4,
	},
	{
		name: "a bot that nobody sees", env: map[string]string{"INPUT_BOT-IDENTITY": "true"}, prepare: saysAt("/users/*", 404, "Not Found"),
		line: "look up keeper[bot]: GitHub answered 404: Not Found (tried 4 times in …)", // the token was new
		hint: "there is nothing of that name, or the token does not open it", warning: "the token that was minted is revoked", requests: 7,
	},
	{
		name: "an archived repository", prepare: says("POST", 403, "Repository was archived so is read-only."),
		line: "mint a token for installation 4242: GitHub answered 403: Repository was archived so is read-only.", hint: "the repository is archived: unarchive it, or leave it out", requests: 2,
	},
	{
		name: "an API version that is gone", prepare: says("GET", 410, "This API version is no longer supported."),
		line: "find the installation for acme/api: GitHub answered 410: This API version is no longer supported.", hint: "this GitHub no longer serves the API version that valetkey speaks: use a newer valetkey", requests: 1,
	},
	{
		name: "an API version that is not there yet", prepare: says("GET", 400, `"2022-11-28" is not a supported API version.`),
		line: `find the installation for acme/api: GitHub answered 400: "2022-11-28" is not a supported API version.`, hint: "this GitHub does not know the API version that valetkey speaks", requests: 1,
	},
	{
		name: "too much in one token", env: map[string]string{"INPUT_REPOSITORIES": "api, web"}, prepare: says("POST", 422, "The maximum number of repositories with these permissions is 1."),
		line: "mint a token for installation 4242: GitHub answered 422: The maximum number of repositories with these permissions is 1.", hint: "ask for fewer repositories or fewer permissions at once", requests: 2,
	},
	{name: "the website of an Enterprise Server", env: map[string]string{"INPUT_GITHUB-API-URL": "https://ghes.test"}, prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 404, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>404</html>"})
	}, line: "find the installation for acme/api: GitHub answered 404: Not Found", hint: "ghes.test answers like a website, and not like GitHub's API: github-api-url is https://ghes.test/api/v3", requests: 1},
	{name: "the login page of an Enterprise Server", env: map[string]string{"INPUT_GITHUB-API-URL": "https://ghes.test"}, prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "/login?return_to=%2F"}})
	}, line: "find the installation for acme/api: the answer leads to a login page", hint: "ghes.test answers like a website, and not like GitHub's API: github-api-url is https://ghes.test/api/v3", requests: 1},
	{name: "an Enterprise Server that is down", env: map[string]string{"INPUT_GITHUB-API-URL": "https://ghes.test/api/v3"}, prepare: func(d *day) {
		d.Inject(fakegithub.ServerError(503, true))
	}, line: "find the installation for acme/api: GitHub answered 503: Service Unavailable (tried 6 times in …)", hint: "ghes.test has trouble of its own: ask who runs it, then run the job again", requests: 6},
	{name: "a firewall's page", prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 403, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>blocked</html>"})
	}, line: "find the installation for acme/api: GitHub answered 403: Forbidden", hint: "a firewall or a proxy answers in the place of api.github.test: have whoever runs it let the runner through", requests: 1},
	{name: "null for an installation", prepare: func(d *day) {
		d.lies = true
		d.Inject(at("GET", 1, fakegithub.Fault{Rewrite: func([]byte) []byte { return []byte("null") }}))
	}, line: "find the installation for acme/api: the answer is not what GitHub's API describes: it is null", hint: "something between here and GitHub answers in its place", requests: 1},
	{name: "null for the repositories of a token", prepare: func(d *day) {
		d.lies = true
		d.Inject(at("POST", 1, fakegithub.Fault{Rewrite: func(b []byte) []byte {
			return regexp.MustCompile(`"repositories":\[.*\]`).ReplaceAll(b, []byte(`"repositories":null`))
		}}))
	}, line: "mint a token for installation 4242: the answer is not what GitHub's API describes: repositories is null", hint: "something between here and GitHub answers in its place", requests: 3},
	{name: "null for a list of repositories", env: map[string]string{"INPUT_REPOSITORIES": "w*"}, prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Path: "/installation/repositories", Status: 200, Header: asJSONType, Body: `{"total_count":0,"repositories":null}`})
	}, line: "list the installation's repositories: the answer is not a list as GitHub's API describes it", hint: "something between here and GitHub answers in its place", requests: 4},
	{
		name: "single sign-on", prepare: func(d *day) {
			d.Inject(at("POST", 0, fakegithub.Fault{Status: 403, Header: asJSONType, Body: `{"message":"Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.","documentation_url":"https://docs.github.com/rest"}`}))
		}, line: "mint a token for installation 4242: GitHub answered 403: Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
		hint: "the organization enforces SAML single sign-on, which an App does not need", requests: 2,
	},
	{
		name: "classic tokens forbidden", prepare: func(d *day) {
			d.Inject(at("POST", 0, fakegithub.Fault{Status: 403, Header: asJSONType, Body: `{"message":"acme forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.","documentation_url":"https://docs.github.com/rest"}`}))
		}, line: "mint a token for installation 4242: GitHub answered 403: acme forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.",
		hint: "the organization forbids classic tokens", requests: 2,
	},
	{name: "a website instead of the API", prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 404, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>404</html>"})
	}, line: "find the installation for acme/api: GitHub answered 404: Not Found", hint: "api.github.test does not answer like GitHub's API: github-api-url is https://api.github.com, or https://HOST/api/v3 on an Enterprise Server", requests: 1},
	{name: "a login page for every answer", prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>log in</html>"})
	}, line: "find the installation for acme/api: the answer is not JSON (tried 6 times in …)", hint: "something between here and GitHub answers in its place, a proxy or a login page: check github-api-url", requests: 6},
	{name: "a redirect elsewhere", prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "https://evil.test/"}})
	}, line: "find the installation for acme/api: the answer leads to another host", hint: "github-api-url must be the REST API's own address", requests: 1},
	{name: "redirects in circles", prepare: func(d *day) {
		d.lies = true
		d.Inject(fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "/repos/acme/api/installation"}})
	}, line: "find the installation for acme/api: the answer leads from one place to the next, and to none with an answer", hint: "github-api-url must be the REST API's own address", requests: 4},
	{name: "an empty answer to the mint", prepare: func(d *day) {
		d.lies = true
		d.Inject(at("POST", 1, fakegithub.Fault{Status: 201}))
	}, warning: "the answer is not JSON, trying again in ", requests: 3},
	{name: "a wider scope than asked for", prepare: func(d *day) {
		d.lies = true
		d.Inject(at("POST", 1, fakegithub.Fault{Rewrite: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"contents":"read"`, `"contents":"write"`, 1))
		}}))
	}, line: "GitHub granted another scope than was asked for: it goes beyond with contents: write (asked read)", hint: "the token was not handed out", warning: "the token that was minted is revoked", requests: 3},
	{
		name: "never verified", env: map[string]string{"INPUT_VERIFY": "true"}, prepare: func(d *day) { d.SetReplicationLag(1000) },
		line: "verify the token: GitHub answered 401: Bad credentials", hint: "GitHub did not know the token it made: run the job again", warning: "the token that was minted is revoked", requests: 9,
	},

	{name: "an answer that makes no sense", prepare: func(d *day) {
		d.lies = true
		d.Inject(at("POST", 1, fakegithub.Fault{Rewrite: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"permissions":{`, `"expires_at":7,"permissions":{`, 1))
		}}))
	}, line: "mint a token for installation 4242: the answer is not what GitHub's API describes", hint: "something between here and GitHub answers in its place", requests: 3},

	{
		name: "no key", env: map[string]string{"INPUT_PRIVATE-KEY": ""}, line: "input private-key: is empty",
		hint: "pass the App's private key, as in private-key: ${{ secrets.APP_PRIVATE_KEY }}. A reusable workflow has it only with secrets: inherit in the job that calls it, and a secret of an environment is there only with environment: in the job",
	},
	{
		name: "no key, Dependabot", env: map[string]string{"INPUT_PRIVATE-KEY": "", "GITHUB_ACTOR": "dependabot[bot]"},
		line: "input private-key: is empty: Dependabot's runs get Dependabot's own secrets only", hint: "store the key among the Dependabot secrets too (https://github.test/acme/api/settings/secrets/dependabot), or set on-missing-key: skip to go on without a token",
	},
	{
		name: "no key, a fork", env: map[string]string{"INPUT_PRIVATE-KEY": "", "GITHUB_EVENT_NAME": "pull_request"}, prepare: pullRequestFrom("mallory/api"),
		line: "input private-key: is empty: pull requests from forks get no secrets", hint: "set on-missing-key: skip to go on without a token, and do what needs one after the merge",
	},
	{
		name: "no key, a branch", env: map[string]string{"INPUT_PRIVATE-KEY": "", "GITHUB_EVENT_NAME": "pull_request"}, prepare: pullRequestFrom("acme/api"),
		line: "input private-key: is empty", hint: "pass the App's private key",
	},
	{name: "a token for a key", env: map[string]string{"INPUT_PRIVATE-KEY": "ghp_" + rand.Text()}, line: "input private-key: is a personal access token (classic), not a private key", hint: "generate a private key on the App's settings page and paste the whole .pem file"},
	{name: "half a key", prepare: func(d *day) { d.env["INPUT_PRIVATE-KEY"] = testKey()[:800] }, line: "input private-key: is cut off: the -----END … PRIVATE KEY----- line is missing", hint: "generate a private key"},
}

const ipAllowList = "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."

// lastMoment takes 50 to 52 seconds of a mint's 55 away, by three lookups and one mint
// that get no answer.
func (d *day) lastMoment() {
	d.Inject(at("GET", 3, fakegithub.Fault{Delay: time.Hour}))
	d.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Hour}))
}

// says answers every call of a method with a message of GitHub's.
func says(method string, status int, message string) func(*day) {
	return func(d *day) { d.Inject(at(method, 0, saying(status, message))) }
}

// saysAt answers every call of a path so.
func saysAt(path string, status int, message string) func(*day) {
	return func(d *day) {
		f := saying(status, message)
		f.Path = path
		d.lies = true // with statuses that GitHub does not describe everywhere
		d.Inject(f)
	}
}

func saying(status int, message string) fakegithub.Fault {
	return fakegithub.Fault{Status: status, Header: asJSONType, Body: fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest"}`, message)}
}

var asJSONType = map[string]string{"Content-Type": "application/json; charset=utf-8"}

func at(method string, times int, f fakegithub.Fault) fakegithub.Fault {
	f.Method, f.Times = method, times
	return f
}

func anotherKey() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func pullRequestFrom(head string) func(*day) {
	return func(d *day) {
		event, err := json.Marshal(map[string]any{"pull_request": map[string]any{"head": map[string]any{"repo": map[string]any{"full_name": head}}}})
		d.env["GITHUB_EVENT_PATH"] = d.env["GITHUB_ENV"] + ".json"
		if err == nil {
			err = os.WriteFile(d.env["GITHUB_EVENT_PATH"], event, 0o600)
		}
		if err != nil {
			panic(err)
		}
	}
}

func TestWorstDay(t *testing.T) {
	testKey()
	for _, c := range worstDay {
		for _, debug := range []string{"", "1"} {
			t.Run(c.name+map[string]string{"1": ", debugging"}[debug], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDay(t, c.env)
					d.env["RUNNER_DEBUG"] = debug
					if c.prepare != nil {
						c.prepare(d)
					}
					started := time.Now()
					d.run(t, "mint")
					if took := time.Since(started); took > mintTime {
						t.Errorf("took %s", took)
					}
					line, hint := d.said("error")
					if line != c.line || !strings.Contains(hint, c.hint) || (d.exit == exitOK) != (c.line == "") {
						t.Errorf("exit %d\ngot  %s\nwant %s\ngot hint  %s\nwant hint %s", d.exit, line, c.line, hint, c.hint)
					}
					if !strings.Contains(d.log.String(), c.warning) {
						t.Errorf("%q is not in the log", c.warning)
					}
					if got := len(d.Requests()); got != c.requests {
						t.Errorf("%d requests, want %d: %s", got, c.requests, d.asked())
					}
					d.checkOutcome(t)
					d.checkHidden(t)
				})
			})
		}
	}
}

// checkOutcome: a step that failed leaves no token alive and hands out nothing; one
// that got through hands out the last one.
func (d *day) checkOutcome(t *testing.T) {
	t.Helper()
	out := d.file(t, "GITHUB_OUTPUT")
	if d.exit != exitOK {
		if out != "" {
			t.Errorf("outputs were written: %q", out)
		}
		for i, token := range d.Tokens() {
			if d.Alive(token.Value) {
				t.Errorf("token %d is alive", i)
			}
		}
		return
	}
	tokens := d.Tokens()
	if len(tokens) == 0 || !strings.Contains(out, tokens[len(tokens)-1].Value) {
		t.Error("the token was not handed out")
	}
}

// With debug logging each request is told, without headers and bodies.
func TestDebugLog(t *testing.T) {
	d := newDay(t, map[string]string{"RUNNER_DEBUG": "1"})
	d.run(t, "mint")
	for _, want := range []string{
		`(?m)^::debug::GET /repos/acme/api/installation: 200 in \S+, request [0-9A-F:]+, quota left \d+$`,
		`(?m)^::debug::POST /app/installations/4242/access_tokens: 201 in \S+, request [0-9A-F:]+, quota left \d+$`,
	} {
		if !regexp.MustCompile(want).MatchString(d.log.String()) {
			t.Errorf("the log has no %s:\n%s", want, d.log.String())
		}
	}
}

// The post stage never fails a job, and is over in time.
func TestPostOnABadDay(t *testing.T) {
	testKey()
	for _, c := range []struct {
		name     string
		prepare  func(*day)
		says     string
		alive    bool
		requests int
	}{
		{"all is well", func(*day) {}, "the token is revoked\n", false, 1},
		{"revoked by hand", func(d *day) { d.Inject(fakegithub.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}) }, "the token was gone already\n", true, 1},
		{"two outages", func(d *day) { d.Inject(at("DELETE", 2, fakegithub.ServerError(502, true))) }, "the token is revoked\n", false, 3},
		{"a clear no", func(d *day) { d.Inject(fakegithub.Fault{Status: 403, Body: `{"message":"no"}`}) }, "::warning::the token is not revoked and lives until 01:00 UTC: revoke the token: GitHub answered 403: no", true, 1},
		{"limited", func(d *day) { d.Inject(fakegithub.SecondaryLimit(time.Minute)) }, "::warning::the token is not revoked and lives until 01:00 UTC: revoke the token: GitHub answered 403: You have exceeded a secondary rate limit", true, 1},
		{"never an answer", func(d *day) { d.Inject(fakegithub.Fault{Delay: time.Hour}) }, "::warning::the token is not revoked and lives until 01:00 UTC: revoke the token: api.github.test:443: no answer in time (tried 2 times in 15s)%0Ahint: ", true, 2},
		{"expired", func(*day) { time.Sleep(2 * time.Hour) }, "the token was gone already: it expired at 01:00 UTC\n", false, 1},
		{"expired, and no answer", func(d *day) {
			time.Sleep(2 * time.Hour)
			d.Inject(fakegithub.Fault{Drop: true})
		}, "\nthe token could not be revoked, and expired at 01:00 UTC by itself: revoke the token: ", false, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDay(t, nil)
				d.run(t, "mint")
				state, err := fakerunner.ReadPairs(d.env["GITHUB_STATE"])
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range state {
					d.env["STATE_"+name] = value
				}
				d.lies = true
				d.ResetRequests()
				d.log.Reset()
				c.prepare(d)
				started := time.Now()
				d.run(t, "post")
				if took := time.Since(started); d.exit != exitOK || took > postTime {
					t.Errorf("exit %d after %s", d.exit, took)
				}
				if !strings.Contains(d.log.String(), c.says) {
					t.Errorf("the log does not say %q", c.says)
				}
				if got := len(d.Requests()); got != c.requests || d.Alive(d.Tokens()[0].Value) != c.alive {
					t.Errorf("%d requests, want %d; alive is %v", got, c.requests, !c.alive)
				}
				d.checkHidden(t)
			})
		})
	}
}

// The minute is over when it is over, also when a token that came in the last moment
// can't be taken back: that is said instead.
func TestAMintEndsWithinItsMinute(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, nil)
		d.lastMoment()
		d.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Second}))
		d.Inject(at("DELETE", 0, fakegithub.Fault{Delay: time.Hour}))
		d.env["INPUT_BOT-IDENTITY"] = "true"
		d.Inject(at("GET", 0, fakegithub.Fault{Path: "/users/*", Delay: time.Hour}))
		started := time.Now()
		d.run(t, "mint")
		took := time.Since(started)
		line, _ := d.said("error")
		if took > mintTime || took < mintTime-githubapp.Overtime || !strings.HasPrefix(line, "look up keeper[bot]: the minute that this step waits for GitHub is over: ") {
			t.Errorf("%q after %s", line, took)
		}
		if !strings.Contains(d.log.String(), "::warning::the token that was minted is still alive, until ") {
			t.Error("the token that lives is not told of")
		}
	})
}
