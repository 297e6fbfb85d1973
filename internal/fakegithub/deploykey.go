package fakegithub

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// deployKey is an SSH key that opens one repository. It cannot be changed.
type deployKey struct {
	id        int64
	material  string // type and base64, without comment
	title     string
	readOnly  bool
	addedBy   string
	createdAt time.Time
}

// DeployKey is a deploy key as a test sees it.
type DeployKey struct {
	ID        int64
	Title     string
	Key       string // type and base64
	ReadOnly  bool
	CreatedAt time.Time
}

// DeployKeys returns the keys of a repository by id, or none when the
// repository does not exist.
func (s *Server) DeployKeys(owner, repository string) []DeployKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.repositoryNamed(owner, repository)
	if repo == nil {
		return nil
	}
	list := make([]DeployKey, 0, len(repo.deployKeys))
	for _, key := range repo.deployKeys {
		list = append(list, DeployKey{key.id, key.title, key.material, key.readOnly, key.createdAt})
	}
	return list
}

func deployKeyRoutes() []route {
	var routes []route
	read, write := needs{"administration": "read"}, needs{"administration": "write"}
	for _, base := range []string{"/repos/{owner}/{repo}/keys", "/repositories/{repository}/keys"} {
		one := base + "/{key}"
		routes = append(routes,
			route{method: "GET", pattern: base, needs: read, doc: "list-deploy-keys", serve: inRepository(listDeployKeys)},
			route{method: "POST", pattern: base, needs: write, doc: "create-a-deploy-key", serve: inRepository(postDeployKey)},
			route{method: "GET", pattern: one, needs: read, doc: "get-a-deploy-key", serve: inRepository(getDeployKey)},
			route{method: "DELETE", pattern: one, needs: write, doc: "delete-a-deploy-key", serve: inRepository(deleteDeployKey)})
	}
	return onPage("deploy-keys/deploy-keys", installationToken, routes...)
}

// listDeployKeys is GET /repos/{o}/{r}/keys, a bare array.
func listDeployKeys(c *call, repo *repository) answer {
	keys, header := page(c, repo.deployKeys)
	list := make([]any, 0, len(keys))
	for _, key := range keys {
		list = append(list, c.deployKeyBody(repo, key))
	}
	return answer{status: http.StatusOK, header: header, body: list}
}

func getDeployKey(c *call, repo *repository) answer {
	i, known := c.deployKeyInPath(repo)
	if !known {
		return c.notFound()
	}
	return ok(c.deployKeyBody(repo, repo.deployKeys[i]))
}

// postDeployKey is POST /repos/{o}/{r}/keys. A key that is in use anywhere is
// refused. Without read_only the key can write.
func postDeployKey(c *call, repo *repository) answer {
	fields, refused := c.fields("key")
	if refused != nil {
		return *refused
	}
	var text, title string
	var readOnly bool
	refused = cmp.Or(decode(c, fields, "key", "a string", &text), decode(c, fields, "title", "a string", &title),
		decode(c, fields, "read_only", "a boolean", &readOnly))
	if refused != nil {
		return *refused
	}
	material, comment, isKey := parseSSHKey(text)
	switch {
	case !isKey:
		return c.invalidKey("key is invalid. You must supply a key in OpenSSH public key format") // unconfirmed
	case c.deployKeys[material]:
		return c.invalidKey("key is already in use")
	case title == "":
		title = comment // unconfirmed
	}
	key := &deployKey{
		id: c.newID(), material: material, title: title, readOnly: readOnly, createdAt: c.now,
		addedBy: c.apps[c.token.installation.AppID].Slug + "[bot]",
	}
	repo.deployKeys = append(repo.deployKeys, key)
	c.deployKeys[material] = true
	body := c.deployKeyBody(repo, key)
	return answer{status: http.StatusCreated, header: map[string]string{"Location": fmt.Sprint(body["url"])}, body: body}
}

func deleteDeployKey(c *call, repo *repository) answer {
	i, known := c.deployKeyInPath(repo)
	if !known {
		return c.notFound()
	}
	delete(c.deployKeys, repo.deployKeys[i].material)
	repo.deployKeys = slices.Delete(repo.deployKeys, i, i+1)
	return noContent()
}

// deployKeyInPath returns the position of the key that the path names.
func (c *call) deployKeyInPath(repo *repository) (int, bool) {
	id, err := strconv.ParseInt(c.params["key"], 10, 64)
	if err != nil {
		return 0, false
	}
	return slices.BinarySearchFunc(repo.deployKeys, id, func(k *deployKey, id int64) int { return int(k.id - id) })
}

// invalidKey is a validation error; its text about the field is in errors.
func (c *call) invalidKey(message string) answer {
	a := c.fail(http.StatusUnprocessableEntity, "Validation Failed")
	if body, isObject := a.body.(map[string]any); isObject {
		body["errors"] = []any{map[string]any{"resource": "PublicKey", "field": "key", "code": "custom", "message": message}}
	}
	return a
}

// parseSSHKey reads a line of authorized_keys without options: type, base64,
// comment. The base64 holds the type again.
func parseSSHKey(text string) (material, comment string, isKey bool) {
	fields := strings.Fields(text)
	if len(fields) < 2 || strings.ContainsAny(strings.TrimSpace(text), "\r\n") {
		return "", "", false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(blob) < 4 {
		return "", "", false
	}
	length, rest := int(binary.BigEndian.Uint32(blob)), blob[4:]
	if length >= len(rest) || string(rest[:length]) != fields[0] {
		return "", "", false
	}
	return fields[0] + " " + fields[1], strings.Join(fields[2:], " "), true
}

func (c *call) deployKeyBody(repo *repository, key *deployKey) map[string]any {
	return map[string]any{
		"id": key.id, "key": key.material, "title": key.title, "read_only": key.readOnly, "verified": true,
		"url":      c.api + "/repos/" + repo.Owner + "/" + repo.Name + "/keys/" + strconv.FormatInt(key.id, 10),
		"added_by": key.addedBy, "created_at": timestamp(key.createdAt), "last_used": nil, "enabled": true,
	}
}
