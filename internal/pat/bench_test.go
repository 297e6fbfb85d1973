package pat

import (
	"fmt"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// A run over 5,000 grants with the rules of a large organization; all facts are
// at hand.
func BenchmarkDecide(b *testing.B) {
	writes := &manifest.PATPermissions{Repository: map[string]string{"contents": "write"}}
	read := &manifest.PATPermissions{Repository: map[string]string{"contents": "read", "metadata": "read", "actions": "read"}}
	p, err := Compile(&manifest.PATs{
		Organizations: []string{"acme"},
		Requests: []manifest.PATRule{
			{Name: "CI readers", Do: "approve", If: manifest.PATCondition{
				Team: "platform", Repositories: repositories(b, "acme/ci-*"), AtMost: read,
				ExpiresWithin: 30 * day, Reason: "[A-Z]+-[0-9]+",
			}},
			{Name: "too much", Do: "deny", If: manifest.PATCondition{AnyOf: &manifest.PATPermissions{
				Repository: map[string]string{"administration": "write", "secrets": "write", "workflows": "write"},
			}}},
		},
		Grants: []manifest.PATRule{
			{Name: "unused", Do: "revoke", If: manifest.PATCondition{UnusedFor: 90 * day, GrantedFor: 30 * day}},
			{Name: "no end", Do: "revoke", If: manifest.PATCondition{NeverExpires: true}},
			{Name: "left", Do: "revoke", If: manifest.PATCondition{Membership: "not-a-member"}},
			{Name: "infra", Do: "notice", If: manifest.PATCondition{AnyRepository: repositories(b, "acme/infra-*")}},
			{Name: "all repositories", Do: "notice", If: manifest.PATCondition{RepositoryScope: "all", AnyOf: writes}},
			{Name: "drifted", Do: "notice", If: manifest.PATCondition{WouldBe: "deny"}},
			{Name: "long", Do: "notice", If: manifest.PATCondition{LifetimeOver: 300 * day}},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	facts := &Facts{
		Members: map[string]bool{}, Teams: map[string]map[string]bool{"platform": {}}, Repositories: map[Listed][]string{},
	}
	tokens := make([]*Token, 5000)
	for i := range tokens {
		tokens[i] = token(Grant, func(t *Token) {
			t.ID, t.Owner = int64(i+1), fmt.Sprintf("person-%d", i)
			t.LastUsed = noon.Add(-time.Duration(i%100) * day)
			facts.Members[t.Owner] = i%50 != 0
			facts.Repositories[Listed{Grant, t.ID}] = []string{"acme/api", "acme/web", fmt.Sprintf("acme/ci-%d", i)}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		decisions := make([]Decision, len(tokens))
		for i, t := range tokens {
			decisions[i] = p.Decide(Protection{}, t, facts, noon)
		}
		if kept := decisions[1]; kept.Action != Keep || len(kept.Steps) != 7 {
			b.Fatal(kept)
		}
	}
}
