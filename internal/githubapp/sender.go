package githubapp

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/address"
)

// Request is one request to another host than GitHub's: one that has an App's
// key, or makes a credential for that.
type Request struct {
	Op      string            // what it does, in words: "sign with AWS KMS"
	Setting string            // the settings that its address comes from, for a hint
	Method  string            // one that may be sent again
	URL     string            // https, or http to this machine
	Header  map[string]string // never shown
	Body    []byte            // never shown
	Busy    []string          // what a refusal contains that means: try again later
}

// Response is its answer, whatever its status.
type Response struct {
	Status int
	Date   time.Time // by the clock of the host; zero: it does not say
	Body   []byte    // of 1 MiB at most
}

// Sender sends requests to other hosts than GitHub's, under the rules of an
// [API]: the same roots, proxies, time limits and retries, and errors of the
// type [Error]. It follows no redirect, because that would take a credential to
// another address than the one it is for.
type Sender struct {
	config Config

	mu    sync.Mutex
	wires map[string]http.RoundTripper // by scheme
}

// NewSender returns a sender. URL and what concerns GitHub alone is not used.
func NewSender(c Config) *Sender {
	c.fill()
	return &Sender{config: c, wires: map[string]http.RoundTripper{}}
}

// Send sends one request, with the retries that it takes. A refusal is an
// answer, and no error. Its errors and what it logs have neither the headers
// nor the body nor the query of the request.
func (s *Sender) Send(ctx context.Context, r Request) (Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		err = address.ErrScheme // without err, which repeats the address
	} else {
		err = address.Check(u, s.config.InsecureHTTP)
	}
	if err != nil {
		return Response{}, &Error{Op: r.Op, Reason: "the address from " + r.Setting + " " + err.Error(), Hint: "use https", Err: err}
	}
	wire, err := s.wire(u)
	if err != nil {
		return Response{}, &Error{Op: r.Op, Reason: err.Error(), Err: err}
	}
	a := &API{base: u, config: s.config, wire: wire, clock: &clock{}, setting: r.Setting, other: &r}
	t := &callState{op: r.Op, ctx: ctx, started: time.Now()}
	sending, release := inFlight(context.WithValue(ctx, callStateKey{}, t), r.Method)
	defer release()
	req, err := http.NewRequestWithContext(sending, r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, fmt.Errorf("%s: the request can't be made", r.Op)
	}
	req.Header.Set("User-Agent", s.config.UserAgent)
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := a.client(a.wire).Do(req) //nolint:bodyclose // an attempt has read and closed it
	if err != nil {
		e := &Error{Op: r.Op, Attempts: t.sent, Elapsed: time.Since(t.started), Late: t.late, Hint: t.gaveUp}
		a.unanswered(e, t, err)
		return Response{}, e
	}
	date, _ := dateOf(resp.Header)
	return Response{resp.StatusCode, date, peek(resp)}, nil
}

// wire returns the transport to a host. That for https reads the roots.
func (s *Sender) wire(u *url.URL) (http.RoundTripper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Transport != nil {
		return s.config.Transport, nil
	}
	if s.wires[u.Scheme] == nil {
		wire, err := network(u, s.config)
		if err != nil {
			return nil, err
		}
		s.wires[u.Scheme] = wire
	}
	return s.wires[u.Scheme], nil
}

// maxBusyWait is the longest wait that another host may ask for.
const maxBusyWait = time.Minute

// busy returns why another host may answer otherwise later, and how long it
// asks to wait; "" if the answer would be the same.
func (a *API) busy(resp *http.Response) (wait time.Duration, why string) {
	switch {
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout,
		resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented:
	case resp.StatusCode >= 400 && containsAny(peek(resp), a.other.Busy):
	default:
		return 0, ""
	}
	now := time.Now()
	if date, ok := dateOf(resp.Header); ok {
		now = date
	}
	return min(retryAfter(resp.Header.Get("Retry-After"), now), maxBusyWait),
		oneLine(a.base.Host) + " answered " + strconv.Itoa(resp.StatusCode)
}

func containsAny(text []byte, parts []string) bool {
	for _, part := range parts {
		if bytes.Contains(text, []byte(part)) {
			return true
		}
	}
	return false
}
