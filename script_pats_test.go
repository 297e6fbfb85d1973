package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// governed is what a script knows of the tokens of people.
type governed struct {
	names  map[int64]string // of fine-grained tokens by id, with their owners
	values []string         // of those that have one
	later  time.Duration    // how far GitHub's clock was moved
}

// askPATs is the part of the command github for scripts about personal access
// tokens. They are described by words such as owner=ann may=contents:read.
func askPATs(ts *testscript.TestScript, github *fakegithub.Server, args []string) {
	s := scriptOf(ts)
	switch args[0] {
	case "people": // github people: the organization fleet, whose tokens the App may govern
		addPeople(github)
	case "request", "grant": // github request WORD...: somebody asks for a token, or has got one
		token := fineGrained(ts, args[1:])
		s.governed.name(token.ID, token.Owner+"'s "+token.Name)
		if args[0] == "grant" {
			github.GrantAccess("fleet", token)
			return
		}
		github.RequestAccess("fleet", token)
	case "authorize": // github authorize OWNER NAME SCOPE...: a classic token for single sign-on, whose value is then in MY_TOKEN
		credential := fakegithub.Credential{Login: args[1], Note: args[2], Scopes: args[3:], Value: "ghp_" + rand.Text() + rand.Text()}
		github.AuthorizeCredential("fleet", credential)
		s.governed.values = append(s.governed.values, credential.Value)
		ts.Setenv("MY_TOKEN", credential.Value)
	case "leak": // github leak REPOSITORY: somebody commits the token in MY_TOKEN
		github.AddAlert("fleet", args[1], fakegithub.Alert{Secret: ts.Getenv("MY_TOKEN")})
	case "leave": // github leave LOGIN: somebody leaves the organization
		github.RemoveMember("fleet", args[1])
	case "use": // github use TOKEN_ID: its owner uses a token
		id, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		github.UseToken(id)
	case "clones": // github clones LOGIN: the audit log tells of somebody's classic token
		github.SetAuditLog("fleet", true)
		github.AddAuditEvent("fleet", map[string]any{
			"action": "git.clone", "actor": args[1], "programmatic_access_type": "Personal access token (classic)",
		})
	case "later": // github later TIME: it passes at GitHub
		s.governed.later += timeOf(ts, args[1])
		github.SetClockSkew(s.governed.later)
	case "issue": // github issue NUMBER: what it says
		number, err := strconv.Atoi(args[1])
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), github.Issues("fleet", "token-desk")[number-1].Body)
	case "governed": // github governed: what there is of tokens, and what became of others
		s.governed.show(ts, github)
	default:
		ts.Fatalf("github %s: unknown", args[0])
	}
}

// addPeople adds the organization fleet with people whose tokens the App may
// govern: olga owns it, ann and bob are the team platform, and carl and dora
// are members.
func addPeople(github *fakegithub.Server) {
	for _, name := range []string{"api", "infra", "token-desk"} {
		github.AddRepository(fakegithub.Repository{Owner: "fleet", Name: name, Private: true})
	}
	github.Install(fakegithub.Installation{ID: 4247, AppID: 917, Account: "fleet", All: true, Permissions: map[string]string{
		"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
		"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write", "issues": "write",
	}})
	github.SetOwner("fleet", "olga")
	github.AddTeam("fleet", "platform", "ann", "bob")
	github.AddMember("fleet", "carl")
	github.AddMember("fleet", "dora")
	github.SetSingleSignOn("fleet", true)
}

// fineGrained reads a token from words such as owner=ann name=ci on=api,web
// may=contents:read ends=30d reason=OPS-7 since=100d used=80d id=98716.
func fineGrained(ts *testscript.TestScript, words []string) fakegithub.FineGrainedToken {
	token := fakegithub.FineGrainedToken{Permissions: map[string]map[string]string{"repository": {"metadata": "read"}}}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "owner":
			token.Owner = value
		case "name":
			token.Name = value
		case "on":
			token.Repositories = strings.Split(value, ",")
		case "may":
			for permission := range strings.SplitSeq(value, ",") {
				name, level, _ := strings.Cut(permission, ":")
				token.Permissions["repository"][name] = level
			}
		case "ends":
			token.ExpiresAt = time.Now().Add(timeOf(ts, value))
		case "since":
			token.Since = time.Now().Add(-timeOf(ts, value))
		case "used":
			token.LastUsedAt = time.Now().Add(-timeOf(ts, value))
		case "reason":
			token.Reason = value
		case "id":
			id, err := strconv.ParseInt(value, 10, 64)
			ts.Check(err)
			token.ID = id
		default:
			ts.Fatalf("no token has a %s", key)
		}
	}
	if token.ID == 0 {
		token.ID = 70000 + int64(len(scriptOf(ts).governed.names))
	}
	return token
}

// timeOf reads a number of days, such as 30d.
func timeOf(ts *testscript.TestScript, text string) time.Duration {
	days, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	ts.Check(err)
	return time.Duration(days) * 24 * time.Hour
}

func (g *governed) name(id int64, name string) {
	if g.names == nil {
		g.names = map[int64]string{}
	}
	g.names[id] = name
}

// show writes a line for each request, grant, authorization, review, issue and
// alert of fleet.
func (g *governed) show(ts *testscript.TestScript, github *fakegithub.Server) {
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
	for _, token := range github.AccessRequests("fleet") {
		add("asks      %s", g.names[token.ID])
	}
	for _, token := range github.Grants("fleet") {
		add("has       %s", g.names[token.ID])
	}
	for _, c := range github.Authorizations("fleet") {
		add("has       %s's %s", c.Login, c.Note)
	}
	for _, review := range github.Reviews("fleet") {
		add("%-9s %s: %s", review.Action, g.names[review.TokenID], review.Reason)
	}
	for _, w := range github.Withdrawals("fleet") {
		add("withdraw  %s's %s", w.Credential.Login, w.Credential.Note)
	}
	for _, i := range github.Issues("fleet", "token-desk") {
		add("issue     %d %s: %s", i.Number, i.State, i.Title)
	}
	for _, a := range github.Alerts("fleet", "api") {
		add("alert     %d %s, token %s", a.Number, a.State, a.Validity)
	}
	slices.Sort(lines)
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}

// checkOut makes the script's directory the checkout of the default branch that
// a run works with: checkout EVENT.
func checkOut(ts *testscript.TestScript, _ bool, args []string) {
	event := ts.MkAbs("event.json")
	ts.Check(os.WriteFile(event, []byte(`{"repository": {"default_branch": "main"}}`), 0o600))
	if _, err := os.Stat(ts.MkAbs(".git")); err != nil {
		ts.Check(ts.Exec("git", "init", "-q", "-b", "main", ts.MkAbs(".")))
	}
	for _, words := range [][]string{
		{"add", ".github"},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "policy"},
	} {
		ts.Check(ts.Exec("git", append([]string{"-C", ts.MkAbs(".")}, words...)...))
	}
	commit, err := os.ReadFile(filepath.Join(ts.MkAbs(".git"), "refs", "heads", "main"))
	ts.Check(err)
	for name, value := range map[string]string{
		"GITHUB_WORKSPACE": ts.MkAbs("."), "GITHUB_EVENT_PATH": event, "GITHUB_EVENT_NAME": args[0],
		"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": strings.TrimSpace(string(commit)),
	} {
		ts.Setenv(name, value)
	}
}
