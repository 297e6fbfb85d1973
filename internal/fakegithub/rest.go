package fakegithub

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds the body of a REST request: 500 repository names of 100
// characters fit many times over.
const maxBody = 1 << 20

// call is one REST request on its way through the checks. Server.mu is held
// whenever it is read.
type call struct {
	*Server
	r      *http.Request
	route  *route
	params map[string]string // by the names in the route's pattern, unescaped
	path   string            // without /api/v3
	// linkPath is the path of Link headers where it differs: with numbers
	// instead of names.
	linkPath string
	api      string // absolute base of API links, as the caller addressed us
	web      string // absolute base of pages and git repositories
	version  string
	body     []byte
	now      time.Time
	caller
}

// apiPath returns the escaped path below the API root, which GitHub Enterprise
// Server has at /api/v3.
func apiPath(r *http.Request) string {
	path, below := strings.CutPrefix(r.URL.EscapedPath(), "/api/v3")
	if below && path == "" {
		return "/"
	}
	if below && !strings.HasPrefix(path, "/") {
		return r.URL.EscapedPath() // /api/v3x
	}
	return path
}

func (s *Server) serveREST(w http.ResponseWriter, r *http.Request, fault *Fault) {
	if fault.replaces() && !fault.After {
		fault.write(w, s.commonHeader(r, s.clock()))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	s.mu.Lock()
	s.settle()
	c := s.newCall(r, body)
	var a answer
	if err != nil {
		a = c.fail(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	} else {
		a = c.answer()
	}
	out := c.encode(a)
	s.mu.Unlock()

	if fault.replaces() {
		fault.write(w, out.header)
		return
	}
	fault.alter(out)
	out.write(w, r.Method)
}

func (s *Server) newCall(r *http.Request, body []byte) *call {
	c := &call{Server: s, r: r, path: apiPath(r), web: webBase(r), body: bytes.TrimSpace(body), now: s.now()}
	c.api = c.web
	if c.path != r.URL.EscapedPath() {
		c.api += "/api/v3"
	}
	return c
}

// webBase returns the address that the caller used, so that links lead back
// here, also through a proxy that ends TLS.
func webBase(r *http.Request) string {
	scheme := "http"
	if proto := r.Header.Get("X-Forwarded-Proto"); proto == "https" || r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// answer runs the checks in GitHub's order, as far as it is known, and then the
// route.
func (c *call) answer() answer {
	if c.r.UserAgent() == "" {
		return c.fail(http.StatusForbidden,
			"Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	}
	if refused := c.checkVersion(); refused != nil {
		return *refused
	}
	c.route, c.params = c.routes.find(c.r.Method, c.path)
	if c.route == nil || c.route.needs != nil {
		if ruled, params := c.routeByPermissions(); ruled != nil {
			c.route, c.params = ruled, params
		}
	}
	if c.route == nil || c.route.dotcomOnly && c.config.EnterpriseServer || c.route.auth == website && c.api != c.web {
		return c.notFound()
	}
	var refused *answer
	c.caller, refused = c.identify()
	if limited := c.countRequest(); limited != nil {
		return *limited
	}
	if limited := c.chargePoints(); limited != nil {
		return *limited
	}
	if refused == nil {
		refused = c.authorize()
	}
	if refused != nil {
		return *refused
	}
	return c.route.serve(c)
}

// checkVersion accepts the versions that exist
// (https://docs.github.com/en/rest/about-the-rest-api/api-versions).
func (c *call) checkVersion() *answer {
	c.version = apiVersions[0]
	named := c.r.Header.Get("X-GitHub-Api-Version")
	if named == "" {
		return nil
	}
	for _, v := range c.versions() {
		if v == named {
			c.version = v
			return nil
		}
	}
	return refuse(c.fail(http.StatusBadRequest, fmt.Sprintf("%q is not a supported API version.", named))) // wording unconfirmed
}

// apiVersions are in order of appearance; the first is the default.
var apiVersions = []string{"2022-11-28", "2026-03-10"}

func (c *call) versions() []string {
	if c.config.EnterpriseServer {
		return apiVersions[:1] // releases up to 3.20
	}
	return apiVersions
}

// atLeast reports whether the call is made under this or a later API version.
func (c *call) atLeast(version string) bool { return c.version >= version }

// route is one operation. Patterns are GitHub's own, with {name} for one
// segment.
type route struct {
	method, pattern string
	auth            auth
	accepts         string // X-Accepted-GitHub-Permissions, empty when none is needed; newRouteTable makes it of needs
	needs           needs  // inRepository and inOrganization check them
	doc             string // path of the documentation below https://docs.github.com/rest/
	dotcomOnly      bool   // not on GitHub Enterprise Server
	serve           func(*call) answer

	segments []string // of the pattern
}

// needs are permissions with their levels. A token must have all of them.
type needs map[string]string

// routeTable holds routes by method and number of segments.
type routeTable map[string]map[int][]*route

func newRouteTable(routes []route) routeTable {
	table := routeTable{}
	for _, r := range routes {
		if r.segments = strings.Split(r.pattern, "/"); r.needs != nil {
			r.accepts = acceptsHeader([]map[string]string{r.needs})
		}
		if table[r.method] == nil {
			table[r.method] = map[int][]*route{}
		}
		n := len(r.segments)
		table[r.method][n] = append(table[r.method][n], &r)
	}
	return table
}

// find returns the first route that matches.
func (table routeTable) find(method, path string) (*route, map[string]string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	got, ok := pathSegments(path)
	if !ok {
		return nil, nil
	}
	for _, r := range table[method][len(got)] {
		if matchSegments(r.segments, got) {
			return r, pathParams(r.segments, got)
		}
	}
	return nil, nil
}

// pathSegments unescapes segment by segment, so that a %2F inside a value stays
// inside it.
func pathSegments(path string) ([]string, bool) {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		value, err := url.PathUnescape(segment)
		if err != nil {
			return nil, false
		}
		segments[i] = value
	}
	return segments, true
}

// matchSegments compares two lists of the same length. No parameter is empty,
// so a trailing slash never matches.
func matchSegments(want, got []string) bool {
	for i, w := range want {
		if isParam := strings.HasPrefix(w, "{"); w != got[i] && (!isParam || got[i] == "") {
			return false
		}
	}
	return true
}

func pathParams(want, got []string) map[string]string {
	params := map[string]string{}
	for i, w := range want {
		if name, isParam := strings.CutPrefix(w, "{"); isParam {
			params[strings.TrimSuffix(name, "}")] = got[i]
		}
	}
	return params
}
