// Package transporttest calls a handler without a socket, for tests that wait:
// a socket would stop the clock of a testing/synctest bubble. The program does
// not hold it.
package transporttest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// InMemory is a transport that calls a handler.
type InMemory struct{ http.Handler }

// errReset is what a caller sees when the server drops the connection.
var errReset = errors.New("connection reset by peer")

// RoundTrip implements [http.RoundTripper].
func (m InMemory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler: // what a server does when it drops the connection
			if resp, err = nil, r.Context().Err(); err == nil {
				err = errReset
			}
		default:
			panic(p)
		}
	}()
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	in.Header.Set("X-Forwarded-Proto", r.URL.Scheme)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	m.ServeHTTP(rec, in)
	resp = rec.Result()
	resp.Request = r
	if want, err := strconv.Atoi(resp.Header.Get("Content-Length")); err == nil && want > rec.Body.Len() {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(rec.Body.Bytes()), cutShort{}))
	}
	return resp, nil
}

type cutShort struct{}

func (cutShort) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
