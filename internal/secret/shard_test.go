package secret

import (
	"fmt"
	"testing"
)

func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"0/1": {0, 1}, "3/10": {3, 10}, "255/256": {255, 256}} {
		if got, err := ParseShard(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "3", "/", "10/10", "0/0", "-1/3", "+1/3", "1/2/3", " 1/2", "0/257", "99999999999/99999999999"} {
		want := fmt.Sprintf("shard %q is not INDEX/TOTAL, with an index from 0 and a total of at most 256 (hint: write shard: ${{ "+
			"strategy.job-index }}/${{ strategy.job-total }})",
			text)
		if _, err := ParseShard(text); err == nil || err.Error()+hinted(err) != want {
			t.Errorf("%v", err)
		}
	}
}

// Each place has one owner, and each shard its part. One more job takes its
// part from all of the others and moves nothing else.
func TestShards(t *testing.T) {
	const n = 10_000
	owner := func(p Place, total int) int {
		t.Helper()
		found := -1
		for i := range total {
			if (Shard{i, total}).Owns(p) {
				if found >= 0 {
					t.Fatalf("%s is in %d and %d of %d", p, found, i, total)
				}
				found = i
			}
		}
		if found < 0 {
			t.Fatalf("%s is in none of %d", p, total)
		}
		return found
	}
	for _, total := range []int{1, 2, 3, 10, 11} {
		part, moved := make([]int, total), 0
		for i := range n {
			p := Place{Owner: "acme", Repository: fmt.Sprintf("service-%d", i), App: "actions"}
			mine := owner(p, total)
			part[mine]++
			if next := owner(p, total+1); next != mine {
				moved++
				if next != total {
					t.Fatalf("%s moves from %d to %d of %d", p, mine, next, total+1)
				}
			}
		}
		for i, got := range part {
			if want := n / total; got < want*85/100 || got > want*115/100 {
				t.Errorf("%d/%d has %d, want about %d", i, total, got, want)
			}
		}
		if want := n / (total + 1); moved < want*85/100 || moved > want*115/100 {
			t.Errorf("%d of %d moved from %d shards, want about %d", moved, n, total, want)
		}
	}
	for _, p := range []Place{{"ACME", "Api", "", "dependabot"}, {"acme", "api", "production", "actions"}} {
		if owner(p, 7) != owner(apiActions, 7) {
			t.Errorf("%s is not where its repository is", p)
		}
	}
	if !(Shard{}).Owns(apiActions) || !(Shard{}).Owns(acmeOrg) {
		t.Error("the zero shard is not all")
	}
}

// State files rely on the owners of places.
func TestShardsStay(t *testing.T) {
	got := ""
	for i := range 16 {
		for s := range 10 {
			if (Shard{s, 10}).Owns(Place{Owner: "acme", Repository: fmt.Sprint("r", i)}) {
				got += fmt.Sprint(s)
			}
		}
	}
	if want := "2706945252446368"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
