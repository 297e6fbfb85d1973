package fakegithub

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"
	"time"
)

// getUser is GET /users/{username}, for users, organizations and the bots of
// Apps.
func getUser(c *call) answer {
	account := c.accounts[strings.ToLower(c.params["account"])]
	if account == nil || account.Type == "Enterprise" {
		return c.notFound()
	}
	body := c.simpleUser(account.Login)
	for _, key := range []string{"bio", "company", "email", "hireable", "location", "twitter_username"} {
		body[key] = nil
	}
	body["blog"], body["name"] = "", nil
	if account.Name != "" {
		body["name"] = account.Name
	}
	repositories := 0
	for _, repo := range c.holdingsOf(account.Login).byID {
		if !repo.Private {
			repositories++
		}
	}
	body["public_repos"], body["public_gists"], body["followers"], body["following"] = repositories, 0, 0, 0
	body["created_at"], body["updated_at"] = timestamp(account.createdAt), timestamp(account.createdAt)
	return ok(body)
}

// simpleUser is the schema `simple-user` for an account that exists, perhaps
// under another login by now.
func (c *call) simpleUser(login string) map[string]any {
	account := c.accounts[strings.ToLower(login)]
	if account == nil {
		account = c.formerLogins[strings.ToLower(login)]
	}
	name := url.PathEscape(account.Login)
	api := c.api + "/users/" + name
	body := map[string]any{
		"login": account.Login, "id": account.ID, "node_id": nodeID(nodePrefix[account.Type], account.ID),
		"type": account.Type, "site_admin": false, "user_view_type": "public", "gravatar_id": "",
		"avatar_url": c.web + "/avatars/" + name, "html_url": c.web + "/" + name, "url": api,
		"followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}",
		"subscriptions_url": api + "/subscriptions", "organizations_url": api + "/orgs", "repos_url": api + "/repos",
		"events_url": api + "/events{/privacy}", "received_events_url": api + "/received_events",
	}
	if account.Type == "Bot" {
		body["html_url"] = c.web + "/apps/" + strings.TrimSuffix(account.Login, "[bot]")
	}
	return body
}

// enterpriseBody is the schema `enterprise`, which has a slug and no login.
func (c *call) enterpriseBody(account *Account) map[string]any {
	name := account.Name
	if name == "" {
		name = account.Login
	}
	return map[string]any{
		"id": account.ID, "node_id": nodeID("E", account.ID), "slug": account.Login, "name": name,
		"html_url": c.web + "/enterprises/" + account.Login, "avatar_url": c.web + "/avatars/" + account.Login,
		"created_at": timestamp(account.createdAt), "updated_at": timestamp(account.createdAt),
	}
}

var nodePrefix = map[string]string{"User": "U", "Organization": "O", "Bot": "BOT", "Enterprise": "E"}

// nodeID returns an id in the form of GitHub's global ids: a prefix and the id
// in MessagePack, as in R_kgDOTQ.
func nodeID(prefix string, id int64) string {
	packed := []byte{0x92, 0x00, 0xce, 0, 0, 0, 0} // array of 2: 0 and a uint32
	binary.BigEndian.PutUint32(packed[3:], uint32(id))
	return prefix + "_" + base64.RawURLEncoding.EncodeToString(packed)
}

// timestamp formats a time as most answers do.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
