package fakegithub

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const (
	textSealed = "Bad request - validation failed due to an improperly encrypted secret"
	textBase64 = ` does not match /^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$/.`
	textName   = " names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). " +
		"Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_)."
	textArchived = "Repository was archived so is read-only."
	textReserved = " names must not start with GITHUB_."
)

// listSecrets is GET .../secrets, in order of names (unconfirmed).
func listSecrets(c *call, v *vault) answer {
	names, header := page(c, v.secrets.names)
	list := make([]any, 0, len(names))
	for _, name := range names {
		list = append(list, c.secretBody(v, v.secrets.items[name]))
	}
	return answer{status: http.StatusOK, header: header, body: map[string]any{"total_count": len(v.secrets.names), "secrets": list}}
}

// publicKey is GET .../secrets/public-key.
func publicKey(_ *call, v *vault) answer {
	id, public, _ := v.keyPair()
	return ok(map[string]any{"key_id": id, "key": base64.StdEncoding.EncodeToString(public[:])})
}

// getSecret is GET .../secrets/{name}. Values never come back.
func getSecret(c *call, v *vault) answer {
	s, known := v.secrets.get(strings.ToUpper(c.params["name"]))
	if !known {
		return c.notFound()
	}
	return ok(c.secretBody(v, s))
}

// putSecret is PUT .../secrets/{name}: 201 for a new secret, 204 for one that
// existed. GitHub's description requires encrypted_value and key_id for some
// kinds of secrets only; here all do (unconfirmed).
func putSecret(c *call, v *vault) answer {
	needed := []string{"encrypted_value", "key_id"}
	if v.organization != "" {
		needed = append(needed, "visibility")
	}
	fields, refused := c.fields(needed...)
	if refused == nil {
		refused = c.checkName("Secret", c.params["name"])
	}
	if refused != nil {
		return *refused
	}
	var a access
	if v.organization != "" {
		if a, refused = c.parseAccess(v.organization, fields, v.app != "agents"); refused != nil {
			return *refused
		}
	}
	value, refused := c.unseal(v, fields)
	if refused != nil {
		return *refused
	}
	name := strings.ToUpper(c.params["name"])
	if _, known := v.secrets.get(name); !known && len(v.secrets.names) >= v.limit() {
		return *c.unprocessable(fmt.Sprintf("The limit of %d secrets is reached.", v.limit())) // unconfirmed
	}
	if v.put(name, value, a, c.now) {
		return answer{status: http.StatusCreated, body: map[string]any{}}
	}
	return noContent()
}

// deleteSecret is DELETE .../secrets/{name}.
func deleteSecret(c *call, v *vault) answer {
	if !v.secrets.remove(strings.ToUpper(c.params["name"])) {
		return c.notFound()
	}
	return noContent()
}

// unseal reads encrypted_value and key_id.
func (c *call) unseal(v *vault, fields map[string]json.RawMessage) (string, *answer) {
	var sealed, keyID string
	refused := cmp.Or(decode(c, fields, "encrypted_value", "a string", &sealed), decode(c, fields, "key_id", "a string", &keyID))
	if refused != nil {
		return "", refused
	}
	if !isBase64(sealed) {
		return "", c.invalid(sealed + textBase64)
	}
	value, opened := v.open(keyID, sealed)
	switch {
	case !opened:
		return "", c.unprocessable(textSealed)
	case len(value) > maxSecret:
		return "", c.unprocessable("Secret values must not be larger than 48 KB.") // unconfirmed
	}
	return value, nil
}

// checkName refuses an invalid name of a secret or variable; noun says which of
// the two, in the words of GitHub's messages.
func (c *call) checkName(noun, name string) *answer {
	switch {
	case !isSecretName(name):
		return c.unprocessable(noun + textName)
	case strings.HasPrefix(strings.ToUpper(name), "GITHUB_"):
		return c.unprocessable(noun + textReserved) // unconfirmed
	}
	return nil
}

func isSecretName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

func (c *call) secretBody(v *vault, s *secret) map[string]any {
	body := map[string]any{"name": s.name, "created_at": timestamp(s.createdAt), "updated_at": timestamp(s.updatedAt)}
	if v.organization != "" {
		s.describe(c, body, "/orgs/"+c.accounts[v.organization].Login+"/"+v.app+"/secrets/"+s.name)
	}
	return body
}

// ofSecret serves an operation on the access of one secret of an organization.
func ofSecret(serve func(*call, *access) answer) func(*call, *vault) answer {
	return func(c *call, v *vault) answer {
		s, known := v.secrets.get(strings.ToUpper(c.params["name"]))
		if !known {
			return c.notFound()
		}
		return serve(c, &s.access)
	}
}

// repositorySecrets, organizationSecrets and environmentSecrets serve an
// operation on the vault that the path names.
func repositorySecrets(app string, serve func(*call, *vault) answer) func(*call) answer {
	return inRepository(unlessArchived(func(c *call, repo *repository) answer {
		return serve(c, c.vault(vaultKey{repository: repo.ID, app: app}))
	}))
}

func organizationSecrets(app string, serve func(*call, *vault) answer) func(*call) answer {
	return inOrganization(func(c *call, account *Account) answer {
		return serve(c, c.vault(vaultKey{organization: strings.ToLower(account.Login), app: app}))
	})
}

func environmentSecrets(app string, serve func(*call, *vault) answer) func(*call) answer {
	return inEnvironment(func(c *call, repo *repository, e *environment) answer {
		return unlessArchived(func(c *call, repo *repository) answer {
			return serve(c, c.vault(vaultKey{repository: repo.ID, environment: strings.ToLower(e.name), app: app}))
		})(c, repo)
	})
}

// unlessArchived refuses every change in an archived repository.
func unlessArchived(serve func(*call, *repository) answer) func(*call, *repository) answer {
	return func(c *call, repo *repository) answer {
		if repo.Archived && c.r.Method != http.MethodGet {
			return c.fail(http.StatusForbidden, textArchived)
		}
		return serve(c, repo)
	}
}
