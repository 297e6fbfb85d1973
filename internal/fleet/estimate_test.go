package fleet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/secret"
)

// A plan takes as long as the owner whose limits it uses up most. A token has
// one owner's limits for all.
func TestEstimate(t *testing.T) {
	type costs = map[string]secret.Cost
	two := costs{"acme": {Points: 90}, "globex": {Requests: 36, Points: 180}}
	for _, c := range []struct {
		name           string
		points, hourly int // GitHub's limits; 0: none
		byToken        bool
		costs          costs
		least          time.Duration
		owner          string
	}{
		{name: "nothing", points: 60},
		{name: "within the minute", points: 60, costs: costs{"acme": {Requests: 12, Points: 60}}},
		{name: "points", points: 60, costs: costs{"acme": {Requests: 30, Points: 90}}, least: 90 * time.Second},
		{name: "points of two", points: 60, costs: two, least: 3 * time.Minute},
		{name: "points of two, by a token", points: 60, byToken: true, costs: two, least: 270 * time.Second},
		{name: "no limit of points", costs: costs{"acme": {Requests: 1 << 10, Points: 1 << 20}}},
		{name: "within the hour", hourly: 100, costs: costs{"acme": {Requests: 90}}},
		{name: "beyond the hour", hourly: 100, costs: costs{"acme": {Requests: 110}}, least: time.Hour, owner: "Acme"},
		{
			name: "hours", points: 60, hourly: 100, costs: costs{"acme": {Requests: 290, Points: 290}, "globex": {Points: 90}},
			least: 2 * time.Hour, owner: "Acme",
		},
		{name: "points for longer", points: 1, hourly: 100, costs: costs{"acme": {Requests: 110, Points: 110}}, least: 110 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 1)
				x.SetRequestsPerHour(c.hourly)
				config := x.app()
				config.Points = c.points
				x.use(t, config)
				x.Need("Acme", "r0", "secrets")
				if err := x.look0(t.Context()); err != nil { // GitHub tells what the hour has left
					t.Fatal(err)
				}
				if c.byToken {
					x.use(t, Config{Token: x.leases[leaseKey{"acme", ofRepositories}].current.Value, Points: c.points})
				}
				got := x.Estimate(c.costs)
				off := (got.Least - c.least).Abs()
				if off > time.Second || got.Owner != c.owner || (got.Quota.Limit > 0) != (c.owner != "") {
					t.Errorf("got %+v, want %s by %q", got, c.least, c.owner)
				}
			})
		})
	}
}
