package fleet

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/secret"
)

// A shard gets its own secrets, and knows those of the others.
func TestResolveShards(t *testing.T) {
	const n = 20
	x := newFixture(t, n)
	file := parsed(t, `secrets: [{name: VALUE, to: [{repositories: ["acme/*"]}]}]`)
	owned := map[string]int{}
	for i := range 3 {
		shard, err := secret.ParseShard(fmt.Sprintf("%d/3", i))
		if err != nil {
			t.Fatal(err)
		}
		v, err := x.Resolve(t.Context(), file, shard, opensesame)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range v.Wanted {
			owned[w.Repository]++
		}
		for i := range n {
			if !v.IsWanted(inRepository(i), "VALUE") {
				t.Errorf("r%d is not wanted", i)
			}
		}
		if spreads := v.Spreads(); len(spreads) != 1 || spreads[0].Repositories != n {
			t.Errorf("%+v", spreads)
		}
	}
	for i := range n {
		if name := inRepository(i).Repository; owned[name] != 1 {
			t.Errorf("%d shards have %s", owned[name], name)
		}
	}
	if got := x.count("GET", "/installation/repositories"); got != 1 {
		t.Errorf("the repositories were listed %d times", got)
	}
}

// The spread of a value shows where one secret of an organization could replace
// many.
func TestSpreads(t *testing.T) {
	x := newNamedFixture(t)
	v := x.resolve(t, `
secrets:
  - {name: EVERYWHERE, to: [{repositories: ["acme/*"]}, {repositories: [Globex/r7]}]}
  - {name: SOME, to: [{repositories: ["acme/r*"]}]}
  - {name: OTHERS, to: [{repositories: [acme/r0], environments: [a]}, {organization: acme}, {repositories: [acme/r0], apps: [dependabot]}]}
  - {name: FRESH, from: mint, mint: {repositories: [acme/r0], permissions: {contents: read}}, to: [{repositories: ["acme/*"]}]}
`)
	want := []Spread{{"EVERYWHERE", "acme", 3, true}, {"EVERYWHERE", "Globex", 1, false}, {"SOME", "acme", 2, false}}
	if diff := cmp.Diff(want, v.Spreads()); diff != "" {
		t.Error(diff)
	}
}

// A secret that a rotation stores counts as wanted, though only the rotation
// writes it.
func TestWhatARotationStoresIsWanted(t *testing.T) {
	x := newFixture(t, 2)
	v := x.resolve(t, `
secrets: [{name: VALUE, to: [{repositories: [acme/r0]}]}]
rotations:
  - name: webhook
    random: {}
    every: 90d
    store: [{repository: acme/r1, secret: WEBHOOK, apps: [actions, dependabot]}, {organization: acme, secret: WEBHOOK}]
`)
	if len(v.Wanted) != 1 {
		t.Errorf("wanted %v", v.Wanted)
	}
	for at, want := range map[secret.Place]bool{
		inRepository(1): true,
		{Owner: "acme", Repository: "r1", App: "dependabot"}: true,
		{Owner: "ACME", App: "actions"}:                      true,
		{Owner: "acme", Repository: "r1", App: "codespaces"}: false,
		inRepository(0): false,
	} {
		if got := v.IsWanted(at, "webhook"); got != want {
			t.Errorf("%s: %t", at, got)
		}
	}
}
