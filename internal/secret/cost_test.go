package secret

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// A run costs what a dry run says.
func TestCost(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		org := fakegithub.Place(acmeOrg)
		wanted := []Wanted{
			wants(acmeOrg, "SOME", "1"), wants(acmeOrg, "NEW", "2"), wants(apiActions, "A", "3"), wants(apiActions, "B", "4"),
			wants(production, "C", "5"),
		}
		wanted[4].CreateEnvironment = true
		f.SetSecret(org, fakegithub.Secret{Name: "SOME", Value: "old", Visibility: "selected", Repositories: []string{"web"}})
		for round, list := range [][]Wanted{wanted, wanted, wanted[:3]} {
			time.Sleep(2 * time.Second)
			plan := f.sync(prune, func(s *Sync) { s.ListAll = true }).Plan(t.Context(), list, nil)
			f.requests()
			s := f.sync(prune)
			if _, err := s.Apply(t.Context(), s.Plan(t.Context(), list, nil)); err != nil {
				t.Fatal(err)
			}
			var got Cost
			for _, r := range f.requests() {
				if strings.HasPrefix(r, "GET ") {
					got.reads(1)
				} else {
					got.writes(1)
				}
			}
			if want := []Cost{{15, 39}, {3, 3}, {9, 17}}[round]; got != want || plan.Cost() != want {
				t.Errorf("round %d: %+v, planned %+v, want %+v", round, got, plan.Cost(), want)
			}
		}
		if plan := f.sync().Plan(t.Context(), wanted[:4], nil); plan.Count(Keep) != 3 || plan.Count(Create) != 1 {
			t.Errorf("%+v", plan.Changes)
		}
	})
}

func TestManyPages(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		var wanted []Wanted
		for i := range 250 {
			wanted = append(wanted, wants(acmeOrg, fmt.Sprintf("S%03d", i), fmt.Sprint(i)))
		}
		f.run(wanted)
		f.checkSeen(wanted)
		f.requests()
		for _, line := range f.run(wanted) {
			if !strings.HasSuffix(line, "unchanged") {
				t.Error(line)
			}
		}
		if n := len(f.requests()); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}
