package cli

import (
	"strings"

	"github.com/valetkey/valetkey/internal/pat"
	"github.com/valetkey/valetkey/internal/permission"
)

// replacementOf returns the step that makes a token unnecessary, in Markdown:
// one that asks for what the token may do. It is empty where an App can't have
// any of that.
func replacementOf(t *pat.Token) string {
	granted := permission.Set{}
	for _, family := range []struct {
		prefix      string
		permissions map[string]string
	}{{"", t.Permissions.Repository}, {"organization_", t.Permissions.Organization}} {
		for name, level := range family.permissions {
			name = strings.ReplaceAll(name, "-", "_")
			if _, known := permission.Lookup(family.prefix + name); known {
				name = family.prefix + name
			}
			if permission.Check(name, level) == nil && len(permission.Unknown(permission.Set{name: level})) == 0 {
				granted[name] = level
			}
		}
	}
	kept, _ := replaceable(t.Scopes)
	needs, faults := permission.Scopes(strings.Join(kept, " "))
	if len(faults) == 0 {
		granted, _ = permission.Merge(granted, permission.Cover(needs))
	}
	if delete(granted, "metadata"); len(granted) == 0 {
		return ""
	}
	return "```yaml\n" + explanation{permissionRequest: permissionRequest{Permissions: granted}}.yaml() + "```\n"
}
