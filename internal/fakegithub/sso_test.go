package fakegithub_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const authorizationsPath = "/orgs/octo-corp/credential-authorizations"

func TestAuthorizations(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.want(f.send("GET", authorizationsPath, token, ""), 404, "Not Found")
	f.SetSingleSignOn("octo-corp", true)
	at := time.Date(2026, 1, 26, 19, 6, 43, 0, time.UTC)
	classic := f.AuthorizeCredential("octo-corp", fakegithub.Credential{
		ID: 161195, Login: "monalisa", CredentialID: 12345678, Value: "made-up-Xy12Zz98", Note: "laptop",
		Scopes: []string{"repo", "read:org"}, AuthorizedAt: at, AccessedAt: at.Add(day), ExpiresAt: at.Add(2 * day),
	})
	key := f.AuthorizeCredential("octo-corp", fakegithub.Credential{
		Login: "hubot", Type: fakegithub.SSHKey, Note: "server", Fingerprint: "SHA256:x", CredentialID: 9, AuthorizedAt: at,
	})
	list, pages := f.all(authorizationsPath+"?per_page=1", token)
	want := []map[string]any{
		{
			"login": "hubot", "credential_id": float64(key), "credential_type": "SSH key", "fingerprint": "SHA256:x",
			"authorized_credential_title": "server", "credential_authorized_at": "2026-01-26T19:06:43Z", "credential_accessed_at": nil,
			"authorized_credential_id": 9.0, "authorized_credential_expires_at": nil,
		},
		{
			"login": "monalisa", "credential_id": float64(classic), "credential_type": "personal access token",
			"token_last_eight": "Xy12Zz98", "authorized_credential_note": "laptop",
			"scopes": []any{"repo", "read:org"}, "credential_authorized_at": "2026-01-26T19:06:43Z",
			"credential_accessed_at": "2026-01-27T19:06:43Z", "authorized_credential_id": 12345678.0,
			"authorized_credential_expires_at": "2026-01-28T19:06:43Z",
		},
	}
	if diff := cmp.Diff(want, list); diff != "" || pages != 2 {
		t.Errorf("%d pages (-want +got):\n%s", pages, diff)
	}
	f.RenameAccount("monalisa", "mona")
	for query, n := range map[string]int{"?login=MONA": 1, "?login=monalisa": 0, "?login=nobody": 0, "": 2} {
		if list, _ := f.all(authorizationsPath+query, token); len(list) != n {
			t.Errorf("%s: %v", query, list)
		}
	}
	f.expect(422, "GET", authorizationsPath+"?logins=mona", token, "")
}

func TestWithdrawalIsForEver(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.SetSingleSignOn("octo-corp", true)
	credential := fakegithub.Credential{Login: "monalisa", CredentialID: 5, Value: "made-up-value"}
	one := fmt.Sprintf("%s/%d", authorizationsPath, f.AuthorizeCredential("octo-corp", credential))
	read := f.with("organization_administration", "read")
	f.want(f.send("DELETE", one, read, ""), 403, "Resource not accessible by integration")
	if r := f.expect(204, "DELETE", one, token, ""); r.text != "" {
		t.Errorf("a body: %s", r.text)
	}
	f.expect(404, "DELETE", one, token, "")
	f.expect(404, "DELETE", authorizationsPath+"/4711", token, "")
	if id := f.AuthorizeCredential("octo-corp", credential); id != 0 || len(f.Authorizations("octo-corp")) != 0 {
		t.Error("the same credential is authorized again")
	}
	if got := f.Withdrawals("octo-corp"); len(got) != 1 || got[0].Credential.CredentialID != 5 || got[0].By != "warden[bot]" {
		t.Errorf("withdrawals: %+v", got)
	}
	if !f.PersonalTokenWorks("made-up-value") {
		t.Error("the withdrawal ended the token")
	}
	if id := f.AuthorizeCredential("octo-corp", fakegithub.Credential{Login: "monalisa", CredentialID: 6}); id == 0 {
		t.Error("a new credential is not authorized")
	}
}

func TestWithdrawMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, token := newGovernance(t, fakegithub.Config{})
		f.SetSingleSignOn("octo-corp", true)
		for _, login := range []string{"monalisa", "hubot", "octocat"} {
			for _, kind := range []string{fakegithub.ClassicToken, fakegithub.SSHKey, fakegithub.OAuthToken} {
				f.AuthorizeCredential("octo-corp", fakegithub.Credential{Login: login, Type: kind})
			}
		}
		left := 9
		for _, test := range []struct {
			path, body string
			status     int
			n          int
		}{
			{"/nobody/revoke", "", 404, 0},
			{"/monalisa/revoke-credential-type", `{"credential_type": "classic_pat"}`, 202, 1},
			{"/monalisa/revoke-credential-type", `{"credential_type": "fine_grained_pat"}`, 202, 0},
			{"/monalisa/revoke", "", 202, 2},
			{"/revoke-credential-type", `{"credential_type": "ssh_key"}`, 202, 2},
			{"/revoke-all", "", 202, 4},
		} {
			r := f.expect(test.status, "POST", authorizationsPath+test.path, token, test.body)
			if test.status == 202 && r.body["message"] != "Credential authorization revocation has been queued" {
				t.Errorf("%s: %s", test.path, r.text)
			}
			if got := len(f.Authorizations("octo-corp")); got != left {
				t.Errorf("%s: %d at once, want %d", test.path, got, left)
			}
			time.Sleep(time.Second)
			left -= test.n
			if got := len(f.Authorizations("octo-corp")); got != left {
				t.Errorf("%s: %d after a second, want %d", test.path, got, left)
			}
		}
		f.SkipOpenAPI = true // the requests are wrong on purpose
		for _, body := range []string{"", `{"credential_type": "pat"}`, `{"credential_type": null}`} {
			f.expect(422, "POST", authorizationsPath+"/revoke-credential-type", token, body)
		}
	})
}

func TestSingleSignOnIsOfDotcom(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{EnterpriseServer: true})
	f.SetSingleSignOn("octo-corp", true)
	f.expect(404, "GET", authorizationsPath, token, "")
}

func TestRevokeCredentials(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.SetSingleSignOn("octo-corp", true)
	const path = "/credentials/revoke"
	fine := "github_pat_" + strings.Repeat("a", 22)
	f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa", Value: fine})
	f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa"})
	f.AuthorizeCredential("octo-corp", fakegithub.Credential{Login: "monalisa"})
	f.AuthorizeCredential("octo-corp", fakegithub.Credential{Login: "monalisa", Type: fakegithub.AppUserToken})
	values := []string{fine, strings.TrimPrefix(token, "token "), "ghp_" + "unknown"}
	for _, one := range f.Authorizations("octo-corp") {
		values = append(values, one.Value)
	}
	body := `{"credentials": ["` + strings.Join(values, `", "`) + `"]}`
	f.expect(200, "GET", "/user", "token "+fine, "")
	if list := f.Grants("octo-corp"); len(list) != 1 {
		t.Fatalf("grants: %v", list)
	}
	for _, authorization := range []string{token, "token " + fine, "Bearer nonsense", "nonsense"} {
		if r := f.expect(403, "POST", path, authorization, body); !strings.Contains(r.message(), "without authentication") {
			t.Errorf("%s", r.text)
		}
	}
	if !f.PersonalTokenWorks(fine) {
		t.Fatal("a refused call ended a token")
	}
	if r := f.expect(202, "POST", path, "", body); r.text != "{}" {
		t.Errorf("the answer says %s", r.text)
	}
	f.want(f.send("GET", "/user", "token "+fine, ""), 401, "Bad credentials")
	for i, value := range values {
		if f.PersonalTokenWorks(value) {
			t.Errorf("value %d works", i)
		}
	}
	if !f.Alive(strings.TrimPrefix(token, "token ")) {
		t.Error("the installation's token is over")
	}
	if n := len(f.Grants("octo-corp")) + len(f.AccessRequests("octo-corp")) + len(f.Authorizations("octo-corp")); n != 0 {
		t.Errorf("%d are left", n)
	}
	f.expect(202, "POST", path, "", body)
	f.SkipOpenAPI = true // the requests are wrong on purpose
	for _, body := range []string{
		"", `{}`, `{"credentials": []}`, `{"credentials": "x"}`, `{"credentials": [7]}`, `{"credentials": null}`,
		`{"credentials": [` + strings.Repeat(`"x",`, 1000) + `"x"]}`,
	} {
		f.expect(422, "POST", path, "", body)
	}
	f.expect(202, "POST", path, "", `{"credentials": [`+strings.Repeat(`"x",`, 999)+`"x"]}`)
}

func TestRevokeCredentialsIsLimited(t *testing.T) {
	f, _ := newGovernance(t, fakegithub.Config{})
	for range 60 {
		f.expect(202, "POST", "/credentials/revoke", "", `{"credentials": ["x"]}`)
	}
	if r := f.expect(403, "POST", "/credentials/revoke", "", `{"credentials": ["x"]}`); r.Header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("headers: %v", r.Header)
	}
	f, _ = newGovernance(t, fakegithub.Config{EnterpriseServer: true})
	f.expect(404, "POST", "/credentials/revoke", "", `{"credentials": ["x"]}`)
}
