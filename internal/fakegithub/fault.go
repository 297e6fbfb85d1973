package fakegithub

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Fault makes calls fail, or alters their answers. The zero value of each field
// leaves that aspect alone. A git call can be delayed, dropped or answered with
// Status; git's own answers are never altered.
type Fault struct {
	Method string // "" is any
	// Path selects by the path without /api/v3: a pattern of path.Match, or a
	// prefix that ends at a segment. "" is any path, git included; "/" is the
	// root alone.
	Path  string
	Times int // how many calls; 0 is every call from now on

	Status int // answer this instead, with Header and Body
	Header map[string]string
	Body   string
	Delay  time.Duration // wait first; when the caller gives up meanwhile, there is no answer
	Drop   bool          // close the connection without an answer

	// Truncate announces a longer body than it sends. Behind an http.Server the
	// caller reads an unexpected EOF.
	Truncate bool
	// After lets the call happen before Status or Drop loses its answer: a
	// token is minted, and nobody learns its value.
	After bool
	// Rewrite alters the body of a good answer, for instance to grant more than
	// was asked for.
	Rewrite func(body []byte) []byte
}

// Inject adds a fault. A call meets only the first fault that matches it, in
// the order of injection.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// PrimaryLimit is the answer when the hour's requests are used up. GitHub
// answers 403 or 429; change Status for the other.
func PrimaryLimit(reset time.Time) Fault {
	return Fault{
		Status: http.StatusForbidden,
		Header: map[string]string{
			"X-Ratelimit-Limit": "5000", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Used": "5000",
			"X-Ratelimit-Reset": strconv.FormatInt(reset.Unix(), 10), "X-Ratelimit-Resource": "core",
		},
		Body: errorBody(http.StatusForbidden, "API rate limit exceeded for installation.", "rate-limits-for-the-rest-api"),
	}
}

// SecondaryLimit is the answer to too many or too dense calls. With retryAfter
// 0 there is no Retry-After header, and the caller has to choose its own pause.
func SecondaryLimit(retryAfter time.Duration) Fault {
	f := Fault{
		Status: http.StatusForbidden,
		Body: errorBody(http.StatusForbidden,
			"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
			"rate-limits-for-the-rest-api#about-secondary-rate-limits"),
	}
	if retryAfter > 0 {
		f.Header = map[string]string{"Retry-After": strconv.Itoa(int(retryAfter.Seconds()))}
	}
	return f
}

// ServerError is an outage: JSON from the application, or a page of HTML from
// the proxy before it.
func ServerError(status int, html bool) Fault {
	if html {
		return Fault{
			Status: status,
			Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
			Body: "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head>" +
				"<body>This page is taking too long to load.</body></html>\n",
		}
	}
	return Fault{Status: status, Body: errorBody(status, "Server Error", "")}
}

func errorBody(status int, message, page string) string {
	doc := "https://docs.github.com/rest"
	if page != "" {
		doc += "/using-the-rest-api/" + page
	}
	return fmt.Sprintf(`{"message":%q,"documentation_url":%q,"status":"%d"}`, message, doc, status)
}

// takeFault finds the fault for a call and uses it up. The caller holds s.mu.
func (s *Server) takeFault(method, path string) *Fault {
	for i, f := range s.faults {
		if !f.matches(method, path) {
			continue
		}
		taken := *f
		if f.Times == 1 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		} else if f.Times > 1 {
			f.Times--
		}
		return &taken
	}
	return nil
}

func (f *Fault) matches(method, p string) bool {
	if f.Method != "" && f.Method != method {
		return false
	}
	matched, _ := path.Match(f.Path, p)
	return matched || f.Path == "" || (f.Path != "/" && strings.HasPrefix(p, strings.TrimSuffix(f.Path, "/")+"/"))
}

// wait ends early when the caller gives up, and ends the call with it.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

// replaces reports whether the fault takes the place of the real answer.
func (f *Fault) replaces() bool { return f != nil && (f.Drop || f.Status != 0) }

// write sends the fault with the headers that every answer has.
func (f *Fault) write(w http.ResponseWriter, common http.Header) {
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{"ETag", "Cache-Control", "Link", "Location", "Content-Type"} {
		common.Del(name) // these belong to the lost answer
	}
	out := &encoded{status: f.Status, header: common, body: []byte(f.Body), truncated: f.Truncate}
	for k, v := range f.Header {
		out.header.Set(k, v)
	}
	if out.header.Get("Content-Type") == "" && !strings.HasPrefix(f.Body, "{") {
		out.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	out.write(w, "")
}

// alter changes a real answer.
func (f *Fault) alter(out *encoded) {
	if f == nil {
		return
	}
	if f.Rewrite != nil && out.status < 300 && out.body != nil {
		out.body = f.Rewrite(out.body)
	}
	for k, v := range f.Header {
		out.header.Set(k, v)
	}
	out.truncated = f.Truncate
}
