package pat

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// deny returns what a request is denied with.
func deny(t *testing.T, template string, facts Facts, change ...func(*Token)) Decision {
	t.Helper()
	p := compile(t, Request, manifest.PATRule{Name: "too much", Do: "deny", If: manifest.PATCondition{Owner: "*"}, Reason: template})
	return p.Decide(Protection{}, token(Request, change...), &facts, noon)
}

func TestReason(t *testing.T) {
	scope := func(scope string) func(*Token) { return func(t *Token) { t.Selection = scope } }
	of := Listed{Request, 25}
	opens := func(names ...string) Facts { return Facts{Repositories: map[Listed][]string{of: names}} }
	many := make([]string, 25)
	for i := range many {
		many[i] = fmt.Sprintf("acme/r%d", i)
	}
	for _, c := range []struct {
		template string
		facts    Facts
		token    func(*Token)
		want     string
	}{
		{template: "", want: ""},
		{template: "ask in #platform", want: "ask in #platform"},
		{
			template: "{owner}: {token} {expires} by {rule}; {owner}",
			want:     "Monalisa: report bot 2027-02-28 by too much; Monalisa",
		},
		{template: "{expires}", token: func(t *Token) { t.Expires = time.Time{} }, want: "never"},
		{template: "{permissions}", want: "contents: write, metadata: read"},
		{
			template: "{permissions}", want: "members: read (organization), gists: write (other)",
			token: func(t *Token) {
				t.Permissions = Permissions{Organization: map[string]string{"members": "read"}, Other: map[string]string{"gists": "write"}}
			},
		},
		{template: "{permissions}", token: func(t *Token) { t.Permissions = Permissions{} }, want: "no permissions"},
		{template: "{repositories}", facts: opens("acme/a", "acme/b"), want: "acme/a, acme/b"},
		{template: "{repositories}", facts: opens(many...), want: strings.Join(many[:20], ", ") + ", and 5 more"},
		{template: "{repositories}", facts: opens(), want: "some repositories"},
		{template: "{repositories}", token: scope("all"), want: "all repositories"},
		{template: "{repositories}", token: scope("none"), want: "no repositories"},
		{template: "{repositories}", token: scope("?"), want: "some repositories"},
		{template: "{repositories}", facts: Facts{Failed: map[Fact]string{{Repositories: of}: "404"}}, want: "some repositories"},
		{template: "one\n  two\t{token}", token: func(t *Token) { t.Name = "a\r\nb\u202e\x1b" }, want: `one two a b\u202e\x1b`},
		{template: "{token}", token: func(t *Token) { t.Name = "{owner} {rule}" }, want: "{owner} {rule}"}, // another's text is no template
		{template: "{token}", token: func(t *Token) { t.Name = "gh" + "o_" + rand.Text() }, want: hidden},
		{template: "{owner}", token: func(t *Token) { t.Owner = "gh" + "s_" + rand.Text() }, want: hidden},
		{
			template: "{token}", token: func(t *Token) { t.Name = strings.Repeat("ab ", 50) },
			want: strings.TrimSpace(strings.Repeat("ab ", 33)) + "…",
		},
	} {
		change := []func(*Token){}
		if c.token != nil {
			change = append(change, c.token)
		}
		if d := deny(t, c.template, c.facts, change...); d.Action != Deny || d.Reason != c.want {
			t.Errorf("%q: got %s %q, want %q", c.template, d.Action, d.Reason, c.want)
		}
	}
}

// What a template names is found out first, and only what it names.
func TestReasonAsksForRepositories(t *testing.T) {
	wanted := []Fact{{Repositories: Listed{Request, 25}}}
	if d := deny(t, "not for {repositories}", Facts{}); d.Action != Wait || !slices.Equal(d.Missing, wanted) {
		t.Errorf("got %s, missing %v", d, d.Missing)
	}
	if d := deny(t, "not for {owner}", Facts{}); d.Action != Deny || d.Missing != nil {
		t.Errorf("got %s, missing %v", d, d.Missing)
	}
}

// GitHub takes 1,024 characters. A list gives way before the words of the
// policy do.
func TestReasonIsShortEnough(t *testing.T) {
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprintf("acme/%s-%d", strings.Repeat("é", 60), i)
	}
	facts := Facts{Repositories: map[Listed][]string{{Request, 25}: many}}
	const after = " is for an App: see https://wiki.example/valetkey"
	if d := deny(t, "{permissions} on {repositories}"+after, facts); d.Reason != "2 permissions on 500 repositories"+after {
		t.Errorf("got %q", d.Reason)
	}
	facts.Repositories[Listed{Request, 25}] = []string{"acme/api"}
	wide := func(t *Token) {
		for i := range 20 {
			t.Permissions.Repository[strings.Repeat("x", 50)+string(rune('a'+i))] = "write"
		}
	}
	if d := deny(t, "{permissions} on {repositories}", facts, wide); d.Reason != "22 permissions on acme/api" {
		t.Errorf("got %q", d.Reason)
	}
	word := strings.Repeat("é", 9) + " "
	d := deny(t, strings.Repeat(word, 102)+"1234", Facts{}) // 1,024 characters
	if d.Reason != strings.Repeat(word, 102)+"1234" {
		t.Errorf("got %q", d.Reason)
	}
	d = deny(t, strings.Repeat(word, 102)+"12345", Facts{})
	if d.Reason != strings.TrimSpace(strings.Repeat(word, 102))+"…" {
		t.Errorf("got %q", d.Reason)
	}
	d = deny(t, "a "+strings.Repeat("é", 2000), Facts{})
	if d.Reason != "a "+strings.Repeat("é", 1021)+"…" {
		t.Errorf("got %q", d.Reason)
	}
}
