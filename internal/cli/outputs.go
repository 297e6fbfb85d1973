package cli

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
)

// tokenOutputs are the outputs that mint and decrypt have in common.
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

func without(pairs []actions.Pair, name string) []actions.Pair {
	return slices.DeleteFunc(pairs, func(p actions.Pair) bool { return p.Name == name })
}

// saveToken leaves a token to the post stage, which revokes it.
func saveToken(r *actions.Runner, p envelope.Payload, h host) error {
	expires := ""
	if !p.ExpiresAt.IsZero() {
		expires = p.ExpiresAt.UTC().Format(time.RFC3339)
	}
	skew, insecure := "", ""
	if h.Skew != 0 {
		skew = h.Skew.String()
	}
	if h.InsecureHTTP {
		insecure = "true"
	}
	return r.SaveState(
		actions.Pair{Name: stateToken, Value: p.Token.Reveal()},
		actions.Pair{Name: stateExpires, Value: expires},
		actions.Pair{Name: stateHost, Value: h.URL},
		actions.Pair{Name: stateSkew, Value: skew},
		actions.Pair{Name: stateInsecure, Value: insecure},
	)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and lists of strings only
	}
	return string(b)
}
