package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/githubapp"
)

func TestExpand(t *testing.T) {
	var have []githubapp.Repository
	for _, name := range []string{"svc-a", "svc-b", "Svc-Legacy", "web", "svc-old"} {
		have = append(have, githubapp.Repository{Name: name, Archived: name == "svc-old"})
	}
	many := make([]githubapp.Repository, 501)
	for i := range many {
		many[i].Name = fmt.Sprintf("r%d", i)
	}
	for _, c := range []struct {
		patterns string
		have     []githubapp.Repository
		archived bool
		want     string
		err      string
	}{
		{"svc-*", have, false, "Svc-Legacy svc-a svc-b", ""},
		{"svc-* !svc-legacy", have, false, "svc-a svc-b", ""},
		{"!svc-legacy * ", have, false, "svc-a svc-b web", ""},
		{"svc-*", have, true, "Svc-Legacy svc-a svc-b svc-old", ""},
		{"svc-? svc-old", have, false, "svc-a svc-b svc-old", ""},
		{"web missing svc-?", have, false, "missing svc-a svc-b web", ""},
		{"web !web svc-a*", have, false, "svc-a", ""},
		{"acme/svc-[ab]", have, false, "svc-a svc-b", ""},
		{"x*", have, false, "", "input repositories: its patterns match none of the 5 repositories that the App reaches"},
		{"svc-* zzz-*", have, false, "", `input repositories: "zzz-*" matches none of the 5 repositories that the App reaches`},
		{"* !wbe !zzz-*", have, false, "", `input repositories: "!wbe" matches none of the 5 repositories that the App reaches` + "\n" +
			`input repositories: "!zzz-*" matches none of the 5 repositories that the App reaches`},
		{"web zzz-*", have, false, "", `input repositories: "zzz-*" matches none of the 5 repositories that the App reaches`},
		{"web *-old", have, false, "", `input repositories: "*-old" matches none of the 5 repositories that the App reaches`},
		{"web *-old", have, true, "svc-old web", ""},
		{"svc-? !svc-old", have, false, "svc-a svc-b", ""}, // it is there, though archived
		{"svc-? !web", have, false, "svc-a svc-b", ""},
		{"r*", many, false, "", "input repositories: its patterns match 501 repositories, and GitHub lets a token name 500"},
	} {
		t.Run(c.patterns, func(t *testing.T) {
			var p patterns
			for _, entry := range strings.Fields(c.patterns) {
				glob, excluded := strings.CutPrefix(strings.TrimPrefix(entry, "acme/"), "!")
				if excluded {
					p.Exclude = append(p.Exclude, glob)
				} else {
					p.Include = append(p.Include, glob)
				}
			}
			got, err := p.expand(c.have, c.archived)
			if fmt.Sprint(err) != c.err && (err != nil || c.err != "") {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A pattern that matches nothing is reported with what may have been meant.
func TestIdlePatternsHint(t *testing.T) {
	have := []githubapp.Repository{{Name: "Payments"}, {Name: "web"}, {Name: "web-old", Archived: true}}
	for _, c := range []struct {
		p    patterns
		hint string
	}{
		{patterns{Include: []string{"*"}, Exclude: []string{"paymnets"}}, "did you mean !Payments?"},
		{patterns{Include: []string{"web", "*-old"}}, "it matches archived ones only: include-archived: true takes them too"},
		{patterns{Include: []string{"web", "zzz-*"}}, "take it out, or check which repositories the installation selects"},
	} {
		_, err := c.p.expand(have, false)
		var fault actions.Fault
		if !errors.As(err, &fault) || fault.Hint != c.hint {
			t.Errorf("%v: hint %q, want %q", c.p, fault.Hint, c.hint)
		}
	}
}

// Patterns take a first token that can only list names. It is revoked at once.
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		name, repositories, want string
		requests                 int
		line                     string
	}{
		{"a pattern", "w*", `["acme/web"]`, 5, ""},
		{"with an owner, and one left out", "acme/*, !api", `["acme/web"]`, 5, ""},
		{"all, said explicitly", "*", `["acme/*"]`, 2, ""},
		{"a name beside a pattern", "api w*", `["acme/api","acme/web"]`, 5, ""},
		{"nothing matches", "x*", "", 4, "input repositories: its patterns match none of the 2 repositories that the App reaches"},
		{
			"an exclusion that matches nothing", "*, !wbe", "", 4,
			`input repositories: "!wbe" matches none of the 2 repositories that the App reaches`,
		},
		{
			"a pattern that matches nothing beside a name", "api, zzz-*", "", 4,
			`input repositories: "zzz-*" matches none of the 2 repositories that the App reaches`,
		},
		{"a JSON array", `["w*", "!api"]`, `["acme/web"]`, 5, ""},
		{"nothing to take", "!api", "", 0, "input repositories: only says what to leave out"},
		{"no pattern", "[", "", 0, "input repositories: a text of 1 characters is not a pattern"},
		{"another owner's", "evil/*", "", 0, `input repositories: "evil/*" belongs to another owner than acme`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStep(t, map[string]string{"INPUT_REPOSITORIES": c.repositories})
			s.run(t, "mint")
			if line, _ := s.annotation("error"); line != c.line {
				t.Errorf("error %q, want %q", line, c.line)
			}
			if len(s.Requests()) != c.requests {
				t.Errorf("asked %s, want %d requests", s.requests(), c.requests)
			}
			if strings.Contains(s.log.String(), "::notice::") {
				t.Errorf("the log has a notice: %s", s.log.String())
			}
			out, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
			if err != nil || out["repositories"] != c.want {
				t.Errorf("repositories %s, want %s (%v)", out["repositories"], c.want, err)
			}
			for i, token := range s.Tokens() {
				if last := c.want != "" && i == len(s.Tokens())-1; s.Alive(token.Value) != last {
					t.Errorf("token %d: alive is %v", i, !last)
				}
			}
			s.checkHidden(t)
		})
	}
}

// Archived repositories are left out, and a listing has pages.
func TestPatternsOverPages(t *testing.T) {
	s := newStep(t, map[string]string{"INPUT_OWNER": "monalisa", "INPUT_REPOSITORIES": "lib-*"})
	for i := range 250 {
		s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: fmt.Sprintf("lib-%03d", i), Archived: i%2 == 0})
	}
	s.run(t, "mint")
	if !strings.Contains(s.log.String(), "the patterns match 125 of 251 repositories: lib-001, lib-003, ") {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
}
