package fakegithub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxLeaked is how many credentials one call may bring
// (https://docs.github.com/en/rest/credentials/revoke).
const maxLeaked = 1000

func credentialRevocationRoute() []route {
	return onPage("credentials/revoke", noCredential, route{
		method: "POST", pattern: "/credentials/revoke", dotcomOnly: true,
		doc: "revoke-a-list-of-credentials", serve: revokeCredentials,
	})
}

// revokeCredentials is POST /credentials/revoke. Its answer does not say which
// of the credentials were known. Values of installation tokens are not taken.
func revokeCredentials(c *call) answer {
	var list []string
	fields, refused := c.fields("credentials")
	if refused == nil {
		refused = decode(c, fields, "credentials", "an array of strings", &list)
	}
	if refused == nil && (len(list) < 1 || len(list) > maxLeaked) {
		refused = c.invalid(fmt.Sprintf("Between 1 and %d items are allowed; %d were supplied.", maxLeaked, len(list)))
	}
	if refused != nil {
		return *refused
	}
	for _, value := range list {
		if p := c.personal[value]; p != nil && isRevocable(value) {
			c.end(p)
		}
	}
	return answer{status: http.StatusAccepted, body: map[string]any{}}
}

func isRevocable(value string) bool {
	prefixes := []string{"ghp_", "github_pat_", "gho_", "ghu_", "ghr_"}
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(value, p) })
}

// end ends a person's token for ever, with all that it was let into.
func (s *Server) end(p *personal) {
	p.revoked = true
	if p.fineGrained != nil {
		s.endFineGrained(p.fineGrained)
	}
	for _, o := range s.organizations {
		o.authorizations.list = slices.DeleteFunc(o.authorizations.list, func(one *authorization) bool { return one.Value == p.Value })
	}
}

// PersonalTokenWorks reports whether a person's token would be accepted now.
func (s *Server) PersonalTokenWorks(value string) bool {
	defer s.lock()()
	p := s.personal[value]
	return p != nil && p.works(s.now())
}
