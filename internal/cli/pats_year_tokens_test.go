//go:build !race

package cli

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// make makes a token of somebody, which does not ask for anything yet.
func (y *patYear) make(e *employee) fakegithub.FineGrainedToken {
	y.serial++
	t := fakegithub.FineGrainedToken{ID: int64(1e6 + y.serial), Name: fmt.Sprintf("t%d", y.serial), Owner: e.login, Selection: "subset"}
	if y.often(0.1) {
		t.Value = "github_pat_" + rand.Text() + rand.Text()
	}
	y.shape(&t)
	y.tokens[t.Name] = &handmade{id: t.ID, owner: e, value: t.Value, habit: pick(y, 0.5, 0.5, 0.02, 0)}
	return t
}

// shape chooses what a token may do.
func (y *patYear) shape(t *fakegithub.FineGrainedToken) {
	levels := map[string]string{"metadata": "read", "contents": "read"}
	t.Permissions = map[string]map[string]string{"repository": levels}
	t.Selection, t.Repositories = "subset", []string{pick(y, "ci-1", "ci-2"), "ci-3"}
	t.ExpiresAt = y.now().Add(time.Duration(1+y.chance.IntN(20)) * day)
	t.Reason = pick(y, "OPS-7", "for OPS-123, please", "OPS-99", "OPS-1", "because")
	switch y.chance.IntN(12) {
	case 0:
		levels[pick(y, "administration", "secrets")] = "write"
	case 1:
		t.Permissions["organization"] = map[string]string{"members": pick(y, "read", "write")}
	case 2:
		t.Selection, t.Repositories = "all", nil
	case 3:
		t.ExpiresAt = time.Time{}
	case 4:
		t.Repositories = []string{pick(y, "web", "ci-1"), "infra"}
		levels["contents"] = pick(y, "read", "write")
	case 5:
		levels["contents"] = "write"
		t.ExpiresAt = y.now().Add(time.Duration(60+y.chance.IntN(60)) * day)
	}
}

func (y *patYear) ask() {
	y.RequestAccess("fleet", y.make(y.somebody()))
	y.count["asked"]++
}

// grant makes a token that has had access for a while.
func (y *patYear) grant() {
	t := y.make(y.somebody())
	t.Since = y.now().Add(-time.Duration(y.chance.IntN(100)) * day)
	if !t.ExpiresAt.IsZero() {
		t.ExpiresAt = t.ExpiresAt.Add(60 * day)
	}
	if y.often(0.95) {
		t.LastUsedAt = y.now().Add(-time.Duration(y.chance.IntN(50)) * day)
	}
	y.GrantAccess("fleet", t)
}

// authorize makes a credential for single sign-on.
func (y *patYear) authorize(ago time.Duration) {
	y.serial++
	c := fakegithub.Credential{
		Login: y.somebody().login, Note: fmt.Sprintf("c%d", y.serial), Type: pick(y, "", "", fakegithub.SSHKey, fakegithub.OAuthToken),
		CredentialID: int64(1e6 + y.serial), Scopes: [][]string{{"repo"}, {"admin:org", "repo"}, {"delete_repo"}, {}}[y.chance.IntN(4)],
		AuthorizedAt: y.now().Add(-ago),
	}
	if y.often(0.3) {
		c.AccessedAt = c.AuthorizedAt.Add(ago / 2)
	}
	if c.Type == "" {
		c.Value = "ghp_" + rand.Text() + rand.Text()
	}
	y.tokens[c.Note] = &handmade{id: c.CredentialID, owner: y.staff[c.Login], value: c.Value}
	y.AuthorizeCredential("fleet", c)
}

// protect adds tokens that are unused, and too much, and stay.
func (y *patYear) protect() {
	long := y.now().Add(-200 * day)
	for i, login := range []string{"olga", "release-bot", y.somebody().login} {
		t := y.make(y.staff[login])
		t.Since, t.ExpiresAt, t.Permissions["repository"]["administration"] = long, time.Time{}, "write"
		if i == 2 {
			t.ID = protectedID
		}
		y.tokens[t.Name].id, y.tokens[t.Name].habit, y.tokens[t.Name].protected = t.ID, 0, true
		y.GrantAccess("fleet", t)
	}
	for _, login := range []string{"olga", "release-bot"} {
		y.serial++
		name := fmt.Sprintf("c%d", y.serial)
		y.tokens[name] = &handmade{owner: y.staff[login], protected: true}
		y.AuthorizeCredential("fleet", fakegithub.Credential{Login: login, Note: name, Scopes: []string{"admin:org"}, AuthorizedAt: long})
	}
	asks := y.make(y.staff["release-bot"])
	asks.Permissions["repository"]["administration"] = "write"
	y.tokens[asks.Name].protected = true
	y.RequestAccess("fleet", asks)
}

// work is a day in which tokens are used, and those that are over thrown away.
// The administrator looks at what waits.
func (y *patYear) work() {
	for _, t := range sortedByID(y.Grants("fleet")) {
		h := y.tokens[t.Name]
		switch {
		case h.protected:
		case !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(y.now()):
			if y.often(0.3) {
				y.discard(t.Name)
			}
		case y.often(h.habit):
			y.UseToken(t.ID)
		case y.often(0.02):
			y.discard(t.Name)
		}
	}
	for id, t := range y.AccessRequests("fleet") {
		if !y.tokens[t.Name].protected && y.often(0.25) {
			y.ReviewRequest("fleet", id, pick(y, "approve", "approve", "deny"), "", "olga")
			y.count["reviewed by hand"]++
		}
	}
}

func sortedByID(tokens map[int64]fakegithub.FineGrainedToken) (list []fakegithub.FineGrainedToken) {
	for _, id := range slices.Sorted(maps.Keys(tokens)) {
		list = append(list, tokens[id])
	}
	return list
}

func (y *patYear) discard(name string) {
	y.DeleteToken(y.tokens[name].id)
	y.forget(name)
}

// find returns one of some tokens that no rule protects: the one with an id, or
// any.
func (y *patYear) find(tokens map[int64]fakegithub.FineGrainedToken, token int64) (id int64, t fakegithub.FineGrainedToken, ok bool) {
	maps.DeleteFunc(tokens, func(_ int64, t fakegithub.FineGrainedToken) bool {
		return y.tokens[t.Name].protected || token != 0 && t.ID != token
	})
	if len(tokens) == 0 {
		return 0, t, false
	}
	id = pick(y, slices.Sorted(maps.Keys(tokens))...)
	return id, tokens[id], true
}

// touchRequest does something with a request that waits.
func (y *patYear) touchRequest(requests map[int64]fakegithub.FineGrainedToken, token int64) {
	id, t, ok := y.find(requests, token)
	if !ok {
		return
	}
	switch y.chance.IntN(7) {
	case 0:
		y.CancelRequest("fleet", id)
	case 1:
		y.ReviewRequest("fleet", id, pick(y, "approve", "deny"), "", "olga")
	case 2: // the same token asks for something else
		if y.tokens[t.Name].owner.member {
			y.shape(&t)
			y.RequestAccess("fleet", t)
		}
	case 3:
		y.leave(y.tokens[t.Name].owner)
	default: // the same request is about something else
		y.ChangeRequest("fleet", id, y.shape)
	}
	y.count["changed requests"]++
}

// touchGrant does something with a grant.
func (y *patYear) touchGrant(grants map[int64]fakegithub.FineGrainedToken, token int64) {
	id, t, ok := y.find(grants, token)
	if !ok {
		return
	}
	switch e := y.tokens[t.Name].owner; y.chance.IntN(8) {
	case 0:
		y.RevokeGrant("fleet", id, "olga")
		y.forget(t.Name)
	case 1:
		y.discard(t.Name)
	case 2, 3:
		y.UseToken(t.ID)
	case 4:
		y.ExtendToken(t.ID, pick(y, y.now().Add(30*day), y.now().Add(5*day), time.Time{}))
	case 5:
		if e.member { // more for a token that has access
			y.shape(&t)
			t.Since = time.Time{}
			y.RequestAccess("fleet", t)
		}
	case 6:
		y.leave(e)
	default:
		y.ChangeGrant("fleet", id, func(t *fakegithub.FineGrainedToken) { t.Permissions["repository"]["contents"] = "read" })
	}
	y.count["changed grants"]++
}
