package pat

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
)

// A run gets only what its rules need, and to write only what they may change.
func TestNeeds(t *testing.T) {
	const requests, grants = "organization_personal_access_token_requests", "organization_personal_access_tokens"
	const sso = "organization_administration"
	all := everything
	for name, c := range map[string]struct {
		rules    string
		sections Sections
		enforce  bool
		want     []string
	}{
		"requests":               {requestRules, all, true, []string{requests + ": write"}},
		"requests, not enforced": {requestRules, all, false, []string{requests + ": read"}},
		"requests, in audit": {
			strings.ReplaceAll(requestRules, "do:", "mode: audit, do:"), all, true,
			[]string{requests + ": read"},
		},
		"requests, not asked for": {requestRules + endsUnused, Sections{Grants: true}, true, []string{grants + ": write"}},
		"grants and sso":          {endsUnused, all, true, []string{grants + ": write", sso + ": write"}},
		"a rule that keeps": {
			"\n		grants: [{name: k, if: {unused-for: 9d}, do: keep}]", all, true,
			[]string{grants + ": read"},
		},
		"a team": {
			"\n		requests: [{name: t, if: {team: a}, do: wait}]", all, true,
			[]string{requests + ": read", "members: read"},
		},
		"a membership":              {endsLeft, all, true, []string{grants + ": write", "members: read"}},
		"notices":                   {endsWithNotice, all, true, []string{grants + ": write", sso + ": write", "acme/desk issues: write"}},
		"notices, not enforced":     {endsWithNotice, all, false, []string{grants + ": read", sso + ": read", "acme/desk issues: read"}},
		"leaks, reported":           {reportsLeaks, all, true, []string{"secret_scanning_alerts: read"}},
		"leaks, ended and resolved": {endsLeaks, all, true, []string{"secret_scanning_alerts: write"}},
		"leaks, ended":              {"\n		leaks: {do: revoke}", all, true, []string{"secret_scanning_alerts: read"}},
		"leaks, not asked for":      {endsLeaks, Sections{Requests: true}, true, nil},
		"a team of the rules for requests": {
			`
		requests: [{name: t, if: {team: a}, do: deny}]
		grants: [{name: drifted, if: {would-be: deny}, do: keep}]`,
			Sections{Grants: true},
			true,
			[]string{grants + ": read", "members: read"},
		},
	} {
		h := &house{t: t}
		var got []string
		for _, n := range Needs(h.policy(c.rules), c.sections, c.enforce) {
			where := ""
			if n.Repository != "" {
				where = n.Owner + "/" + n.Repository + " "
			}
			got = append(got, fmt.Sprintf("%s%s: %s", where, n.Permission, n.Level))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	policy := &manifest.PATs{Organizations: []string{"acme", "beta"}}
	if got := OwnerNeeds(policy, true); len(got) != 6 || got[3] != (Need{"beta", "", requests, "write"}) {
		t.Errorf("%v", got)
	}
}
