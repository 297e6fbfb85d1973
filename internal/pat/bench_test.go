package pat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
)

// pages answers with a list of grants as GitHub does, 100 on a page.
type pages struct {
	all      []string // a JSON text each
	requests int
}

func (p *pages) call(_ context.Context, r apicall.Request) (apicall.Answer, error) {
	p.requests++
	answer := apicall.Answer{Status: 200}
	_, query, _ := strings.Cut(r.Path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return answer, err
	}
	number := max(1, atoi(values.Get("page")))
	from, to := (number-1)*100, min(number*100, len(p.all))
	if to < len(p.all) {
		answer.Next = fmt.Sprintf("organizations/7/personal-access-tokens?per_page=100&page=%d", number+1)
	}
	return answer, json.Unmarshal([]byte("["+strings.Join(p.all[from:to], ",")+"]"), r.Result)
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// A run over 5,000 grants of which nothing is to be changed: it reports how many
// requests that takes, how long at 20 ms each, and how much memory at most.
func BenchmarkRun(b *testing.B) {
	p := &pages{}
	for i := range 5000 {
		user := strings.Repeat(`"followers_url":"https://api.github.com/users/monalisa/followers",`, 12)
		p.all = append(p.all, fmt.Sprintf(`{"id":%d,"owner":{"login":"user%d","id":%d,%s"type":"User"},"repository_selection":"all",`+
			`"repositories_url":"https://api.github.com/organizations/7/personal-access-tokens/%d/repositories",`+
			`"permissions":{"organization":{"members":"read"},"repository":{"metadata":"read","contents":"write"},"other":{}},`+
			`"access_granted_at":"2026-05-16T08:47:09.000-07:00","token_id":%d,"token_name":"report bot","token_expired":false,`+
			`"token_expires_at":"2027-01-16T08:47:09.000-07:00","token_last_used_at":"2026-11-16T08:47:09.000-07:00"}`,
			i+1, i/3, i/3+1, user, i+1, i+10000))
	}
	h := &house{t: b}
	policy := h.policy(`
		grants:
		  - {name: unused, if: {unused-for: 90d, granted-for: 30d}, do: revoke}
		  - {name: no end, if: {never-expires: true}, do: revoke}
		  - {name: drifted, if: {selection: all, any-of: {repository: {administration: write}}}, do: revoke}
	`)
	e := &Engine{Call: p.call, Policy: policy, Enforce: true, Sections: everything, Now: func() time.Time { return noon }}
	var before, after runtime.MemStats
	b.ReportAllocs()
	for b.Loop() {
		p.requests = 0
		runtime.GC()
		runtime.ReadMemStats(&before)
		report := e.Run(b.Context())
		runtime.ReadMemStats(&after)
		if len(report.Records) != 5000 || len(report.Errors) > 0 {
			b.Fatalf("%d records, %q", len(report.Records), report.Errors)
		}
	}
	b.ReportMetric(float64(p.requests), "requests/op")
	b.ReportMetric(float64(p.requests)*0.02, "s-at-20ms/op")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-live/op")
}
