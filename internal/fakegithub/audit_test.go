package fakegithub_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const auditPath = "/orgs/octo-corp/audit-log"

func TestAuditLog(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.want(f.send("GET", auditPath, token, ""), 404, "Not Found")
	f.SetAuditLog("octo-corp", true)
	now := time.Now()
	for i, fields := range []map[string]any{
		{"action": "personal_access_token.access_granted", "actor": "boss"},
		{"action": "git.clone", "programmatic_access_type": "Personal access token (classic)", "actor": "monalisa"},
		{"action": "repo.create", "programmatic_access_type": "OAuth", "actor": "monalisa"},
		{"action": "personal_access_token.access_revoked", "actor": "boss"},
		{"action": "repo.destroy", "actor": "old"},
	} {
		fields["@timestamp"] = now.Add(time.Duration(i-10) * day).UnixMilli()
		fields["user_id"] = i + 1
		if fields["actor"] == "old" {
			fields["@timestamp"] = now.Add(-120 * day).UnixMilli()
		}
		f.AddAuditEvent("octo-corp", fields)
	}
	since := func(operator string, days int) string {
		return "created:" + operator + now.UTC().AddDate(0, 0, -days).Format(time.DateOnly)
	}
	for _, test := range []struct{ phrase, more, want string }{
		{"", "&per_page=2", "4 3 1"},
		{"", "&order=asc&per_page=1", "1 3 4"},
		{"", "&include=all", "4 3 2 1"},
		{"", "&include=git", "2"},
		{"action:personal_access_token", "", "4 1"},
		{"action:personal_access_token.access_granted", "", "1"},
		{"action:personal_access", "", ""},
		{"-action:personal_access_token", "", "3"},
		{"actor:MONALISA", "&include=all", "3 2"},
		{"programmatic_access_type:oauth actor:monalisa", "", "3"},
		{"programmatic_access_type:oauth actor:boss", "", ""},
		{"user_id:4", "", "4"},
		{since(">=", 200), "", "4 3 1 5"},
		{since(">=", 8), "", "4 3"},
		{since(">", 8), "", "4"},
		{since("<", 8), "", "1 5"},
		{since("<=", 8) + " " + since(">=", 100), "", "3 1"},
	} {
		list, _ := f.all(auditPath+"?phrase="+url.QueryEscape(test.phrase)+test.more, token)
		if got := values(list, "user_id"); got != test.want {
			t.Errorf("%q %s: got %s, want %s", test.phrase, test.more, got, test.want)
		}
	}
	list, _ := f.all(auditPath, token)
	if first := list[0]; first["org"] != "octo-corp" || first["_document_id"] == "" || first["created_at"] != first["@timestamp"] {
		t.Errorf("event: %v", first)
	}
	f.SkipOpenAPI = true // the queries are wrong on purpose
	for _, query := range []string{
		"?order=up", "?include=some", "?phrase=word", "?phrase=created:2026", "?phrase=created:>=x", "?actor=boss", "?page=2",
	} {
		f.expect(422, "GET", auditPath+query, token, "")
	}
	f.want(f.send("GET", auditPath, f.with("issues", "read"), ""), 403, "Resource not accessible by integration")
}

func TestCursorsGoBack(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{EnterpriseServer: true})
	for i := range 5 {
		f.AddAuditEvent("octo-corp", map[string]any{"action": "repo.create", "user_id": i})
	}
	first := f.send("GET", auditPath+"?per_page=2", token, "")
	second := f.send("GET", first.link("next"), token, "")
	third := f.send("GET", second.link("next"), token, "")
	if first.link("prev") != "" || third.link("next") != "" {
		t.Errorf("pages beyond the ends: %s, %s", first.link("prev"), third.link("next"))
	}
	if back := f.send("GET", third.link("prev"), token, ""); back.text != second.text {
		t.Errorf("back from the third: %s, want %s", back.text, second.text)
	}
	if back := f.send("GET", second.link("prev"), token, ""); back.text != first.text {
		t.Errorf("back from the second: %s, want %s", back.text, first.text)
	}
	if want := fmt.Sprintf("/organizations/%d/audit-log?", organizationID(f)); !strings.HasPrefix(first.link("next"), want) {
		t.Errorf("next: %s", first.link("next"))
	}
}
