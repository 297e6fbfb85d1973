package fakegithub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const alertsPath = "/orgs/octo-corp/secret-scanning/alerts"

// newAlerts returns a GitHub with alerts in two repositories that the token
// reaches and in one that it does not.
func newAlerts(t *testing.T) (f *fixture, token string) {
	f, token = newGovernance(t, fakegithub.Config{})
	f.AddPersonalToken(fakegithub.PersonalToken{Value: "ghp_" + "works", Login: "monalisa", Classic: true})
	now := time.Now()
	for i, one := range []struct {
		repository string
		alert      fakegithub.Alert
	}{
		{"api", fakegithub.Alert{Secret: "ghp_" + "works"}},
		{"api", fakegithub.Alert{Secret: "gho_" + "gone", Type: fakegithub.OAuthTokenSecret, Validity: "inactive"}},
		{"web", fakegithub.Alert{Secret: "ghp_" + "strange", PubliclyLeaked: true}},
		{"web", fakegithub.Alert{Secret: "ghp_" + "done", State: "resolved", Validity: "active"}},
		{"vault", fakegithub.Alert{Secret: "ghp_" + "hidden"}},
	} {
		one.alert.CreatedAt = now.Add(time.Duration(i) * time.Minute)
		f.AddAlert("octo-corp", one.repository, one.alert)
	}
	return f, token
}

func TestAlerts(t *testing.T) {
	f, token := newAlerts(t)
	for _, test := range []struct{ query, want string }{
		{"?per_page=3", "web/2 web/1 api/2 api/1"},
		{"?after=&per_page=1", "web/2 web/1 api/2 api/1"},
		{"?direction=asc", "api/1 api/2 web/1 web/2"},
		{"?sort=updated", "web/2 web/1 api/2 api/1"},
		{"?state=open", "web/1 api/2 api/1"},
		{"?state=resolved", "web/2"},
		{"?resolution=revoked", "web/2"},
		{"?secret_type=github_personal_access_token", "web/2 web/1 api/1"},
		{"?secret_type=github_personal_access_token,github_oauth_access_token", "web/2 web/1 api/2 api/1"},
		{"?secret_type=github_pat", ""},
		{"?validity=active", "web/2 api/1"},
		{"?validity=active,unknown&state=open", "web/1 api/1"},
		{"?is_publicly_leaked=true", "web/1"},
	} {
		list, _ := f.all(alertsPath+test.query, token)
		var got []string
		for _, one := range list {
			got = append(got, fmt.Sprintf("%s/%.0f", one["repository"].(map[string]any)["name"], one["number"]))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %s, want %s", test.query, got, test.want)
		}
	}
	list, _ := f.all("/repos/octo-corp/api/secret-scanning/alerts", token)
	if values(list, "number") != "2 1" || list[0]["repository"] != nil {
		t.Errorf("of a repository: %v", list)
	}
	f.SkipOpenAPI = true // the queries are wrong on purpose
	for _, query := range []string{
		"?state=closed", "?direction=up", "?sort=x", "?hide_secret=yes", "?is_publicly_leaked=1", "?providers=x",
	} {
		f.expect(422, "GET", alertsPath+query, token, "")
	}
	f.want(f.send("GET", alertsPath, f.with("issues", "read"), ""), 403, "Resource not accessible by integration")
}

func TestAlertHidesSecret(t *testing.T) {
	f, token := newAlerts(t)
	const one = "/repos/octo-corp/api/secret-scanning/alerts/1"
	for _, path := range []string{alertsPath, "/repos/octo-corp/api/secret-scanning/alerts", one} {
		if r := f.expect(200, "GET", path, token, ""); !strings.Contains(r.text, "works") {
			t.Errorf("%s: no secret: %s", path, r.text)
		}
		if r := f.expect(200, "GET", path+"?hide_secret=true", token, ""); strings.Contains(r.text, "works") {
			t.Errorf("%s: the secret is not hidden: %s", path, r.text)
		}
	}
	r := f.expect(200, "GET", one, token, "")
	if r.body["secret_type_display_name"] != "GitHub Personal Access Token" || r.body["validity"] != "active" ||
		r.body["resolution"] != nil {
		t.Errorf("alert: %s", r.text)
	}
	f.expect(202, "POST", "/credentials/revoke", "", `{"credentials": ["ghp_`+`works"]}`)
	if r := f.expect(200, "GET", one, token, ""); r.body["validity"] != "inactive" {
		t.Errorf("of a token that was revoked: %v", r.body["validity"])
	}
	ended := strings.TrimPrefix(f.mint(""), "token ")
	f.AddAlert("octo-corp", "api", fakegithub.Alert{Secret: strings.TrimPrefix(token, "token "), Type: fakegithub.AppTokenSecret})
	f.AddAlert("octo-corp", "api", fakegithub.Alert{Secret: ended, Type: fakegithub.AppTokenSecret})
	f.expect(204, "DELETE", "/installation/token", "token "+ended, "")
	var got []string
	for _, one := range f.Alerts("octo-corp", "api") {
		got = append(got, one.Validity)
	}
	if want := "inactive inactive active inactive"; strings.Join(got, " ") != want {
		t.Errorf("validities: got %s, want %s", got, want)
	}
}

func TestResolveAlert(t *testing.T) {
	f, token := newAlerts(t)
	const one = "/repos/octo-corp/api/secret-scanning/alerts/1"
	f.SkipOpenAPI = true // some requests are wrong on purpose
	for _, test := range []struct {
		body   string
		status int
	}{
		{`{`, 400},
		{`{}`, 422},
		{`{"resolution": "revoked"}`, 422},
		{`{"state": "resolved"}`, 422},
		{`{"state": "resolved", "resolution": null}`, 422},
		{`{"state": "resolved", "resolution": "done"}`, 422},
		{`{"state": "closed", "resolution": "revoked"}`, 422},
		{`{"state": "open", "resolution": "revoked"}`, 422},
		{`{"validity": "unknown"}`, 422},
	} {
		f.expect(test.status, "PATCH", one, token, test.body)
	}
	f.SkipOpenAPI = false
	f.want(f.send("PATCH", one, f.with("secret_scanning_alerts", "read"), `{"state": "resolved", "resolution": "revoked"}`),
		403, "Resource not accessible by integration")
	body := `{"state": "resolved", "resolution": "revoked", "resolution_comment": "ended by valetkey"}`
	r := f.expect(200, "PATCH", one, token, body)
	by, _ := r.body["resolved_by"].(map[string]any)
	if r.body["state"] != "resolved" || r.body["resolution"] != "revoked" || r.body["resolution_comment"] != "ended by valetkey" ||
		by["login"] != "warden[bot]" || r.body["resolved_at"] == nil {
		t.Errorf("resolved: %s", r.text)
	}
	f.expect(400, "PATCH", one, token, body)
	f.expect(200, "PATCH", one, token, `{"validity": "inactive"}`)
	if got := f.Alerts("octo-corp", "api")[0]; got.State != "resolved" || got.Validity != "inactive" || got.ResolvedBy != "warden[bot]" {
		t.Errorf("alert: %+v", got)
	}
	if r := f.expect(200, "PATCH", one, token, `{"state": "open"}`); r.body["resolved_by"] != nil || r.body["resolution_comment"] != nil {
		t.Errorf("opened: %s", r.text)
	}
	for _, path := range []string{"/api/secret-scanning/alerts/3", "/api/secret-scanning/alerts/0", "/vault/secret-scanning/alerts/1"} {
		f.expect(404, "GET", "/repos/octo-corp"+path, token, "")
	}
	f.ArchiveRepository("octo-corp", "api", true)
	f.expect(403, "PATCH", one, token, body)
	f.SetSecretScanning("octo-corp", false)
	f.want(f.send("GET", one, token, ""), 404, "Secret scanning is disabled on this repository.")
	f.expect(404, "GET", alertsPath, token, "")
}
