package pat

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// conditionTest is one condition, one token, and what comes out.
type conditionTest struct {
	of     manifest.PATCondition
	kind   Kind // Grant if empty
	token  func(*Token)
	facts  Facts
	want   Answer
	why    string
	missed []Fact
}

// run asks a rule that has the condition alone.
func (c *conditionTest) run(t *testing.T) {
	t.Helper()
	if c.kind == "" {
		c.kind = Grant
	}
	subject := token(c.kind)
	if c.token != nil {
		c.token(subject)
	}
	p := compile(t, c.kind, manifest.PATRule{Name: "it", If: c.of, Do: does[c.kind]})
	d := p.Decide(Protection{}, subject, &c.facts, noon)
	if len(d.Steps) != 1 || len(d.Steps[0].Parts) != 1 {
		t.Fatalf("%+v: got steps %v: %s", c.of, d.Steps, d)
	}
	part := d.Steps[0].Parts[0]
	if part.Answer != c.want || part.Why != c.why || !slices.Equal(d.Missing, c.missed) {
		t.Errorf("%s: got %s: %q, missing %v; want %s: %q, %v", part.Text, part.Answer, part.Why, d.Missing, c.want, c.why, c.missed)
	}
	if acts := d.Action == Action(does[c.kind]); acts != (c.want == Yes) {
		t.Errorf("%s: got %s", part.Text, d)
	}
}

func TestPersonConditions(t *testing.T) {
	login := func(login string) func(*Token) { return func(t *Token) { t.Owner = login } }
	name := func(name string) func(*Token) { return func(t *Token) { t.Name = name } }
	gone := Facts{Members: map[string]bool{"monalisa": false}}
	here := Facts{Members: map[string]bool{"monalisa": true}}
	none := map[string]bool{}
	for _, c := range []conditionTest{
		{of: manifest.PATCondition{Owner: "monalisa"}, want: Yes, why: "the owner is Monalisa"},
		{of: manifest.PATCondition{Owner: "MONA*"}, want: Yes, why: "the owner is Monalisa"},
		{of: manifest.PATCondition{Owner: "mona"}, want: No, why: "the owner is Monalisa"},
		{of: manifest.PATCondition{Owner: "acme-bot-?"}, token: login("acme-bot-7"), want: Yes, why: "the owner is acme-bot-7"},
		{of: manifest.PATCondition{Owner: "acme-bot-?"}, token: login("acme-bot-77"), want: No, why: "the owner is acme-bot-77"},

		{of: manifest.PATCondition{TokenName: "report *"}, want: Yes, why: `its name is "report bot"`},
		{of: manifest.PATCondition{TokenName: "Report *"}, want: No, why: `its name is "report bot"`},
		{of: manifest.PATCondition{TokenName: "x"}, token: name(""), want: Unknown, why: "GitHub does not say its name"},
		{
			of:    manifest.PATCondition{TokenName: "x"},
			token: name("gh" + "p_\n" + strings.Repeat("0a", 20)), want: No, why: `its name is "(hidden, as it looks like a secret)"`,
		},

		{of: manifest.PATCondition{Membership: "member"}, facts: here, want: Yes, why: "Monalisa is a member"},
		{of: manifest.PATCondition{Membership: "member"}, facts: gone, want: No, why: "Monalisa is not a member"},
		{of: manifest.PATCondition{Membership: "not-a-member"}, facts: here, want: No, why: "Monalisa is a member"},
		{of: manifest.PATCondition{Membership: "not-a-member"}, facts: gone, want: Yes, why: "Monalisa is not a member"},
		{
			of:   manifest.PATCondition{Membership: "not-a-member"},
			want: Unknown, why: "whether Monalisa is a member is not known yet", missed: []Fact{{Member: "monalisa"}},
		},
		{
			of:    manifest.PATCondition{Membership: "not-a-member"},
			facts: Facts{Failed: map[Fact]string{{Member: "monalisa"}: "GitHub answered 502\nBad Gateway"}},
			want:  Unknown, why: `whether Monalisa is a member could not be found out: "GitHub answered 502 Bad Gateway"`,
		},

		{
			of:    manifest.PATCondition{Team: "platform"},
			facts: Facts{Teams: map[string]map[string]bool{"platform": {"monalisa": true}}}, want: Yes, why: "Monalisa belongs to it",
		},
		{
			of:    manifest.PATCondition{Team: "Platform"},
			facts: Facts{Teams: map[string]map[string]bool{"platform": none}}, want: No, why: "Monalisa does not belong to it",
		},
		{
			of:    manifest.PATCondition{Team: "platform"},
			facts: Facts{Teams: map[string]map[string]bool{"web": {"monalisa": true}}},
			want:  Unknown, why: "who belongs to team platform is not known yet", missed: []Fact{{Team: "platform"}},
		},
		{
			of: manifest.PATCondition{Team: "platform"}, facts: Facts{Failed: map[Fact]string{{Team: "platform"}: "404"}},
			want: Unknown, why: `who belongs to team platform could not be found out: "404"`,
		},
	} {
		c.run(t)
	}
}

func TestRepositoryConditions(t *testing.T) {
	ci, api := repositories(t, "acme/ci-*"), repositories(t, "acme/api, other/web")
	these := func(list string) manifest.PATCondition {
		return manifest.PATCondition{Repositories: repositories(t, list)}
	}
	scope := func(scope string) func(*Token) { return func(t *Token) { t.Selection = scope } }
	opens := func(names ...string) Facts {
		return Facts{Repositories: map[Listed][]string{{Grant, 25}: names, {Request, 25}: {"acme/secret-plans"}}}
	}
	missed := []Fact{{Repositories: Listed{Grant, 25}}}
	failed := Facts{Failed: map[Fact]string{missed[0]: "404"}}
	const unknown = "GitHub does not say which repositories it opens, in words that this release knows"
	for _, c := range []conditionTest{
		{of: these("acme/ci-*"), facts: opens("acme/ci-a", "Acme/CI-b"), want: Yes, why: "opens no others"},
		{of: these("acme/ci-*"), facts: opens("acme/ci-a", "acme/api"), want: No, why: "opens others: acme/api"},
		{of: these("acme/ci-*"), facts: opens("other/ci-a"), want: No, why: "opens others: other/ci-a"},
		{of: these(`"acme/*", "!acme/infra"`), facts: opens("acme/infra"), want: No, why: "opens others: acme/infra"},
		{of: these("acme/ci-*"), facts: opens(), want: No, why: "opens no repository"},
		{of: these("acme/ci-*"), token: scope("none"), want: No, why: "opens no repository"},
		{of: these(`"acme/*"`), token: scope("all"), want: No, why: "opens all repositories, those to come as well"},
		{of: these("acme/ci-*"), token: scope(""), facts: opens("acme/ci-a"), want: Unknown, why: unknown},
		{of: these("acme/ci-*"), token: scope("ALL"), facts: opens("acme/ci-a"), want: Unknown, why: unknown},
		{of: these("acme/ci-*"), want: Unknown, why: "which repositories it opens is not known yet", missed: missed},
		{of: these("acme/ci-*"), facts: failed, want: Unknown, why: `which repositories it opens could not be found out: "404"`},
		{
			of: these("acme/ci-*"), facts: opens("acme/ci-a", "ci-b"),
			want: Unknown, why: "GitHub names a repository that it opens in a way that this release does not know",
		},
		{
			of: these("acme/ci-*"), kind: Request, facts: opens("acme/ci-a"), // of the grant with the same id
			want: No, why: "opens others: acme/secret-plans",
		},

		{of: manifest.PATCondition{AnyRepository: ci}, facts: opens("acme/api", "acme/ci-a"), want: Yes, why: "opens acme/ci-a"},
		{of: manifest.PATCondition{AnyRepository: ci}, facts: opens("acme/api"), want: No, why: "opens none of them"},
		{of: manifest.PATCondition{AnyRepository: ci}, facts: opens(), want: No, why: "opens none of them"},
		{of: manifest.PATCondition{AnyRepository: api}, token: scope("all"), want: Yes, why: "opens all repositories of acme"},
		{
			of:    manifest.PATCondition{AnyRepository: repositories(t, "other/web")},
			token: scope("all"), want: No, why: "opens all repositories of acme",
		},
		{of: manifest.PATCondition{AnyRepository: ci}, token: scope("none"), want: No, why: "opens no repository"},
		{of: manifest.PATCondition{AnyRepository: ci}, token: scope("some"), want: Unknown, why: unknown},
		{
			of:   manifest.PATCondition{AnyRepository: ci},
			want: Unknown, why: "which repositories it opens is not known yet", missed: missed,
		},

		{of: manifest.PATCondition{RepositoryScope: "all"}, token: scope("all"), want: Yes, why: "GitHub says all"},
		{of: manifest.PATCondition{RepositoryScope: "none"}, want: No, why: "GitHub says subset"},
		{of: manifest.PATCondition{RepositoryScope: "all"}, token: scope("everything"), want: Unknown, why: unknown},
	} {
		c.run(t)
	}
}

func TestTimeConditions(t *testing.T) {
	expires := func(at time.Time) func(*Token) { return func(t *Token) { t.Expires = at } }
	used := func(since, used time.Time) func(*Token) { return func(t *Token) { t.Since, t.LastUsed = since, used } }
	since := func(at time.Time) func(*Token) { return used(at, time.Time{}) }
	expired := func(t *Token) { t.Expired, t.Expires = true, time.Time{} }
	within, life := manifest.PATCondition{ExpiresWithin: 14 * day}, manifest.PATCondition{LifetimeOver: 90 * day}
	never, unused := manifest.PATCondition{NeverExpires: true}, manifest.PATCondition{UnusedFor: 90 * day}
	granted, waiting := manifest.PATCondition{GrantedFor: 30 * day}, manifest.PATCondition{WaitingFor: 36 * time.Hour}
	for _, c := range []conditionTest{
		{of: within, token: expires(noon.Add(14 * day)), want: Yes, why: "it expires in 14 days"},
		{of: within, token: expires(noon.Add(14*day + time.Second)), want: No, why: "it expires in 14 days"},
		{of: within, token: expires(noon.Add(90 * time.Minute)), want: Yes, why: "it expires in 90 minutes"},
		{of: within, token: expires(noon), want: Yes, why: "it has expired"},
		{of: within, token: expires(noon.Add(-day)), want: Yes, why: "it has expired"},
		{of: within, token: expired, want: Yes, why: "it has expired"},
		{of: within, token: expires(time.Time{}), want: No, why: "it never expires"},
		{of: within, token: expires(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)), want: No, why: "it expires in 106751 days"},

		{of: never, token: expires(time.Time{}), want: Yes, why: "it never expires"},
		{of: never, want: No, why: "it expires on 2027-02-28"},
		{of: never, token: expired, want: No, why: "it has expired"},

		{of: life, token: expires(noon.Add(-10 * day)), want: No, why: "it lives for 90 days"},
		{of: life, token: expires(noon.Add(-10*day + time.Second)), want: Yes, why: "it lives for 90 days"},
		{of: life, token: expires(time.Time{}), want: Yes, why: "it never expires"},
		{of: life, token: expired, want: Unknown, why: "GitHub does not say when it expired"},

		{of: unused, token: used(noon.Add(-300*day), noon.Add(-90*day)), want: Yes, why: "last used 90 days ago"},
		{of: unused, token: used(noon.Add(-300*day), noon.Add(-90*day+time.Second)), want: No, why: "last used 89 days ago"},
		{of: unused, token: since(noon.Add(-90 * day)), want: Yes, why: "granted 90 days ago"},
		{of: unused, token: since(noon.Add(-10 * time.Hour)), want: No, why: "granted 10 hours ago"},
		{of: unused, token: used(noon.Add(-10*day), noon.Add(-300*day)), want: No, why: "granted 10 days ago"},
		{of: unused, token: used(noon.Add(-300*day), noon.Add(300*day)), want: No, why: "last used 0 minutes ago"},
		{of: unused, token: since(noon.Add(time.Hour)), want: No, why: "granted 0 minutes ago"},
		{of: unused, kind: Authorization, token: since(noon.Add(-91 * day)), want: Yes, why: "granted 91 days ago"},

		{of: granted, token: since(noon.Add(-30 * day)), want: Yes, why: "granted 30 days ago"},
		{of: granted, token: since(noon.Add(-30*day + 1)), want: No, why: "granted 29 days ago"},
		{of: granted, token: since(noon.Add(time.Hour)), want: No, why: "granted 0 minutes ago"},

		{of: waiting, kind: Request, token: since(noon.Add(-36 * time.Hour)), want: Yes, why: "requested 36 hours ago"},
		{of: waiting, kind: Request, token: since(noon.Add(-36*time.Hour + 1)), want: No, why: "requested 35 hours ago"},
		{of: waiting, token: since(noon.Add(-36 * time.Hour)), want: No, why: "granted 36 hours ago"},
	} {
		c.run(t)
	}
	for _, of := range []manifest.PATCondition{unused, granted} { // over a request, as no manifest has it
		c := conditionTest{of: of, kind: Request, want: No, why: "requested 100 days ago"}
		if of.UnusedFor != 0 {
			c.why = "it opens nothing yet"
		}
		c.run(t)
	}
}

func TestReasonCondition(t *testing.T) {
	reason := func(reason string) func(*Token) { return func(t *Token) { t.Reason = reason } }
	ticket := manifest.PATCondition{Reason: "[A-Z]+-[0-9]+"}
	for _, c := range []conditionTest{
		{of: ticket, kind: Request, want: Yes, why: `the owner's reason has it: "nightly report, OPS-12"`},
		{of: ticket, kind: Request, token: reason("please"), want: No, why: `the owner's reason does not: "please"`},
		{of: ticket, kind: Request, token: reason(""), want: No, why: "the owner gave none"},
		{of: ticket, token: reason("OPS-12"), want: No, why: "only a request has one"},
	} {
		c.run(t)
	}
}

func TestCredentialConditions(t *testing.T) {
	credential := func(prose string) func(*Token) { return func(t *Token) { t.Credential, t.Scopes = prose, nil } }
	has := func(scopes ...string) func(*Token) { return func(t *Token) { t.Scopes = scopes } }
	admin := manifest.PATCondition{Scopes: []string{"admin:org", "delete_repo"}}
	for _, c := range []conditionTest{
		{of: manifest.PATCondition{Kind: "classic"}, want: Yes, why: "GitHub says personal access token"},
		{
			of:    manifest.PATCondition{Kind: "fine-grained"},
			token: credential("Fine-grained personal access token"), want: Yes, why: "GitHub says Fine-grained personal access token",
		},
		{of: manifest.PATCondition{Kind: "ssh-key"}, token: credential("SSH key"), want: Yes, why: "GitHub says SSH key"},
		{
			of:    manifest.PATCondition{Kind: "oauth-app"},
			token: credential("OAuth app token"), want: Yes, why: "GitHub says OAuth app token",
		},
		{
			of:    manifest.PATCondition{Kind: "github-app"},
			token: credential("GitHub app token"), want: Yes, why: "GitHub says GitHub app token",
		},
		{of: manifest.PATCondition{Kind: "classic"}, token: credential("SSH key"), want: No, why: "GitHub says SSH key"},
		{
			of:    manifest.PATCondition{Kind: "classic"},
			token: credential("passkey"), want: Unknown, why: `GitHub says "passkey", which this release does not know`,
		},
		{
			of:    manifest.PATCondition{Kind: "classic"},
			token: credential(""), want: Unknown, why: `GitHub says "", which this release does not know`,
		},
		{of: manifest.PATCondition{Kind: "classic"}, kind: Grant, want: No, why: "it is no authorization"},

		{of: admin, token: has("repo", "Admin:Org"), want: Yes, why: "it has Admin:Org"},
		{of: admin, token: has("repo", "write:org"), want: No, why: "it has none of them"},
		{of: admin, token: has(), want: Unknown, why: "GitHub does not say its scopes"},
		{of: admin, token: func(t *Token) { t.Scopes = []string{} }, want: No, why: "it has none of them"},
		{of: admin, token: credential("OAuth app token"), want: Unknown, why: "GitHub does not say its scopes"},
		{of: admin, token: credential("passkey"), want: Unknown, why: "GitHub does not say its scopes"},
		{of: admin, token: credential("SSH key"), want: No, why: "it has no scopes"},
		{of: admin, kind: Grant, want: No, why: "it has no scopes"},
	} {
		if c.kind == "" {
			c.kind = Authorization
		}
		c.run(t)
	}
}

// A condition that the manifest gains is one that rules ask.
func TestEveryConditionIsAsked(t *testing.T) {
	full := manifest.PATCondition{
		Owner: "mona*", Team: "platform", Membership: "member", Repositories: repositories(t, "acme/api"),
		AnyRepository: repositories(t, "acme/api"), RepositoryScope: "all",
		AnyOf:         &manifest.PATPermissions{Organization: map[string]string{"members": "write"}},
		AtMost:        &manifest.PATPermissions{Repository: map[string]string{"issues": "read", "contents": "write"}},
		ExpiresWithin: 14 * day, NeverExpires: true, LifetimeOver: 36 * time.Hour, UnusedFor: 90 * day, GrantedFor: 30 * day,
		WaitingFor: 90 * time.Minute, Reason: "[A-Z]+", TokenName: "ci *", WouldBe: "deny", Kind: "ssh-key",
		Scopes: []string{"repo", "gist"},
	}
	want := []string{
		"owner: mona*", "team: platform", "membership: member", "repositories: [acme/api]", "any-repository: [acme/api]", "selection: all",
		"any-of: {organization: {members: write}}", "at-most: {repository: {contents: write, issues: read}}", "expires-within: 14d",
		"never-expires: true", "lifetime-over: 36h", "unused-for: 90d", "granted-for: 30d", "waiting-for: 90m", "reason: [A-Z]+",
		"token-name: ci *", "would-be: deny", "kind: ssh-key", "scopes: [repo, gist]",
	}
	asked := map[string]bool{}
	for i := range reflect.TypeFor[manifest.PATCondition]().NumField() {
		name := reflect.TypeFor[manifest.PATCondition]().Field(i).Name
		if name == "Position" {
			continue
		}
		var one manifest.PATCondition
		reflect.ValueOf(&one).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		conditions, err := conditions(Grant, &one, nil)
		if err != nil || len(conditions) != 1 {
			t.Fatalf("%s: got %d conditions, %v", name, len(conditions), err)
		}
		asked[conditions[0].text] = true
	}
	if got := slices.Sorted(maps.Keys(asked)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("got %q, want %q", got, want)
	}
}
