package pat

import (
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
)

func TestPermissionConditions(t *testing.T) {
	type set = map[string]string
	has := func(p Permissions) func(*Token) { return func(t *Token) { t.Permissions = p } }
	repository := func(s set) func(*Token) { return has(Permissions{Repository: s}) }
	anyOf := func(p manifest.PATPermissions) manifest.PATCondition { return manifest.PATCondition{AnyOf: &p} }
	atMost := func(p manifest.PATPermissions) manifest.PATCondition { return manifest.PATCondition{AtMost: &p} }
	broad := anyOf(manifest.PATPermissions{
		Repository: set{"administration": "read", "contents": "write"}, Organization: set{"members": "write"},
		Other: set{"gists": "admin"},
	})
	narrow := atMost(manifest.PATPermissions{Repository: set{"contents": "read", "issues": "write"}, Organization: set{"members": "read"}})
	const unknown = "GitHub does not say its permissions"
	for _, c := range []conditionTest{
		{of: broad, token: repository(set{"contents": "write"}), want: Yes, why: "it has contents: write"},
		{of: broad, token: repository(set{"contents": "read"}), want: No, why: "it has none of them"},
		{of: broad, token: repository(set{"contents": "admin"}), want: Yes, why: "it has contents: admin"},
		{of: broad, token: repository(set{"administration": "read"}), want: Yes, why: "it has administration: read"},
		{of: broad, token: repository(set{"members": "write", "gists": "admin"}), want: No, why: "it has none of them"}, // another family's
		{of: broad, token: has(Permissions{Organization: set{"members": "admin"}}), want: Yes, why: "it has members: admin (organization)"},
		{of: broad, token: has(Permissions{Other: set{"gists": "admin"}}), want: Yes, why: "it has gists: admin (other)"},
		{of: broad, token: has(Permissions{Other: set{"gists": "write"}}), want: No, why: "it has none of them"},
		{of: broad, token: repository(set{"novel": "write"}), want: No, why: "it has none of them"},
		{
			of: broad, token: repository(set{"contents": "maintain"}),
			want: Unknown, why: "contents: maintain is not a level that this release knows",
		},
		{
			of: broad, token: repository(set{"contents": ""}),
			want: Unknown, why: `contents: "" is not a level that this release knows`,
		},
		{of: broad, token: repository(set{"issues": "maintain"}), want: No, why: "it has none of them"},
		{of: broad, token: repository(set{"administration": "WRITE", "contents": "write"}), want: Yes, why: "it has contents: write"},
		{of: broad, token: repository(set{}), want: No, why: "it has none of them"},
		{of: broad, token: has(Permissions{}), want: Unknown, why: unknown},

		{of: narrow, token: repository(set{"contents": "read", "metadata": "read"}), want: Yes, why: "it has nothing more"},
		{of: narrow, token: repository(set{"issues": "read"}), want: Yes, why: "it has nothing more"},
		{
			of: narrow, token: repository(set{"contents": "write", "issues": "admin"}),
			want: No, why: "it has contents: write, issues: admin",
		},
		{of: narrow, token: repository(set{"metadata": "write"}), want: No, why: "it has metadata: write"},
		{of: narrow, token: repository(set{"members": "read"}), want: No, why: "it has members: read"},
		{
			of: narrow, token: has(Permissions{Organization: set{"metadata": "read"}}),
			want: No, why: "it has metadata: read (organization)",
		},
		{of: narrow, token: has(Permissions{Other: set{"plan": "read"}}), want: No, why: "it has plan: read (other)"},
		{of: narrow, token: repository(set{"contents": "look"}), want: No, why: "it has contents: look"},
		{of: narrow, token: repository(set{"contents": ""}), want: No, why: `it has contents: ""`},
		{of: narrow, token: has(Permissions{Other: set{}}), want: Yes, why: "it has nothing more"},
		{of: narrow, token: has(Permissions{}), want: Unknown, why: unknown},
	} {
		c.run(t)
	}
}
