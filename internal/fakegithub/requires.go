package fakegithub

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// ruledRoute is the stand-in for an operation without a handler that Config.Requires knows: it opens for a token whose
// permissions satisfy one of the alternatives, and does nothing.
func (c *call) ruledRoute() (*route, map[string]string) {
	if c.config.Requires == nil {
		return nil, nil
	}
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	alternatives, known := c.config.Requires(method, c.path)
	if !known {
		return nil, nil
	}
	params := map[string]string{}
	if segments, ok := pathSegments(c.path); ok && len(segments) > 3 && segments[1] == "repos" {
		params = map[string]string{"owner": segments[2], "repo": segments[3]}
	}
	return &route{
		method: method, pattern: c.path, auth: installationToken, accepts: acceptsHeader(alternatives),
		serve: func(c *call) answer { return c.rule(alternatives) },
	}, params
}

// rule answers an operation by permissions alone. A repository that the token cannot see is not there.
func (c *call) rule(alternatives []map[string]string) answer {
	if c.params["repo"] != "" {
		repo, moved := c.namedRepository()
		switch {
		case repo == nil || !c.mayRead(repo):
			return c.notFound()
		case moved:
			return c.movedTo(repo)
		case c.route.method != http.MethodGet && !c.token.covers(repo): // a public one, which anyone may read
			return c.fail(http.StatusForbidden, "Resource not accessible by integration")
		}
	}
	satisfied := func(wanted map[string]string) bool {
		for key, level := range wanted {
			if !allows(c.token.permissions, key, level) {
				return false
			}
		}
		return true
	}
	switch {
	case len(alternatives) > 0 && !slices.ContainsFunc(alternatives, satisfied):
		return c.fail(http.StatusForbidden, "Resource not accessible by integration")
	case c.route.method == http.MethodDelete:
		return noContent()
	}
	return ok(map[string]any{})
}

// acceptsHeader writes alternatives as X-Accepted-GitHub-Permissions does: a comma means and, a semicolon or.
func acceptsHeader(alternatives []map[string]string) string {
	var list []string
	for _, wanted := range alternatives {
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			parts = append(parts, key+"="+wanted[key])
		}
		list = append(list, strings.Join(parts, ","))
	}
	return strings.Join(list, "; ")
}
