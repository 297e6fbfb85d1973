//go:build !race

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/pat"
)

// judged are the requests that change something, besides a run's own tokens.
var (
	reviewed  = regexp.MustCompile(`^POST /orgs/fleet/personal-access-token-requests/([0-9]+)$`)
	revoked   = regexp.MustCompile(`^POST /orgs/fleet/personal-access-tokens/([0-9]+)$`)
	withdrawn = regexp.MustCompile(`^DELETE /orgs/fleet/credential-authorizations/([0-9]+)$`)
	resolved  = regexp.MustCompile(`^PATCH /repos/fleet/([a-z0-9-]+)/secret-scanning/alerts/([0-9]+)$`)
	written   = regexp.MustCompile(`^(?:POST|PATCH) /repos/fleet/desk/issues(?:/([0-9]+))?$`)
	ownToken  = regexp.MustCompile(`^(?:POST /app/installations/[0-9]+/access_tokens|DELETE /installation/token)$`)
)

// judge says whether a request is right that is about to arrive. The function
// that it returns is called when GitHub has done it.
func (y *patYear) judge(r *patRun, req *http.Request, body []byte) (done func()) {
	what := req.Method + " " + req.URL.Path
	if req.Method == http.MethodGet {
		return func() {}
	}
	if ownToken.MatchString(what) {
		if !r.acts && strings.Contains(string(body), `"write"`) {
			y.t.Errorf("a run that may change nothing asks for %s", body)
		}
		return func() {}
	}
	if r.over || !r.acts {
		y.t.Errorf("%s, by a run that was killed or may change nothing: %v %v\n%s", what, r.inputs, r.policy, r.logged())
	}
	var review struct{ Action, Reason string }
	_ = json.Unmarshal(body, &review)
	id := func(pattern *regexp.Regexp) int64 {
		n, _ := strconv.ParseInt(pattern.FindStringSubmatch(what)[1], 10, 64)
		return n
	}
	switch {
	case reviewed.MatchString(what):
		return y.judgeReview(r, id(reviewed), review.Action, review.Reason)
	case revoked.MatchString(what) && review.Action == "revoke":
		return y.judgeRevoke(r, id(revoked))
	case withdrawn.MatchString(what):
		return y.judgeWithdrawal(r, id(withdrawn))
	case what == "POST /credentials/revoke":
		return y.judgeLeaked(r, req, body)
	case resolved.MatchString(what):
		return y.judgeAlert(resolved.FindStringSubmatch(what))
	case written.MatchString(what):
		return y.judgeIssue(r, written.FindStringSubmatch(what)[1])
	}
	y.t.Errorf("nobody asked for %s %s", what, body)
	return func() {}
}

// moments are the times of which a decision may be: when the token was read
// again, and now.
func (r *patRun) moments() []time.Time {
	now := r.y.now()
	if now.Sub(r.lookedAt) > stale && r.owner == "" {
		r.y.t.Errorf("something is changed %s after it was looked at:\n%s", now.Sub(r.lookedAt), r.logged())
	}
	return []time.Time{r.lookedAt, now}
}

// judgeReview judges the review of a request.
func (y *patYear) judgeReview(r *patRun, id int64, action, reason string) (done func()) {
	t, waits := y.AccessRequests("fleet")[id]
	if !waits {
		return func() { y.t.Errorf("request %d is decided twice", id) }
	}
	right := slices.ContainsFunc(r.moments(), func(at time.Time) bool {
		v := r.policy.ofRequest(&t, y.staff[t.Owner], at)
		return v.action == action && (v.rule != "too much" || strings.HasSuffix(reason, " is for an App"))
	})
	if !right && (r.owner != t.Owner || action != "deny") {
		y.t.Errorf("%s %+v of %+v: %s", action, t, *y.staff[t.Owner], r.logged())
	}
	return func() { r.did[action]++ }
}

// judgeRevoke judges the end of a grant.
func (y *patYear) judgeRevoke(r *patRun, id int64) (done func()) {
	t, there := y.Grants("fleet")[id]
	if !there {
		return func() { y.t.Errorf("grant %d is revoked twice", id) }
	}
	right := slices.ContainsFunc(r.moments(), func(at time.Time) bool {
		v := r.policy.ofGrant(&t, y.staff[t.Owner], at)
		return v.action == "revoke" && y.wasTold(r, t.Name, v.rule, v.notice)
	})
	if !right && r.owner != t.Owner {
		y.t.Errorf("revoke %+v of %+v by %+v, told %s\n%s", t, *y.staff[t.Owner], r.policy, y.toldOf(t.Name), r.logged())
	}
	return func() {
		r.did["revoke"]++
		y.forget(t.Name)
	}
}

// judgeWithdrawal judges the end of an authorization.
func (y *patYear) judgeWithdrawal(r *patRun, id int64) (done func()) {
	for _, c := range y.Authorizations("fleet") {
		if c.ID != id {
			continue
		}
		v := r.policy.ofCredential(&c, y.staff[c.Login], y.now())
		_ = r.moments()
		if (v.action != "withdraw" || !y.wasTold(r, c.Note, v.rule, v.notice)) && r.owner != c.Login {
			y.t.Errorf("withdraw %+v of %+v, told %s\n%s", c, *y.staff[c.Login], y.toldOf(c.Note), r.logged())
		}
		return func() {
			r.did["withdraw"]++
			y.forget(c.Note)
		}
	}
	return func() { y.t.Errorf("authorization %d is withdrawn twice", id) }
}

// judgeLeaked judges the end of tokens by their values.
func (y *patYear) judgeLeaked(r *patRun, req *http.Request, body []byte) (done func()) {
	var sent struct{ Credentials []string }
	_ = json.Unmarshal(body, &sent)
	if req.Header.Get("Authorization") != "" || r.inputs["INPUT_ONLY"] == "requests" {
		y.t.Errorf("leaked values are sent with an Authorization, or by a run that is about requests: %v", r.inputs)
	}
	for _, value := range sent.Credentials {
		if !y.leaked[value] {
			y.t.Errorf("%s... is ended, which did not leak", value[:4])
		}
	}
	return func() {
		for _, value := range sent.Credentials {
			y.ended[value] = true
			y.count["leaks ended"]++
		}
	}
}

// judgeAlert judges the end of an alert: its token was ended before.
func (y *patYear) judgeAlert(path []string) (done func()) {
	n, _ := strconv.Atoi(path[2])
	if alert := y.Alerts("fleet", path[1])[n-1]; !y.ended[alert.Secret] {
		y.t.Errorf("alert %d of %s is resolved, of a token that nobody ended", n, path[1])
	}
	return func() { y.count["alerts resolved"]++ }
}

// judgeRun judges a run that has ended.
func (r *patRun) judgeRun() {
	y, log := r.y, r.logged()
	for _, token := range r.minted {
		if y.Alive(token) {
			y.t.Errorf("a token is alive:\n%s", log)
		}
	}
	total, stopped := 0, strings.Contains(log, "::error::nothing is done: ")
	for action, n := range r.did {
		total += n
		y.count[action] += n
		limit := map[string]int{"approve": 100, "deny": 100, "revoke": r.policy.limit, "withdraw": r.policy.limit}[action]
		if n > limit && r.owner == "" {
			y.t.Errorf("%s: %d, more than %d", action, n, limit)
		}
	}
	confirmed := r.inputs["INPUT_CONFIRM"] != ""
	if n := r.did["revoke"]; n*100 > r.policy.share*max(r.grants, len(y.Grants("fleet"))+n) && !confirmed {
		y.t.Errorf("%d of %d grants were revoked, without a confirmation", n, r.grants)
	}
	if stopped && total > 0 {
		y.t.Errorf("a run over its limits did %v:\n%s", r.did, log)
	}
	if !strings.Contains(r.inputs["INPUT_ONLY"], "requests") && r.inputs["INPUT_ONLY"] != "" {
		y.stopped = stopped
	}
	if stopped {
		y.count["stopped by limits"]++
	}
	for value := range y.leaked {
		if strings.Contains(log, value) {
			y.t.Error("a leaked value is in the log")
		}
	}
	r.judgeReport()
	y.count["runs"]++
	if r.over {
		y.count["killed"]++
	}
}

// judgeReport holds what a run says it did against what GitHub told it.
func (r *patRun) judgeReport() {
	text, err := os.ReadFile(r.env["INPUT_REPORT-FILE"])
	if err != nil {
		return // it ended before there was anything to report
	}
	said := 0
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"outcome":"done"`) || strings.Contains(line, `"kind":"leak"`) {
			continue
		}
		var record pat.Record
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			r.y.t.Fatal(err)
		}
		path := map[pat.Kind]string{
			pat.Request: "POST /orgs/fleet/personal-access-token-requests/%d", pat.Grant: "POST /orgs/fleet/personal-access-tokens/%d",
			pat.Authorization: "DELETE /orgs/fleet/credential-authorizations/%d",
		}[record.Kind]
		if said++; !r.knows[fmt.Sprintf(path, record.ID)] {
			r.y.t.Errorf("the report says done, and GitHub did not: %s", line)
		}
	}
	knows := 0
	for what := range r.knows {
		if reviewed.MatchString(what) || revoked.MatchString(what) || withdrawn.MatchString(what) {
			knows++
		}
	}
	if said != knows {
		r.y.t.Errorf("the report says that %d were done, and %d were:\n%s\n%s", said, knows, text, r.logged())
	}
}
