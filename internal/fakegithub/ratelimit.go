package fakegithub

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// primaryLimits are requests per hour
// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
// The limit of a JWT is unconfirmed.
var primaryLimits = map[string]int{anonymous: 60, "app": 5000, "installation": 5000, "user": 5000}

// bucket is the primary rate limit of one caller. All tokens of an installation
// share one.
type bucket struct {
	limit, used int
	reset       time.Time
}

// countRequest takes one request from the caller's bucket, or refuses the call.
func (c *call) countRequest() *answer {
	if c.config.EnterpriseServer || c.route.auth == website {
		return nil // off by default on GitHub Enterprise Server
	}
	name := c.bucketName()
	b := c.buckets[name]
	if b == nil || !c.now.Before(b.reset) {
		b = &bucket{limit: c.primaryLimit(), reset: c.now.Add(time.Hour).Truncate(time.Second)}
		c.buckets[name] = b
	}
	c.bucket = b
	if c.route.pattern == "/rate_limit" {
		return nil // free of charge
	}
	if b.used >= b.limit {
		return refuse(c.failDoc(http.StatusForbidden, "API rate limit exceeded for "+name+".",
			"/using-the-rest-api/rate-limits-for-the-rest-api"))
	}
	b.used++
	return nil
}

// primaryLimit grows with the repositories of an installation. On GitHub it
// also grows with users, and there are none here.
func (c *call) primaryLimit() int {
	switch {
	case c.token == nil:
		return primaryLimits[c.bucketKind]
	case c.limits.perHour > 0:
		return c.limits.perHour
	}
	repositories := len(c.token.installation.repositoryIDs)
	if c.token.installation.All {
		repositories = len(c.reach(c.token.installation))
	}
	return min(primaryLimits[c.bucketKind]+50*max(0, repositories-20), 12500)
}

// bucketName returns the name of the caller's bucket, as GitHub's message has
// it.
func (c *call) bucketName() string {
	switch {
	case c.token != nil:
		return fmt.Sprintf("installation ID %d", c.token.installation.ID)
	case c.personalToken != nil:
		return "user " + c.personalToken.Login
	case c.app != nil:
		return fmt.Sprintf("app ID %d", c.app.ID)
	}
	return c.address()
}

// uncountRequest gives the request back.
func (c *call) uncountRequest(h http.Header) {
	if c.bucket != nil && c.bucket.used > 0 {
		c.bucket.used--
		c.bucket.describe(h)
	}
}

func (b *bucket) describe(h http.Header) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(b.limit-b.used))
	h.Set("X-Ratelimit-Used", strconv.Itoa(b.used))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	h.Set("X-Ratelimit-Resource", "core")
}

func (b *bucket) body() map[string]any {
	return map[string]any{"limit": b.limit, "used": b.used, "remaining": b.limit - b.used, "reset": b.reset.Unix()}
}

// rateLimit is GET /rate_limit. Of the resources only core is real; the others
// only show that they exist.
func rateLimit(c *call) answer {
	if c.config.EnterpriseServer {
		return c.fail(http.StatusNotFound, "Rate limiting is not enabled.") // text unconfirmed
	}
	resources := map[string]any{"core": c.bucket.body()}
	for name, limit := range map[string]int{"search": 30, "graphql": 5000, "integration_manifest": 5000} {
		resources[name] = (&bucket{limit: limit, reset: c.now.Add(time.Minute)}).body()
	}
	body := map[string]any{"resources": resources}
	if !c.atLeast("2026-03-10") {
		body["rate"] = c.bucket.body()
	}
	return ok(body)
}
