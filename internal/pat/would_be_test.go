package pat

import (
	"slices"
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
)

// The rules for requests are asked about a grant: in order, and up to the first
// that may match.
func TestWouldBe(t *testing.T) {
	rule := func(name, do string, of manifest.PATCondition) manifest.PATRule {
		return manifest.PATRule{Name: name, Do: do, If: of, Audit: true}
	}
	team := Fact{Team: "platform"}
	inTeam := manifest.PATCondition{Team: "platform"}
	writes := manifest.PATCondition{AnyOf: &manifest.PATPermissions{Repository: map[string]string{"contents": "write"}}}
	for name, c := range map[string]struct {
		requests []manifest.PATRule
		facts    Facts
		want     map[string]Answer // by what would-be asks for
		why      string
		missed   []Fact
	}{
		"denied": {
			requests: []manifest.PATRule{rule("too much", "deny", writes)},
			want:     map[string]Answer{"deny": Yes, "approve": No}, why: `rule "too much" would deny`,
		},
		"the first decides": {
			requests: []manifest.PATRule{rule("bots", "approve", manifest.PATCondition{Owner: "mona*"}), rule("too much", "deny", writes)},
			want:     map[string]Answer{"deny": No, "approve": Yes}, why: `rule "bots" would approve`,
		},
		"left to a person": {
			requests: []manifest.PATRule{rule("ask", "wait", writes), rule("too much", "deny", writes)},
			want:     map[string]Answer{"deny": No, "approve": No}, why: `rule "ask" would wait`,
		},
		"what only requests have": {
			requests: []manifest.PATRule{
				rule("old", "deny", manifest.PATCondition{WaitingFor: day}), rule("ticket", "approve", manifest.PATCondition{Reason: ".?"}),
			},
			want: map[string]Answer{"deny": No, "approve": No}, why: "no rule for requests matches it",
		},
		"no rules": {want: map[string]Answer{"deny": No}, why: "no rule for requests matches it"},
		"not known yet": {
			requests: []manifest.PATRule{rule("team", "approve", inTeam), rule("too much", "deny", writes)},
			want:     map[string]Answer{"deny": Unknown, "approve": Unknown}, missed: []Fact{team},
			why: `rule "team" may match: who belongs to team platform is not known yet`,
		},
		"not to be known": {
			requests: []manifest.PATRule{rule("team", "approve", inTeam), rule("too much", "deny", writes)},
			facts:    Facts{Failed: map[Fact]string{team: "404"}},
			want:     map[string]Answer{"deny": Unknown, "approve": Unknown},
			why:      `rule "team" may match: who belongs to team platform could not be found out: "404"`,
		},
		"of no matter": {
			requests: []manifest.PATRule{rule("team", "approve", manifest.PATCondition{Team: "platform", Owner: "hubot"})},
			want:     map[string]Answer{"approve": No}, why: "no rule for requests matches it",
		},
	} {
		for wanted, answer := range c.want {
			p, err := Compile(&manifest.PATs{
				Organizations: []string{"acme"}, Requests: c.requests,
				Grants: []manifest.PATRule{rule("drifted", "notice", manifest.PATCondition{WouldBe: wanted})},
			})
			if err != nil {
				t.Fatal(err)
			}
			d := p.Decide(Protection{}, token(Grant), &c.facts, noon)
			part := d.Steps[0].Parts[0]
			if len(d.Steps) != 1 || part.Answer != answer || part.Why != c.why || !slices.Equal(d.Missing, c.missed) {
				t.Errorf("%s: %s: got %s: %s, missing %v", name, wanted, part.Answer, part.Why, d.Missing)
			}
		}
	}
}
