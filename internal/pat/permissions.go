package pat

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

// permissionLevel is one permission of a token or rule.
type permissionLevel struct{ family, name, level string }

// The families that the permissions of tokens come in.
const (
	repositoryFamily   = "repository"
	organizationFamily = "organization"
	otherFamily        = "other"
)

// families are all of them; those that most rules are about come first.
var families = []string{repositoryFamily, organizationFamily, otherFamily}

// of returns the permissions of a family by name.
func (p Permissions) of(family string) map[string]string {
	switch family {
	case repositoryFamily:
		return p.Repository
	case organizationFamily:
		return p.Organization
	}
	return p.Other
}

// list returns the permissions in order: family by family, each by name.
func (p Permissions) list() []permissionLevel {
	list := make([]permissionLevel, 0, len(p.Repository)+len(p.Organization)+len(p.Other))
	for _, family := range families {
		for _, name := range slices.Sorted(maps.Keys(p.of(family))) {
			list = append(list, permissionLevel{family, name, p.of(family)[name]})
		}
	}
	return list
}

// String returns the permissions as a manifest has them:
// {repository: {contents: write}}.
func (p Permissions) String() string {
	var parts []string
	for _, family := range families {
		if set := permission.Set(p.of(family)); len(set) > 0 {
			parts = append(parts, family+": {"+strings.Join(set.Lines(), ", ")+"}")
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// known reports whether GitHub said what a token may do, be it nothing.
func (p Permissions) known() bool {
	return p.Repository != nil || p.Organization != nil || p.Other != nil
}

const noPermissions = "GitHub does not say its permissions"

// rank orders levels, of which each includes those before it. A text that is
// not a level has rank zero.
func rank(level string) int { return slices.Index([]string{"read", "write", "admin"}, level) + 1 }

// String returns "contents: write", or "members: read (organization)".
func (l permissionLevel) String() string {
	text := permission.Set{l.name: l.level}.Lines()[0]
	if l.family != repositoryFamily {
		text += " (" + l.family + ")"
	}
	return text
}

func texts(list []permissionLevel) []string {
	all := make([]string, len(list))
	for i, l := range list {
		all[i] = l.String()
	}
	return all
}

// anyOf asks whether a token has at least one of these permissions, at this
// level or a higher one. Of a level that nobody here knows, that is not known.
func anyOf(these []permissionLevel) ask {
	return func(q *question) (Answer, string) {
		if !q.Permissions.known() {
			return Unknown, noPermissions
		}
		doubt := ""
		for _, l := range these {
			has := l
			var there bool
			has.level, there = q.Permissions.of(l.family)[l.name]
			switch {
			case !there:
			case rank(has.level) == 0:
				doubt = cmp.Or(doubt, has.String()+" is not a level that this release knows")
			case rank(has.level) >= rank(l.level):
				return Yes, "it has " + has.String()
			}
		}
		if doubt != "" {
			return Unknown, doubt
		}
		return No, "it has none of them"
	}
}

// atMost asks whether a token has these permissions or fewer, at these levels
// or lower ones. A level that nobody here knows may be any, and so is more than
// was allowed. Every token that opens repositories has metadata: read.
func atMost(these []permissionLevel) ask {
	allowed := map[[2]string]int{{repositoryFamily, "metadata"}: rank("read")}
	for _, l := range these {
		key := [2]string{l.family, l.name}
		allowed[key] = max(allowed[key], rank(l.level))
	}
	return func(q *question) (Answer, string) {
		if !q.Permissions.known() {
			return Unknown, noPermissions
		}
		var more []string
		for _, has := range q.Permissions.list() {
			if n := rank(has.level); n == 0 || n > allowed[[2]string{has.family, has.name}] {
				more = append(more, has.String())
			}
		}
		if len(more) > 0 {
			return No, "it has " + wording.Names(more)
		}
		return Yes, "it has nothing more"
	}
}
