package pat

import (
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
)

// What the parser of manifests refuses is refused here, too: the meaning of a
// rule may not hang on a check in another package.
func TestCompileRefuses(t *testing.T) {
	owner := manifest.PATCondition{Owner: "monalisa"}
	if1 := func(c manifest.PATCondition) manifest.PATRule { return manifest.PATRule{Name: "it", If: c} }
	do := func(action string) manifest.PATRule { return manifest.PATRule{Name: "it", Do: action, If: owner} }
	none := &manifest.PATPermissions{}
	for want, c := range map[string]struct {
		kind Kind
		rule manifest.PATRule
	}{
		"rule 1 of grants: it has no name":                                      {Grant, manifest.PATRule{Do: "revoke", If: owner}},
		"rule 1 of grants: if: without a condition, it would match every grant": {Grant, if1(manifest.PATCondition{})},
		`rule 1 of grants: do: "withdraw" is none of [notice revoke keep]`:      {Grant, do("withdraw")},
		`rule 1 of grants: do: "skip" is none of [notice revoke keep]`:          {Grant, do("skip")},
		`rule 1 of requests: do: "revoke" is none of [approve deny wait]`:       {Request, do("revoke")},
		`rule 1 of requests: do: "keep" is none of [approve deny wait]`:         {Request, do("keep")},
		`rule 1 of sso: do: "revoke" is none of [notice withdraw keep]`:         {Authorization, do("revoke")},
		`rule 1 of sso: do: "Notice" is none of [notice withdraw keep]`:         {Authorization, do("Notice")},
		"rule 1 of requests: if: would-be: only a grant can be asked":           {Request, if1(manifest.PATCondition{WouldBe: "deny"})},
		`rule 1 of grants: if: would-be: "wait" is none of approve, deny`:       {Grant, if1(manifest.PATCondition{WouldBe: "wait"})},
		`rule 1 of grants: if: membership: "left" is none of member, not-a-member`: {
			Grant, if1(manifest.PATCondition{Membership: "left"}),
		},
		`rule 1 of grants: if: selection: "ALL" is none of none, all, subset`: {Grant, if1(manifest.PATCondition{RepositoryScope: "ALL"})},
		`rule 1 of sso: if: kind: "pat" is none of classic, fine-grained, ssh-key, oauth-app, github-app`: {
			Authorization, if1(manifest.PATCondition{Kind: "pat"}),
		},
		"rule 1 of grants: if: any-of: no permission":  {Grant, if1(manifest.PATCondition{AnyOf: none})},
		"rule 1 of grants: if: at-most: no permission": {Grant, if1(manifest.PATCondition{AtMost: none})},
		"rule 1 of grants: if: any-of: contents: not a level": {
			Grant, if1(manifest.PATCondition{AnyOf: &manifest.PATPermissions{Repository: map[string]string{"contents": "none"}}}),
		},
		"rule 1 of grants: if: unused-for: a negative time": {Grant, if1(manifest.PATCondition{UnusedFor: -1})},
		"rule 1 of requests: if: reason: error parsing regexp: missing closing ): `(`": {
			Request, if1(manifest.PATCondition{Reason: "("}),
		},
		"rule 1 of grants: if: repositories: the topics of what a token opens are not known": {
			Grant, if1(manifest.PATCondition{Repositories: repositories(t, `"acme/*", "!topic:infra"`)}),
		},
	} {
		if c.rule.Do == "" {
			c.rule.Do = does[c.kind]
		}
		source := manifest.PATs{Organizations: []string{"acme"}}
		*listOf(&source, c.kind) = []manifest.PATRule{c.rule}
		if p, err := Compile(&source); err == nil || err.Error() != want || p != nil {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
