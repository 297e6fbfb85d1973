package cli

import (
	"slices"
	"strconv"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
)

// tokenOutputs returns the outputs that mint and decrypt have in common.
func tokenOutputs(p envelope.Payload) []actions.Pair {
	id, expires := "", ""
	if p.InstallationID != 0 {
		id = strconv.FormatInt(p.InstallationID, 10)
	}
	if !p.ExpiresAt.IsZero() {
		expires = p.ExpiresAt.UTC().Format(time.RFC3339)
	}
	if p.Permissions == nil {
		p.Permissions = map[string]string{}
	}
	if p.Repositories == nil {
		p.Repositories = []string{}
	}
	return []actions.Pair{
		{Name: "token", Value: p.Token.Reveal()},
		{Name: "installation-id", Value: id},
		{Name: "app-slug", Value: p.AppSlug},
		{Name: "expires-at", Value: expires},
		{Name: "permissions", Value: asJSON(p.Permissions)},
		{Name: "repositories", Value: asJSON(p.Repositories)},
		{Name: "token-hash", Value: githubapp.Hash(p.Token)},
	}
}

// without removes the pair of a name.
func without(pairs []actions.Pair, name string) []actions.Pair {
	return slices.DeleteFunc(pairs, func(p actions.Pair) bool { return p.Name == name })
}
