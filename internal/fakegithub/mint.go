package fakegithub

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// maxRepositories is how many one request may list
// (https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app).
const maxRepositories = 500

const (
	textPermissions  = "The permissions requested are not granted to this installation."
	textRepositories = "There is at least one repository that does not exist or is not accessible to the parent installation."
)

// mintToken is POST /app/installations/{id}/access_tokens.
func mintToken(c *call) answer {
	in := c.installationInPath()
	if in == nil {
		return c.notFound()
	}
	if !in.suspendedAt.IsZero() {
		return c.suspended()
	}
	request, refused := c.parseMint()
	if refused != nil {
		return *refused
	}
	permissions, refused := c.grantPermissions(in, request.Permissions)
	if refused != nil {
		return *refused
	}
	repositories, refused := c.grantRepositories(in, request)
	if refused != nil {
		return *refused
	}
	t := &token{
		value: newTokenValue(c.requestedTokenForm(), c.app.ID, c.now), installation: in, permissions: permissions,
		narrowed: request.narrows(), repositoryIDs: newIDs(repositories), lag: c.lag,
		expiresAt: c.now.Add(tokenLifetime).Truncate(time.Second),
	}
	c.tokens = append(c.tokens, t)
	c.tokenByValue[t.value] = t
	return answer{status: http.StatusCreated, body: c.mintBody(t)}
}

// mintBody lists the repositories only when the request narrowed them
// (unconfirmed, but always so in examples).
func (c *call) mintBody(t *token) map[string]any {
	body := map[string]any{
		"token": t.value, "expires_at": timestamp(t.expiresAt), "permissions": t.permissions,
		"repository_selection": t.selection(),
	}
	if t.narrowed {
		body["repositories"] = c.repositoryBodies(c.tokenReach(t))
	}
	return body
}

func (c *call) requestedTokenForm() TokenForm {
	if c.config.EnterpriseServer {
		return c.tokenForm // the stateless form is for github.com and GHE.com
	}
	switch c.r.Header.Get("X-GitHub-Stateless-S2S-Token") {
	case "enabled":
		return Stateless
	case "disabled":
		return Opaque
	}
	return c.tokenForm // other values are ignored
}

// mintRequest is the body of the request. An empty list narrows nothing: the
// token reaches every repository of the installation. This is GitHub's
// behaviour and a trap for callers whose list came out empty.
type mintRequest struct {
	Repositories  []string
	RepositoryIDs []int64
	Permissions   map[string]string
}

func (m mintRequest) narrows() bool { return len(m.Repositories)+len(m.RepositoryIDs) > 0 }

// parseMint reads the body; an empty body, {} and null all mean everything that
// the installation has.
func (c *call) parseMint() (mintRequest, *answer) {
	var request mintRequest
	if refused := c.setFields(request.setField); refused != nil {
		return request, refused
	}
	for _, n := range []int{len(request.Repositories), len(request.RepositoryIDs)} {
		if n > maxRepositories {
			return request, c.invalid(fmt.Sprintf("No more than %d items are allowed; %d were supplied.", maxRepositories, n))
		}
	}
	return request, nil
}

// setField sets one field and returns what is wrong with it.
func (m *mintRequest) setField(name string, value json.RawMessage) string {
	var err error
	kind := "array of strings"
	switch name {
	case "repositories":
		err = json.Unmarshal(value, &m.Repositories)
	case "repository_ids":
		kind = "array of integers"
		err = json.Unmarshal(value, &m.RepositoryIDs)
	case "permissions":
		kind = "object of strings"
		err = json.Unmarshal(value, &m.Permissions)
	default:
		return fmt.Sprintf("%q is not a permitted key.", name)
	}
	if err != nil || string(value) == "null" {
		return fmt.Sprintf("For 'properties/%s', %s is not an %s.", name, value, kind)
	}
	return ""
}

// grantPermissions checks that the permissions are a subset of the
// installation's. The installation does not have a key that GitHub does not
// know.
func (c *call) grantPermissions(in *installation, asked map[string]string) (map[string]string, *answer) {
	if len(asked) == 0 {
		return maps.Clone(in.Permissions), nil
	}
	if !allowsAll(in.Permissions, asked) {
		return nil, c.unprocessable(textPermissions)
	}
	return withMetadata(asked), nil
}

// grantRepositories resolves names, which are without owner, and ids.
func (c *call) grantRepositories(in *installation, request mintRequest) ([]int64, *answer) {
	var ids []int64
	for _, name := range request.Repositories {
		repo := c.repositoryNamed(in.Account, name)
		if repo == nil || !in.covers(repo) {
			return nil, c.unprocessable(textRepositories)
		}
		ids = append(ids, repo.ID)
	}
	for _, id := range request.RepositoryIDs {
		if repo := c.repositories[id]; repo == nil || !in.covers(repo) {
			return nil, c.unprocessable(textRepositories)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// revokeToken is DELETE /installation/token: the calling token is dead
// afterwards.
func revokeToken(c *call) answer {
	c.token.revoked = true
	return noContent()
}

// installationRepositories is GET /installation/repositories.
func installationRepositories(c *call) answer {
	list := c.tokenReach(c.token)
	items, header := page(c, list)
	return answer{status: http.StatusOK, header: header, body: map[string]any{
		"total_count": len(list), "repository_selection": c.token.selection(), "repositories": c.repositoryBodies(items),
	}}
}
