package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// askFleet is the part of the command github for scripts about sync and rotate.
func askFleet(ts *testscript.TestScript, github *fakegithub.Server, args []string) {
	switch args[0] {
	case "fleet": // github fleet: the organization fleet, where the App may do all that sync and rotate take
		addFleet(github)
	case "many": // github many COUNT: the organization many with so many repositories, where the App may write secrets
		count, err := strconv.Atoi(args[1])
		ts.Check(err)
		for i := range count {
			github.AddRepository(fakegithub.Repository{Owner: "many", Name: fmt.Sprintf("r%d", i), Private: true})
		}
		github.Install(fakegithub.Installation{
			ID: 4246, AppID: 917, Account: "many", All: true,
			Permissions: map[string]string{"metadata": "read", "secrets": "write"},
		})
	case "newkey": // github newkey: the App's key, now in OLD_KEY, is replaced by another one, in INPUT_PRIVATE-KEY
		key := fakegithubtest.NewKey()
		github.ReplaceKey(917, &key.PublicKey)
		ts.Setenv("OLD_KEY", ts.Getenv("INPUT_PRIVATE-KEY"))
		ts.Setenv("INPUT_PRIVATE-KEY", fakegithubtest.PEM(key))
	case "secret": // github secret PLACE NAME: its value as a workflow would see it
		value, ok := github.SecretValue(placeOf(args[1]), args[2])
		if !ok {
			value = "(none)"
		}
		fmt.Fprintln(ts.Stdout(), value)
	case "secrets": // github secrets PLACE: names, and in organizations who sees them
		if len(github.Secrets(placeOf(args[1]))) == 0 {
			fmt.Fprintln(ts.Stdout(), "none")
		}
		for _, s := range github.Secrets(placeOf(args[1])) {
			fmt.Fprintln(ts.Stdout(), strings.TrimSpace(s.Name+" "+s.Visibility+" "+strings.Join(s.Repositories, ",")))
		}
	case "keys": // github keys OWNER/REPOSITORY: its deploy keys
		owner, name, _ := strings.Cut(args[1], "/")
		for _, k := range github.DeployKeys(owner, name) {
			fmt.Fprintf(ts.Stdout(), "%s read-only=%t %s\n", k.Title, k.ReadOnly, k.Key)
		}
	case "opens": // github opens PLACE NAME OWNER/REPOSITORY: the secret is the private half of one of its deploy keys
		private, _ := github.SecretValue(placeOf(args[1]), args[2])
		key, err := ssh.ParsePrivateKey([]byte(private))
		ts.Check(err)
		public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
		owner, name, _ := strings.Cut(args[3], "/")
		if !slices.ContainsFunc(github.DeployKeys(owner, name), func(k fakegithub.DeployKey) bool { return k.Key == public }) {
			ts.Fatalf("%s of %s opens nothing", args[2], args[1])
		}
	case "drift": // github drift PLACE NAME VALUE: somebody else writes a secret
		github.SetSecret(placeOf(args[1]), fakegithub.Secret{Name: args[2], Value: args[3]})
	default:
		askPATs(ts, github, args)
	}
}

// addFleet adds the organization fleet: five repositories, one of them archived and
// two with a topic.
func addFleet(github *fakegithub.Server) {
	for _, r := range []fakegithub.Repository{
		{Name: "web-1", Topics: []string{"payments"}},
		{Name: "web-2"},
		{Name: "web-old", Archived: true},
		{Name: "api", Topics: []string{"payments"}},
		{Name: "infra"},
	} {
		r.Owner, r.Private = "fleet", true
		github.AddRepository(r)
	}
	github.AddEnvironment("fleet", "api", "production")
	permissions := map[string]string{
		"metadata": "read", "contents": "write", "actions": "read", "administration": "write", "environments": "write",
	}
	for _, name := range []string{"secrets", "dependabot_secrets", "codespaces_secrets", "agent_secrets", "actions_variables"} {
		permissions[name], permissions["organization_"+name] = "write", "write"
	}
	github.Install(fakegithub.Installation{ID: 4245, AppID: 917, Account: "fleet", All: true, Permissions: permissions})
}

// storedIn returns every line of every secret that fleet has.
func storedIn(github *fakegithub.Server) []redact.String {
	places := []string{"fleet", "fleet@codespaces", "fleet/api:production", "fleet/web-1:staging"}
	for _, name := range []string{"api", "infra", "web-1", "web-2"} {
		for _, app := range []string{"actions", "dependabot", "codespaces", "agents"} {
			places = append(places, "fleet/"+name+"@"+app)
		}
	}
	var lines []redact.String
	for _, place := range places {
		for _, s := range github.Secrets(placeOf(place)) {
			lines = append(lines, actions.Maskable(redact.New(s.Value))...)
		}
	}
	return slices.DeleteFunc(lines, func(line redact.String) bool { return strings.HasPrefix(line.Reveal(), "-----") }) // a PEM's armour
}

// placeOf reads OWNER[/REPOSITORY[:ENVIRONMENT]][@APP].
func placeOf(text string) fakegithub.Place {
	var p fakegithub.Place
	text, p.App, _ = strings.Cut(text, "@")
	text, p.Environment, _ = strings.Cut(text, ":")
	p.Owner, p.Repository, _ = strings.Cut(text, "/")
	return p
}
