package pat

import (
	"slices"
	"strings"
)

// Why returns why no rule touches a token; empty if it is not protected. Where
// tokens are protected by id, one whose id GitHub does not say may be one of
// them.
func (p Protection) Why(t *Token) string {
	switch {
	case slices.ContainsFunc(p.Policy.Owners, func(pattern string) bool { return matchesFold(pattern, t.Owner) }):
		return "the policy protects its owner"
	case t.TokenID != 0 && slices.Contains(p.Policy.TokenIDs, t.TokenID):
		return "the policy protects the token"
	case t.TokenID == 0 && len(p.Policy.TokenIDs) > 0:
		return "the policy protects tokens by id, and GitHub does not say the id of this one"
	}
	return p.Owners[strings.ToLower(t.Owner)]
}

// matchesFold is [matches] for logins, in which case does not count.
func matchesFold(pattern, login string) bool {
	return matches(strings.ToLower(pattern), strings.ToLower(login))
}

// matches reports whether a text fits a pattern, in which * stands for any
// characters, ? for one, and everything else for itself. It takes time in
// proportion to the product of their lengths at most, whatever the pattern.
func matches(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, retry := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, retry = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case star >= 0: // let the last * take one character more
			retry++
			i, j = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}
