package fakegithub

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// routeByPermissions returns a route that stands in for an operation that
// Config.Requires knows. It checks that the token's permissions satisfy one of
// the alternatives, and does nothing.
func (c *call) routeByPermissions() (*route, map[string]string) {
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
		serve: func(c *call) answer { return c.answerByPermissions(alternatives) },
	}, params
}

// answerByPermissions answers by the permissions alone. A repository that the
// token cannot see is a 404.
func (c *call) answerByPermissions(alternatives []map[string]string) answer {
	if c.params["repo"] != "" {
		repo, refused := c.visibleRepository()
		switch {
		case refused != nil:
			return *refused
		case c.route.method != http.MethodGet && !c.token.covers(repo): // anyone may read a public one
			return c.notAccessible()
		}
	}
	satisfied := func(needed map[string]string) bool { return allowsAll(c.token.permissions, needed) }
	switch {
	case len(alternatives) > 0 && !slices.ContainsFunc(alternatives, satisfied):
		return c.notAccessible()
	case c.route.method == http.MethodDelete:
		return noContent()
	}
	return ok(map[string]any{})
}

// acceptsHeader formats alternatives for X-Accepted-GitHub-Permissions: a comma
// means and, a semicolon or.
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
