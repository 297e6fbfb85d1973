package fakegithub

import (
	"net/http"
	"slices"
	"strings"
)

// Request is a request as it came in, without its credential.
type Request struct {
	Method        string
	Path          string // as sent: escaped, with /api/v3 if it was there, without the query
	Query         string
	Status        int // 0: no answer was sent
	RequestID     string
	Authorization string // "jwt", "token", "basic" or "none"
	UserAgent     string
}

// Requests returns the requests since the start or the last ResetRequests, in
// order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.requests))
	for _, r := range s.requests {
		list = append(list, *r)
	}
	return list
}

// ResetRequests clears the list of requests.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func (s *Server) record(r *http.Request) *Request {
	const hex = "0123456789ABCDEF"
	id := []string{}
	for _, n := range []int{4, 6, 7, 7, 8} { // as in E5D6:3A2B19:1C0FFEE:2C0FFEE:655B0C1D
		id = append(id, randomString(hex, n))
	}
	record := &Request{
		Method: r.Method, Path: withoutCode(r.URL.EscapedPath()), Query: r.URL.RawQuery, RequestID: strings.Join(id, ":"),
		Authorization: authorizationKind(r), UserAgent: r.UserAgent(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, record)
	return record
}

// withoutCode returns a path without the code of an App that was just made,
// which opens its key.
func withoutCode(path string) string {
	if before, _, found := strings.Cut(path, "/app-manifests/"); found {
		return before + "/app-manifests/***/conversions"
	}
	return path
}

// authorizationKind returns the kind of credential, judged by its form only.
func authorizationKind(r *http.Request) string {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case value == "":
		return "none"
	case strings.EqualFold(scheme, "basic"):
		return "basic"
	case isJWT(value):
		return "jwt"
	}
	return "token"
}

// isJWT reports whether a credential is an App's JWT; the stateless form of a
// token has two dots as well.
func isJWT(value string) bool {
	value = strings.TrimSpace(value)
	prefixes := []string{"ghs_", "ghp_", "gho_", "ghu_", "ghr_", "github_pat_"}
	isToken := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(value, p) })
	return !isToken && strings.Count(value, ".") == 2
}
