package openapitest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// observer is a testing.TB that collects errors instead of failing.
type observer struct {
	testing.TB
	errors []string
}

func (o *observer) Errorf(format string, args ...any) {
	o.errors = append(o.errors, fmt.Sprintf(format, args...))
}

func TestCheck(t *testing.T) {
	if !Enabled() {
		t.Skip(Variable + " is not set: no OpenAPI description to check against")
	}
	const secret = "not-a-token-but-secret"
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		answer, contentType      string
		want                     string // part of the report; empty: none
	}{
		{"good", "POST", "/app/installations/1/access_tokens", `{"repositories":["a"]}`, 201, `{"token":"t","expires_at":"later"}`, "", ""},
		{"null body", "POST", "/app/installations/1/access_tokens", "null", 201, `{"token":"t","expires_at":"later"}`, "", ""},
		{"below /api/v3", "GET", "/api/v3/meta", "", 200, `{"verifiable_password_authentication":true}`, "", ""},
		{
			"wrong request type", "POST", "/app/installations/1/access_tokens", `{"repositories":"` + secret + `"}`, 201,
			`{"token":"t","expires_at":"later"}`, "", "/repositories: ",
		},
		{
			"wrong level", "POST", "/app/installations/1/access_tokens", `{"permissions":{"contents":"` + secret + `"}}`, 201,
			`{"token":"t","expires_at":"later"}`, "", "/permissions/contents: ",
		},
		{
			"wrong query", "GET", "/installation/repositories?per_page=many", "", 200, `{"total_count":0,"repositories":[]}`, "",
			"parameter per_page",
		},
		{"field missing", "POST", "/app/installations/1/access_tokens", "", 201, `{"token":"` + secret + `"}`, "", "expires_at"},
		{
			"field of wrong type", "POST", "/app/installations/1/access_tokens", "", 201,
			`{"token":["` + secret + `"],"expires_at":"later"}`, "", "/token: ",
		},
		{"unknown path", "GET", "/app/instalations", "", 404, `{}`, "", "not in GitHub's OpenAPI description"},
		{"unknown method", "PATCH", "/app", "", 404, `{}`, "", "not in GitHub's OpenAPI description"},
		{"undescribed path", "GET", "/repositories/1/installation", "", 200, `{}`, "", ""},
		{"organization by number", "GET", "/organizations/1/members", "", 200, `[]`, "", ""},
		{"wrong, by number", "GET", "/organizations/1/members", "", 200, `[1]`, "", "/0: "},
		{"unknown, by number", "GET", "/organizations/1/membres", "", 404, `{}`, "", "not in GitHub's OpenAPI description"},
		{"undeclared success", "GET", "/app", "", 202, `{}`, "", "does not declare"},
		{"undeclared error", "GET", "/app", "", 429, `{"message":"slow down"}`, "", ""},
		{"undeclared error, malformed", "GET", "/app", "", 429, `{"message":1}`, "", "/message: "},
		{"outage", "GET", "/app", "", 502, `{"message":1}`, "", ""},
		{"HTML", "GET", "/app", "", 200, "<html>", "text/html", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := &observer{TB: t}
			handler := Check(o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, _ := io.ReadAll(r.Body); string(body) != test.body {
					t.Errorf("the request body did not pass through: %q", body)
				}
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				if test.contentType != "" {
					w.Header().Set("Content-Type", test.contentType)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.answer)
			}))
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+secret)
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, r)
			if rec.Code != test.status || rec.Body.String() != test.answer {
				t.Errorf("the answer did not pass through: %d", rec.Code)
			}
			report := strings.Join(o.errors, "\n")
			if (test.want == "") != (report == "") || !strings.Contains(report, test.want) {
				t.Errorf("got report %q, want one with %q", report, test.want)
			}
			if strings.Contains(report, secret) {
				t.Error("the report holds a secret")
			}
		})
	}
}
