package fakegithub_test

import (
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestMembers(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	for _, login := range []string{"monalisa", "hubot", "octocat"} {
		f.AddMember("octo-corp", login)
	}
	f.SetOwner("octo-corp", "boss")
	f.AddMember("octo-corp", "boss")
	f.Invite("octo-corp", "newcomer")
	f.AddOutsideCollaborator("octo-corp", "contractor")
	f.RemoveMember("octo-corp", "octocat")
	const org = "/orgs/octo-corp"
	for _, test := range []struct{ query, want string }{
		{"/members?per_page=1", "monalisa hubot boss"},
		{"/members?role=admin", "boss"},
		{"/members?role=member&filter=all", "monalisa hubot"},
		{"/outside_collaborators", "contractor"},
	} {
		if list, _ := f.all(org+test.query, token); values(list, "login") != test.want {
			t.Errorf("%s: got %s, want %s", test.query, values(list, "login"), test.want)
		}
	}
	for login, status := range map[string]int{
		"MonaLisa": 204, "boss": 204, "octocat": 404, "newcomer": 404, "contractor": 404, "nobody": 404, "octo-corp": 404,
	} {
		f.expect(status, "GET", org+"/members/"+login, token, "")
	}
	for login, want := range map[string]string{"monalisa": "active member", "boss": "active admin", "newcomer": "pending member"} {
		r := f.expect(200, "GET", org+"/memberships/"+login, token, "")
		if got := r.body["state"].(string) + " " + r.body["role"].(string); got != want {
			t.Errorf("%s: got %s, want %s", login, got, want)
		}
	}
	f.expect(404, "GET", org+"/memberships/octocat", token, "")
	f.AddMember("octo-corp", "newcomer")
	f.AddMember("octo-corp", "contractor")
	f.expect(204, "GET", org+"/members/newcomer", token, "")
	if list, _ := f.all(org+"/outside_collaborators", token); len(list) != 0 {
		t.Errorf("a member is outside: %v", list)
	}
	f.RenameAccount("monalisa", "mona")
	f.expect(204, "GET", org+"/members/mona", token, "")
	f.expect(404, "GET", org+"/members/monalisa", token, "")
	f.expect(422, "GET", org+"/members?filter=2fa_disabled", token, "")
	f.SkipOpenAPI = true // the queries are wrong on purpose
	for _, query := range []string{"/members?role=owner", "/members?filter=x", "/members?state=active", "/outside_collaborators?role=x"} {
		f.expect(422, "GET", org+query, token, "")
	}
	for _, path := range []string{"/members", "/members/mona", "/memberships/mona", "/outside_collaborators"} {
		f.want(f.send("GET", org+path, f.with("issues", "read"), ""), 403, "Resource not accessible by integration")
	}
}

func TestMembersSeenFromElsewhere(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.AddAccount(fakegithub.Account{Login: "rivals"})
	f.AddMember("rivals", "monalisa")
	r := f.expect(302, "GET", "/orgs/rivals/members/monalisa", token, "")
	if got := r.Header.Get("Location"); got != "http://ghes.test/orgs/rivals/public_members/monalisa" {
		t.Errorf("location: %s", got)
	}
	f.expect(404, "GET", "/orgs/rivals/public_members/monalisa", token, "")
	f.expect(403, "GET", "/orgs/rivals/members", token, "")
}

func TestTeams(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	const team = "/orgs/octo-corp/teams/platform"
	f.expect(404, "GET", team+"/members", token, "")
	f.AddTeam("octo-corp", "platform")
	if list, _ := f.all(team+"/members", token); len(list) != 0 {
		t.Errorf("members: %v", list)
	}
	f.AddTeam("octo-corp", "platform", "monalisa", "hubot", "octocat")
	f.expect(204, "GET", "/orgs/octo-corp/members/hubot", token, "")
	f.RemoveFromTeam("octo-corp", "platform", "hubot")
	list, pages := f.all(team+"/members?per_page=1&role=all", token)
	if values(list, "login") != "monalisa octocat" || pages != 2 {
		t.Errorf("%d pages of %s", pages, values(list, "login"))
	}
	if list, _ := f.all(team+"/members?role=maintainer", token); len(list) != 0 {
		t.Errorf("maintainers: %v", list)
	}
	if r := f.expect(200, "GET", team+"/memberships/Monalisa", token, ""); r.body["state"] != "active" || r.body["role"] != "member" {
		t.Errorf("membership: %s", r.text)
	}
	f.expect(404, "GET", team+"/memberships/hubot", token, "")
	f.RemoveMember("octo-corp", "octocat")
	f.expect(404, "GET", team+"/memberships/octocat", token, "")
	f.want(f.send("GET", team+"/members", f.with("issues", "read"), ""), 403, "Resource not accessible by integration")
	f.RemoveTeam("octo-corp", "platform")
	f.expect(404, "GET", team+"/memberships/monalisa", token, "")
}
