package pat

import (
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

func TestProtection(t *testing.T) {
	for name, c := range map[string]struct {
		run    Protection
		policy manifest.PATProtection
		token  func(*Token)
		want   string // empty: not protected
	}{
		"nothing": {},
		"an owner": {
			policy: manifest.PATProtection{Owners: []string{"hubot", "MONALISA"}},
			want:   "the policy protects its owner",
		},
		"an owner, by the run": {
			run:  Protection{Policy: manifest.PATProtection{Owners: []string{"monalisa"}}},
			want: "the policy protects its owner",
		},
		"owners, as a pattern": {
			policy: manifest.PATProtection{Owners: []string{"mona*"}},
			want:   "the policy protects its owner",
		},
		"another owner": {policy: manifest.PATProtection{Owners: []string{"mona"}, TokenIDs: []int64{25}}},
		"a token": {
			policy: manifest.PATProtection{TokenIDs: []int64{1, 98716}},
			want:   "the policy protects the token",
		},
		"perhaps a token": {
			policy: manifest.PATProtection{TokenIDs: []int64{1}}, token: func(t *Token) { t.TokenID = 0 },
			want: "the policy protects tokens by id, and GitHub does not say the id of this one",
		},
		"no id, none protected": {token: func(t *Token) { t.TokenID = 0 }},
		"who started the run": {
			run:  Protection{Owners: map[string]string{"monalisa": "it started this run"}},
			want: "it started this run",
		},
		"somebody else's run": {run: Protection{Owners: map[string]string{"hubot": "it started this run"}}},
		"protected before judged": {
			policy: manifest.PATProtection{Owners: []string{"monalisa"}}, token: func(t *Token) { t.Since = time.Time{} },
			want: "the policy protects its owner",
		},
	} {
		for kind := range may {
			source := manifest.PATs{Organizations: []string{"acme"}, Enforce: true, Protect: c.policy}
			*listOf(&source, kind) = []manifest.PATRule{{Name: "it", Do: does[kind], If: always}}
			p, err := Compile(&source)
			if err != nil {
				t.Fatal(err)
			}
			subject := token(kind)
			if c.token != nil {
				c.token(subject)
			}
			d := p.Decide(c.run, subject, nil, noon)
			if c.want == "" && string(d.Action) != does[kind] {
				t.Errorf("%s: got %s", name, d)
			}
			if c.want != "" && (d.Action != Skip || d.Reason != c.want || d.Rule != "" || d.Steps != nil) {
				t.Errorf("%s: got %s", name, d)
			}
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "abc", true},
		{"?", "", false},
		{"?", "é", true},
		{"??", "é", false},
		{"a*c", "abbc", true},
		{"a*c", "abcb", false},
		{"*bot*", "my bot 7", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
		{`\*`, `\x`, true},
		{"report", "report bot", false},
		{strings.Repeat("a*", 50) + "b", strings.Repeat("a", 10_000), false},
	} {
		if got := matches(c.pattern, c.text); got != c.want {
			t.Errorf("%.20s, %.20s: got %v", c.pattern, c.text, got)
		}
	}
}
