// Package openapitest checks REST requests and answers against GitHub's own
// OpenAPI description, so that a client and the fake it is tested with cannot
// agree on a mistake.
//
// Wrap the handler of a test with [Check] and set VALETKEY_OPENAPI to the path
// of the description. The package is for tests only. It never changes what
// passes through and never reports a credential.
package openapitest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Variable names the environment variable with the path of the OpenAPI document
// in JSON.
const Variable = "VALETKEY_OPENAPI"

// Enabled reports whether Check checks anything.
func Enabled() bool { return os.Getenv(Variable) != "" }

// Check returns a handler that passes everything on to h and reports each REST
// request and answer that breaks GitHub's description. Without VALETKEY_OPENAPI
// it is h itself. These rules cover what the description leaves out:
//
//   - git, GET /, GET /versions, GET /user, /repositories/{id},
//     /orgs/{org}/public_members and the pages on which people make Apps are
//     not checked, and /organizations/{id} is checked as /orgs/{org}; any other
//     unknown path is an error;
//   - an answer of 500 or more, or one that is not JSON, is an outage and has
//     no schema;
//   - an error status that the operation does not declare (most leave out 401,
//     all leave out 429) is checked against the schema basic-error; an
//     undeclared success is an error;
//   - only API version 2022-11-28 is described, so the answers under another
//     one are not checked.
func Check(t testing.TB, h http.Handler) http.Handler {
	if !Enabled() {
		return h
	}
	spec, err := document()
	if err != nil {
		t.Fatalf("%s: %v", Variable, err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3")
		if undescribed.MatchString(path) {
			h.ServeHTTP(w, r)
			return
		}
		op := spec.find(r.Method, path)
		if op == nil {
			t.Errorf("%s %s: not in GitHub's OpenAPI description", r.Method, r.URL.EscapedPath())
			h.ServeHTTP(w, r)
			return
		}
		body := buffer(t, r)
		if err := op.checkRequest(r, body); err != nil {
			t.Errorf("%s %s: request: %v", r.Method, r.URL.EscapedPath(), err)
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r) // a panic that aborts the answer goes through
		if err := op.checkResponse(recorder); err != nil {
			t.Errorf("%s %s: answer %d: %v", r.Method, r.URL.EscapedPath(), recorder.Code, err)
		}
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		w.Write(recorder.Body.Bytes()) // the caller may be gone
	})
}

// undescribed matches the paths that GitHub serves without describing them: the
// root, the versions, the user, repositories by id, public members, git, and
// pages for people.
var undescribed = regexp.MustCompile(`^(/?|/versions|/user|/repositories/[0-9]+(/.*)?|/orgs/[^/]+/public_members/[^/]+` +
	`|/[^/]+/[^/]+/(info/refs|git-upload-pack|git-receive-pack)` +
	`|(/organizations/[^/]+)?/settings/.*|/(github-)?apps/[^/]+/installations/new)$`)

// buffer reads the request body and puts it back.
func buffer(t testing.TB, r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		t.Errorf("%s %s: read the request body: %v", r.Method, r.URL.EscapedPath(), err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// document is loaded once per process, because that takes tens of milliseconds.
var document = sync.OnceValues(func() (*specification, error) { return load(os.Getenv(Variable)) })
