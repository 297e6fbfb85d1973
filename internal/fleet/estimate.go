package fleet

import (
	"maps"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/secret"
)

// Estimate is how long calls take at least under GitHub's limits, as far as
// they are known.
type Estimate struct {
	Least time.Duration
	Owner string          // whose hourly limit causes it; empty if the limit of points does
	Quota githubapp.Quota // what that owner's hour has left
}

// Estimate returns how long calls with these costs take, by owner in lower case.
// Sending more of them at once is no faster, since an installation has the
// limits.
func (f *Fleet) Estimate(costs map[string]secret.Cost) Estimate {
	var longest Estimate
	for _, name := range slices.Sorted(maps.Keys(costs)) {
		cost := costs[name]
		if f.byToken() { // the limits are the token's
			cost = secret.Cost{}
			for _, part := range costs {
				cost = cost.Add(part)
			}
		}
		if e := f.owner(name).estimate(cost, f.config.Points, f.config.API.Now()); e.Least > longest.Least {
			longest = e
		}
	}
	return longest
}

func (o *owner) estimate(cost secret.Cost, points int, now time.Time) (e Estimate) {
	if points > 0 && cost.Points > points {
		e.Least = time.Duration(cost.Points) * time.Minute / time.Duration(points)
	}
	quota := o.limiter.Quota()
	if quota.Limit == 0 || cost.Requests <= quota.Remaining {
		return e
	}
	hours := (cost.Requests - quota.Remaining + quota.Limit - 1) / quota.Limit
	if wait := quota.Reset.Sub(now) + time.Duration(hours-1)*time.Hour; wait > e.Least {
		e = Estimate{wait, o.name, quota}
	}
	return e
}
