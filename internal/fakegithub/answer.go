package fakegithub

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a route decided; encode turns it into bytes.
type answer struct {
	status int
	header map[string]string
	body   any // nil: none
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }
func noContent() answer  { return answer{status: http.StatusNoContent} }

// fail returns GitHub's basic error. `status` is a string, and Enterprise
// Server leaves it out.
func (c *call) fail(status int, message string) answer {
	doc := ""
	if c.route != nil {
		doc = "/" + c.route.doc
	}
	return c.failDoc(status, message, doc)
}

func (c *call) failDoc(status int, message, doc string) answer {
	body := map[string]any{"message": message, "documentation_url": c.docs() + doc}
	if !c.config.EnterpriseServer {
		body["status"] = strconv.Itoa(status)
	}
	return answer{status: status, body: body}
}

// refuse ends the call with an answer. Checks return nil to let the call go on.
func refuse(a answer) *answer { return &a }

func (c *call) notFound() answer { return c.fail(http.StatusNotFound, "Not Found") }

// docs returns the base of documentation links.
func (c *call) docs() string {
	if c.config.EnterpriseServer {
		release, _, _ := strings.Cut(serverVersion, ".0")
		return "https://docs.github.com/enterprise-server@" + release + "/rest"
	}
	return "https://docs.github.com/rest"
}

// encoded is an answer as bytes, before faults alter it.
type encoded struct {
	status    int
	header    http.Header
	body      []byte
	truncated bool // announce more than is sent
}

func (c *call) encode(a answer) *encoded {
	out := &encoded{status: a.status, header: c.commonHeader(c.r, c.now)}
	c.describe(out.header)
	for k, v := range a.header {
		out.header.Set(k, v)
	}
	if a.body == nil {
		return out
	}
	if text, is := a.body.(htmlPage); is {
		out.header.Set("Content-Type", "text/html; charset=utf-8")
		out.body = []byte(text)
		return out
	}
	buf := &bytes.Buffer{}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		panic(fmt.Sprintf("fakegithub: %v", err)) // a mistake in this package: bodies are maps and slices
	}
	out.body = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if a.status == http.StatusOK && (c.r.Method == http.MethodGet || c.r.Method == http.MethodHead) {
		c.setETag(out)
	}
	return out
}

// setETag adds the ETag and turns the answer into 304 when the caller has it
// already. An authorised 304 does not count against the primary limit
// (unconfirmed).
func (c *call) setETag(out *encoded) {
	tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(out.body))
	out.header.Set("ETag", tag)
	out.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	for _, known := range strings.Split(c.r.Header.Get("If-None-Match"), ",") {
		if known = strings.TrimSpace(known); known == tag || known == "*" {
			out.status, out.body = http.StatusNotModified, nil
			if c.bucketKind != anonymous {
				c.uncountRequest(out.header)
			}
			return
		}
	}
}

// commonHeader returns the headers of every answer, faults included.
func (s *Server) commonHeader(r *http.Request, now time.Time) http.Header {
	h := http.Header{}
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	h.Set("Server", "github.com")
	h.Set("X-GitHub-Media-Type", mediaType(r.Header.Get("Accept")))
	if s.config.EnterpriseServer {
		h.Set("X-GitHub-Enterprise-Version", serverVersion) // unconfirmed
	}
	return h
}

// mediaType returns the Accept header the way GitHub reports it: `github.v3;
// format=json`.
func mediaType(accept string) string {
	if strings.Contains(accept, "application/vnd.github") {
		return "github.v3; format=json"
	}
	return "unknown, github.v3"
}

// describe adds the headers that depend on the caller and the operation.
func (c *call) describe(h http.Header) {
	if c.version != "" {
		h.Set("X-GitHub-Api-Version-Selected", c.version)
	}
	if c.bucket != nil {
		c.bucket.describe(h)
	}
	if c.token != nil {
		h.Set("GitHub-Authentication-Token-Expiration", c.token.expiresAt.UTC().Format("2006-01-02 15:04:05 UTC"))
		if c.route != nil && c.route.accepts != "" {
			h.Set("X-Accepted-GitHub-Permissions", c.route.accepts)
		}
	}
}

func (e *encoded) write(w http.ResponseWriter, method string) {
	h := w.Header()
	for k, v := range e.header {
		h[k] = v
	}
	if e.body != nil {
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", "application/json; charset=utf-8")
		}
		length := len(e.body)
		if e.truncated {
			length += 64
		}
		h.Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(e.status)
	if method != http.MethodHead {
		w.Write(e.body) // the caller may be gone; nothing to do about it
	}
}
