// Package apicalltest makes the calls of [apicall.Request] for tests of packages that
// take an [apicall.Func]. It never goes into the program.
package apicalltest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
)

// nextLink finds the path of the next page in a Link header.
var nextLink = regexp.MustCompile(`<https://api\.github\.test/([^>]*)>; rel="next"`)

// Send makes one call of a GitHub at https://api.github.test, without a socket and
// without trying again.
func Send(ctx context.Context, github http.Handler, authorization string, r apicall.Request) (answer apicall.Answer, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", r.Op, err)
		}
	}()
	if err := ctx.Err(); err != nil { // a transport without a socket does not look
		return answer, err
	}
	var body io.Reader
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return answer, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, "https://api.github.test/"+r.Path, body)
	if err != nil {
		return answer, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("User-Agent", "valetkey-test")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	client := http.Client{Transport: transporttest.InMemory{Handler: github}}
	resp, err := client.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	answer.Status, answer.RequestID = resp.StatusCode, resp.Header.Get("X-GitHub-Request-Id")
	answer.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if next := nextLink.FindStringSubmatch(resp.Header.Get("Link")); next != nil {
		answer.Next = next[1]
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer, err
	}
	if resp.StatusCode >= 300 {
		var said struct{ Message string }
		_ = json.Unmarshal(text, &said)
		return answer, fmt.Errorf("GitHub answered %d: %s", resp.StatusCode, said.Message)
	}
	if r.Result != nil {
		return answer, json.Unmarshal(text, r.Result)
	}
	return answer, nil
}
