package cli

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
)

// minted is a request together with the token that it brought.
type minted struct {
	mintRequest
	Installation githubapp.Installation
	Token        githubapp.Token
}

// payload returns what travels encrypted: the token and all that is known about
// it.
func (m minted) payload() envelope.Payload {
	return envelope.Payload{
		Token: m.Token.Value, ExpiresAt: m.Token.ExpiresAt, APIURL: m.Host.URL,
		InstallationID: m.Installation.ID, AppSlug: m.Installation.AppSlug,
		Permissions: m.Token.Permissions, Repositories: m.repositories(),
	}
}

// repositories returns the repositories that the token opens. GitHub names none
// of them when the token opens all of an owner's, and an enterprise has none of
// its own.
func (m minted) repositories() []string {
	switch {
	case !m.Token.AllRepositories:
		return append([]string{}, m.Token.Repositories...)
	case m.Target.Owner == "":
		return []string{}
	}
	return []string{m.owner() + "/*"}
}

// sameScope returns an error if GitHub granted another scope than was asked
// for.
func (m minted) sameScope() error {
	missing, extra := m.Token.Differs(m.owner(), m.Scope)
	if len(m.Scope.Permissions) > 0 {
		less, more := permission.Compare(m.Scope.Permissions, m.Token.Permissions)
		missing, extra = append(missing, less...), append(extra, more...)
	}
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, "it lacks "+strings.Join(missing, ", "))
	}
	if len(extra) > 0 {
		parts = append(parts, "it also has "+strings.Join(extra, ", "))
	}
	if len(parts) == 0 {
		return nil
	}
	return &fault.Error{
		Problem: "GitHub granted a different scope than was asked for: " + strings.Join(parts, "; "),
		Hint:    "the token was not handed out; check github-api-url, and whether a repository was renamed",
	}
}

// owner returns whose repositories the token opens: the account of the
// installation, as GitHub spells it. An enterprise has no repositories of its
// own.
func (m minted) owner() string {
	if m.Target.Enterprise != "" || m.Installation.Account == "" {
		return m.Target.Owner
	}
	return m.Installation.Account
}

// place returns the account in words.
func (m minted) place() string {
	t := githubapp.Target{Owner: m.owner(), Enterprise: m.Target.Enterprise}
	if t.Enterprise != "" && m.Installation.Account != "" {
		t.Enterprise = m.Installation.Account
	}
	return t.String()
}

// reach returns what git is to be let in to with the token.
func (m minted) reach() reach {
	w := reach{Owner: m.owner(), Organization: m.Installation.Organization, All: m.Token.AllRepositories}
	if given := m.Target.Owner; given != w.Owner {
		w.Aliases = []string{given}
	}
	for _, full := range m.Token.Repositories {
		_, name, _ := strings.Cut(full, "/")
		w.Repositories = append(w.Repositories, name)
	}
	for _, given := range m.Scope.Repositories {
		if !slices.Contains(w.Repositories, given) {
			w.Repositories = append(w.Repositories, given)
		}
	}
	return w
}
