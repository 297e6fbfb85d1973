//go:build !race

package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// patWeather is the way of a run's requests to GitHub. It fails at random,
// people do things on the way, and the model judges what arrives.
type patWeather struct {
	*patRun
	next http.RoundTripper
}

// stale is after how long a run can't rely any more on what it has read of a
// token or an issue. Until then people do nothing: about what happens between
// the look and the write nobody can do anything.
const stale = 15 * time.Second

func (w patWeather) RoundTrip(req *http.Request) (*http.Response, error) {
	y := w.y
	y.one <- struct{}{}
	defer func() { <-y.one }()
	if w.left--; w.left == 0 {
		w.cancel() // while this one is under way
		defer func() { w.over = true }()
	}
	y.meddle(w.patRun, req)
	lost := y.often(w.storm) && req.URL.Path != "/installation/token" && !w.calm
	if lost && y.often(0.6) {
		return w.refuse(req)
	}
	if w.blind && strings.Contains(req.URL.Path, "/memberships/") {
		return answered(req, fakegithub.Fault{Status: http.StatusNotFound, Body: `{"message":"Not Found"}`})
	}
	resp, err := w.send(req)
	switch {
	case err != nil:
		return nil, err
	case lost && !strings.HasSuffix(req.URL.Path, "/access_tokens"):
		return w.lose(req, resp)
	}
	w.learn(req, resp)
	return resp, nil
}

// refuse answers instead of GitHub, which learns of nothing.
func (w patWeather) refuse(req *http.Request) (*http.Response, error) {
	w.y.count["refused"]++
	switch w.y.chance.IntN(8) {
	case 0:
		return answered(req, fakegithub.SecondaryLimit(time.Duration(1+w.y.chance.IntN(120))*time.Second))
	case 1:
		return answered(req, fakegithub.SecondaryLimit(0))
	case 2:
		return answered(req, fakegithub.Fault{Status: http.StatusForbidden, Body: `{"message":"Resource not accessible by integration"}`})
	case 3, 4:
		return nil, errReset
	}
	return answered(req, fakegithub.ServerError(http.StatusBadGateway, w.y.often(0.5)))
}

// lose loses the answer to what was done, or the end of it.
func (w patWeather) lose(req *http.Request, resp *http.Response) (*http.Response, error) {
	w.y.count["lost"]++
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if w.y.often(0.7) && cutShort(req, resp, body) {
		w.y.count["lists cut short"]++
		return resp, nil
	}
	switch {
	case len(body) > 1 && w.y.often(0.5):
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), cut{}))
		return resp, nil
	case w.y.often(0.5):
		return answered(req, fakegithub.ServerError(http.StatusGatewayTimeout, true))
	}
	return nil, errReset
}

// cutLists are the lists of which GitHub may leave something out without a word.
var cutLists = regexp.MustCompile(`/(personal-access-token(s|-requests)|credential-authorizations|members|issues|alerts)$`)

// cutShort leaves out a part of a list, and the pages that follow, if an answer
// has one.
func cutShort(req *http.Request, resp *http.Response, body []byte) bool {
	var list []json.RawMessage
	if req.Method != http.MethodGet || !cutLists.MatchString(req.URL.Path) || json.Unmarshal(body, &list) != nil || len(list) == 0 {
		return false
	}
	body, _ = json.Marshal(list[:len(list)/2])
	resp.Header.Del("Link")
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return true
}

// send lets a request arrive, and has its effect judged.
func (w patWeather) send(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	judge := w.y.judge(w.patRun, req, body)
	if isSecondLook(req) {
		w.lookedAt = w.y.now()
	}
	resp, err := w.next.RoundTrip(req)
	if err == nil && resp.StatusCode < 300 {
		judge()
	}
	return resp, err
}

// learn notes what a run knows.
func (w patWeather) learn(req *http.Request, resp *http.Response) {
	switch {
	case resp.StatusCode >= 300:
	case strings.HasSuffix(req.URL.Path, "/access_tokens"):
		var minted struct{ Token string }
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		_ = json.Unmarshal(body, &minted)
		w.minted = append(w.minted, minted.Token)
	case req.Method != http.MethodGet:
		w.knows[req.Method+" "+req.URL.Path] = true
	}
}

// isSecondLook reports whether a request reads one thing again, to change it.
func isSecondLook(req *http.Request) bool {
	q := req.URL.Query()
	return req.Method == http.MethodGet && (q.Has("token_id[]") || q.Has("login") || oneIssue.MatchString(req.URL.Path))
}

var oneIssue = regexp.MustCompile(`^/repos/fleet/desk/issues/([0-9]+)$`)

// meddle lets people do something before a request arrives, unless a run has
// just looked at what it is about to change.
func (y *patYear) meddle(r *patRun, req *http.Request) {
	for _, other := range y.running {
		if y.now().Sub(other.lookedAt) < stale {
			return
		}
	}
	if r.calm || r.owner != "" {
		return
	}
	if isSecondLook(req) && y.often(0.3) {
		y.interfere(req)
	}
	if r.act--; r.act == 0 {
		for range 1 + y.chance.IntN(3) {
			y.happen()
		}
		if y.often(0.6) {
			r.act = 1 + y.chance.IntN(30)
		}
	}
}
