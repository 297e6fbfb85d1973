package fakegithub_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const (
	requestsPath = "/orgs/octo-corp/personal-access-token-requests"
	grantsPath   = "/orgs/octo-corp/personal-access-tokens"
)

func TestRequestBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, token := newGovernance(t, fakegithub.Config{})
		id := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{
			ID: 98716, Name: "report bot", Owner: "monalisa", Reason: "nightly report", Repositories: []string{"api"},
			Permissions: reads("issues"), ExpiresAt: time.Now().Add(time.Hour),
		})
		f.UseToken(98716)
		list, _ := f.all(requestsPath, token)
		owner, _ := list[0]["owner"].(map[string]any)
		if delete(list[0], "owner"); owner["login"] != "monalisa" || owner["type"] != "User" {
			t.Errorf("owner: %v", owner)
		}
		org := organizationID(f)
		want := map[string]any{
			"id": float64(id), "reason": "nightly report", "repository_selection": "subset",
			"repositories_url": fmt.Sprintf("http://ghes.test/organizations/%d/personal-access-token-requests/%d/repositories", org, id),
			"permissions": map[string]any{
				"repository":   map[string]any{"metadata": "read", "issues": "read"},
				"organization": map[string]any{}, "other": map[string]any{},
			},
			"created_at": "1999-12-31T17:00:00.000-07:00", "token_id": 98716.0, "token_name": "report bot", "token_expired": false,
			"token_expires_at": "1999-12-31T18:00:00.000-07:00", "token_last_used_at": "1999-12-31T17:00:00.000-07:00",
		}
		if diff := cmp.Diff(want, list[0]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		time.Sleep(time.Hour)
		f.ExtendToken(98716, time.Now().Add(-time.Second))
		token = f.mint("")
		if list, _ := f.all(requestsPath, token); list[0]["token_expired"] != true {
			t.Error("the token did not expire")
		}
		f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "hubot", Selection: "all"})
		list, _ = f.all(requestsPath, token)
		for _, field := range []string{"reason", "token_expires_at", "token_last_used_at"} {
			if value, there := list[0][field]; !there || value != nil {
				t.Errorf("%s: %v, %v", field, value, there)
			}
		}
	})
}

// organizationID returns the number of octo-corp.
func organizationID(f *fixture) int {
	id, _ := f.send("GET", "/users/octo-corp", "", "").body["id"].(float64)
	return int(id)
}

func TestApprove(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	ask := fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa", Permissions: reads(), Repositories: []string{"api"}, Reason: "why"}
	request := f.RequestAccess("octo-corp", ask)
	one := fmt.Sprintf("%s/%d", requestsPath, request)
	f.expect(204, "POST", one, token, `{"action": "approve", "reason": "fine"}`)
	f.expect(404, "POST", one, token, `{"action": "approve"}`)
	if list, _ := f.all(requestsPath, token); len(list) != 0 {
		t.Errorf("still waits: %v", list)
	}
	list, _ := f.all(grantsPath, token)
	if len(list) != 1 || list[0]["token_id"] != 7.0 || list[0]["id"] == float64(request) || list[0]["access_granted_at"] == nil {
		t.Fatalf("grants: %v", list)
	}
	for _, field := range []string{"reason", "created_at"} {
		if _, there := list[0][field]; there {
			t.Errorf("a grant has no %s", field)
		}
	}
	grant := int64(list[0]["id"].(float64))
	ask.Permissions, ask.Repositories, ask.Selection = reads("contents"), nil, "all"
	again := f.RequestAccess("octo-corp", ask)
	if again == request || again == 0 {
		t.Errorf("request %d again", again)
	}
	f.expect(204, "POST", fmt.Sprintf("%s/%d", requestsPath, again), token, `{"action": "approve", "reason": null}`)
	grants := f.Grants("octo-corp")
	if got := grants[grant]; len(grants) != 1 || got.Permissions["repository"]["contents"] != "read" || got.Selection != "all" {
		t.Errorf("grants: %+v", grants)
	}
	var got []string
	for _, r := range f.Reviews("octo-corp") {
		got = append(got, fmt.Sprint(r.Kind, r.ID, r.TokenID, r.Action, r.Reason, r.By, r.Bulk))
	}
	want := []string{
		fmt.Sprint("request", request, int64(7), "approve", "fine", "warden[bot]", false),
		fmt.Sprint("request", again, int64(7), "approve", "", "warden[bot]", false),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reviews (-want +got):\n%s", diff)
	}
}

func TestDenyRevokeAndAskAgain(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	ask := fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa", Permissions: reads()}
	f.expect(204, "POST", fmt.Sprintf("%s/%d", requestsPath, f.RequestAccess("octo-corp", ask)), token, `{"action": "deny"}`)
	if len(f.AccessRequests("octo-corp"))+len(f.Grants("octo-corp")) != 0 {
		t.Error("a denied request is somewhere")
	}
	f.expect(204, "POST", fmt.Sprintf("%s/%d", grantsPath, f.GrantAccess("octo-corp", ask)), token, `{"action": "revoke"}`)
	if len(f.Grants("octo-corp")) != 0 {
		t.Error("a revoked grant is there")
	}
	if id := f.RequestAccess("octo-corp", ask); id == 0 {
		t.Error("the person can't ask again")
	}
	if got := f.Reviews("octo-corp"); len(got) != 2 || got[0].Action != "deny" || got[1].Action != "revoke" || got[1].Kind != "grant" {
		t.Errorf("reviews: %+v", got)
	}
}

func TestNoApprovalNeeded(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.SetOwner("octo-corp", "boss")
	if id := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "boss"}); id != 0 {
		t.Error("an owner has to wait")
	}
	f.SetApproval("octo-corp", false)
	if id := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa"}); id != 0 {
		t.Error("without approval one has to wait")
	}
	if list, _ := f.all(grantsPath, token); len(list) != 2 {
		t.Errorf("grants: %v", list)
	}
	f.RemoveMember("octo-corp", "monalisa")
	if list, _ := f.all(grantsPath, token); len(list) != 2 {
		t.Error("the grant of somebody who left is gone")
	}
}

func TestReviewRefusals(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	request := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa"})
	grant := f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "hubot"})
	one, other := fmt.Sprintf("%s/%d", requestsPath, request), fmt.Sprintf("%s/%d", grantsPath, grant)
	long := strings.Repeat("ä", 1025)
	f.SkipOpenAPI = true // the requests are wrong on purpose
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{one, ``, 422},
		{one, `{`, 400},
		{one, `[]`, 400},
		{one, `{"action": "revoke"}`, 422},
		{one, `{"action": null}`, 422},
		{one, `{"action": "deny", "reason": 7}`, 422},
		{one, `{"action": "deny", "reason": "` + long + `"}`, 422},
		{other, `{"action": "deny"}`, 422},
		{other, `{}`, 422},
		{requestsPath, `{"action": "deny"}`, 422},
		{requestsPath, `{"action": "deny", "pat_request_ids": []}`, 422},
		{requestsPath, `{"action": "deny", "pat_request_ids": null}`, 422},
		{requestsPath, `{"action": "deny", "pat_request_ids": ["7"]}`, 422},
		{requestsPath, `{"action": "deny", "pat_request_ids": [` + strings.Repeat("7,", 100) + `7]}`, 422},
		{requestsPath, `{"action": "deny", "reason": "` + long + `", "pat_request_ids": [7]}`, 422},
		{grantsPath, `{"action": "revoke"}`, 422},
		{grantsPath, `{"action": "approve", "pat_ids": [7]}`, 422},
		{requestsPath + "/x", `{"action": "deny"}`, 404},
		{requestsPath + fmt.Sprintf("/%d", grant), `{"action": "deny"}`, 404},
		{grantsPath + fmt.Sprintf("/%d", request), `{"action": "revoke"}`, 404},
	} {
		f.expect(test.status, "POST", test.path, token, test.body)
	}
	if len(f.Reviews("octo-corp")) != 0 {
		t.Errorf("reviews: %+v", f.Reviews("octo-corp"))
	}
	f.expect(204, "POST", one, token, `{"action": "deny", "reason": "`+long[2:]+`"}`)
}

func TestBulkReview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, token := newGovernance(t, fakegithub.Config{})
		var ids []string
		var stuck int64
		for i := range 3 {
			stuck = f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: fmt.Sprintf("user-%d", i)})
			ids = append(ids, fmt.Sprint(stuck))
		}
		f.IgnoreInBulk(stuck)
		body := fmt.Sprintf(`{"action": "approve", "pat_request_ids": [%s, 4711]}`, strings.Join(ids, ","))
		if r := f.expect(202, "POST", requestsPath, token, body); r.text != "{}" {
			t.Errorf("the answer says %s", r.text)
		}
		if list, _ := f.all(requestsPath, token); len(list) != 3 {
			t.Errorf("%d wait at once", len(list))
		}
		time.Sleep(time.Second)
		if list, _ := f.all(requestsPath, token); values(list, "id") != fmt.Sprint(stuck) {
			t.Errorf("%s wait after a second", values(list, "id"))
		}
		f.SetQueueDelay(0)
		grants := slices.Sorted(maps.Keys(f.Grants("octo-corp")))
		f.expect(202, "POST", grantsPath, token, fmt.Sprintf(`{"action": "revoke", "pat_ids": [%d, %d]}`, grants[0], grants[1]))
		if left := f.Grants("octo-corp"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if reviews := f.Reviews("octo-corp"); len(reviews) != 4 || !reviews[3].Bulk || reviews[3].Kind != "grant" {
			t.Errorf("reviews: %+v", reviews)
		}
	})
}

func TestChangesByOthers(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	request := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa", Permissions: reads()})
	f.ChangeRequest("octo-corp", request, func(t *fakegithub.FineGrainedToken) {
		t.Permissions["organization"] = map[string]string{"members": "write"}
		t.Selection = "all"
	})
	list, _ := f.all(requestsPath+"?token_id[]=7", token)
	if values(list, "id") != fmt.Sprint(request) || list[0]["repository_selection"] != "all" ||
		list[0]["permissions"].(map[string]any)["organization"].(map[string]any)["members"] != "write" {
		t.Errorf("changed: %v", list)
	}
	f.CancelRequest("octo-corp", request)
	f.expect(404, "POST", fmt.Sprintf("%s/%d", requestsPath, request), token, `{"action": "deny"}`)

	request = f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa"})
	if !f.ReviewRequest("octo-corp", request, "approve", "", "boss") || f.ReviewRequest("octo-corp", request, "deny", "", "boss") {
		t.Error("a person reviews once")
	}
	grant := slices.Collect(maps.Keys(f.Grants("octo-corp")))[0]
	f.ChangeGrant("octo-corp", grant, func(t *fakegithub.FineGrainedToken) { t.Name = "renamed" })
	if list, _ := f.all(grantsPath, token); list[0]["token_name"] != "renamed" {
		t.Errorf("renamed: %v", list)
	}
	if !f.RevokeGrant("octo-corp", grant, "boss") || f.RevokeGrant("octo-corp", grant, "boss") {
		t.Error("a person revokes once")
	}
	f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa"})
	f.DeleteToken(7)
	if len(f.AccessRequests("octo-corp")) != 0 {
		t.Error("a deleted token still asks")
	}
}

func TestFineGrainedTokenInUse(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa", Value: "made-up"})
	if list, _ := f.all(grantsPath, token); list[0]["token_last_used_at"] != nil {
		t.Errorf("used: %v", list)
	}
	f.AddPersonalToken(fakegithub.PersonalToken{Value: "made-up", Login: "monalisa"})
	if r := f.expect(200, "GET", "/user", "token made-up", ""); r.body["login"] != "monalisa" {
		t.Errorf("user: %s", r.text)
	}
	if list, _ := f.all(grantsPath, token); list[0]["token_last_used_at"] == nil {
		t.Errorf("not used: %v", list)
	}
	f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{ID: 7, Owner: "monalisa"})
	if f.Grants("octo-corp")[f.grantID(7)].LastUsedAt.IsZero() {
		t.Error("asking again made the token unused")
	}
	f.ExtendToken(7, time.Now().Add(-time.Second))
	f.want(f.send("GET", "/user", "token made-up", ""), 401, "Bad credentials")
	f.ExtendToken(7, time.Time{})
	f.expect(200, "GET", "/user", "token made-up", "")
	f.DeleteToken(7)
	f.want(f.send("GET", "/user", "token made-up", ""), 401, "Bad credentials")
}

// grantID returns the grant of a token.
func (f *fixture) grantID(token int64) int64 {
	for id, one := range f.Grants("octo-corp") {
		if one.ID == token {
			return id
		}
	}
	f.t.Fatalf("no grant of token %d", token)
	return 0
}
