// Package wire records what a custodian is sent, be it by the program or by the
// custodian's own client, so that tests can compare both. Start at [Recorder].
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/custody"
)

// Sent is a request without what differs from one client to the next.
type Sent struct {
	Method, URL string
	Header      map[string]string // those that the recorder keeps
	Body        any               // what JSON has, or a form; nil: there is none
}

// Recorder answers requests, and keeps them.
type Recorder struct {
	Answer  func(r *http.Request, body []byte) (status int, header http.Header, answer any)
	Headers []string                 // that count
	Skip    func(*http.Request) bool // what is no part of the comparison; nil: nothing

	Sent []Sent
}

// RoundTrip implements [http.RoundTripper], which is what the clients of the
// custodians are given.
func (rec *Recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if rec.Skip == nil || !rec.Skip(r) {
		rec.Sent = append(rec.Sent, rec.read(r, body))
	}
	status, header, answer := rec.Answer(r, body)
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

// Do implements the interface that Azure's clients are given.
func (rec *Recorder) Do(r *http.Request) (*http.Response, error) { return rec.RoundTrip(r) }

// Send is what the program is given.
func (rec *Recorder) Send(ctx context.Context, ours custody.Request) (custody.Response, error) {
	r, err := http.NewRequestWithContext(ctx, ours.Method, ours.URL, bytes.NewReader(ours.Body))
	if err != nil {
		return custody.Response{}, err
	}
	for name, value := range ours.Header {
		r.Header.Set(name, value)
	}
	got, err := rec.RoundTrip(r)
	if err != nil {
		return custody.Response{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return custody.Response{Status: got.StatusCode, Body: body}, err
}

func (rec *Recorder) read(r *http.Request, body []byte) Sent {
	s := Sent{Method: r.Method, URL: r.URL.Scheme + "://" + r.URL.Host + r.URL.EscapedPath(), Header: map[string]string{}}
	for _, name := range rec.Headers {
		if value := r.Header.Get(name); value != "" {
			s.Header[name], _, _ = strings.Cut(value, ";") // without the character set, which JSON has one of
		}
	}
	switch {
	case len(body) == 0:
	case json.Valid(body):
		_ = json.Unmarshal(body, &s.Body) // it is valid
	default:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			s.Body = string(body)
			break
		}
		s.Body = form
	}
	return s
}

// List returns requests on one line each, for a test that fails.
func List(all []Sent) string {
	var lines []string
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%s %s %v %v", s.Method, s.URL, s.Header, s.Body))
	}
	return strings.Join(lines, "\n")
}
