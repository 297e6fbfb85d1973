package githubapp

import (
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/permission"
)

// A permission that the installation lacks is told from one of a name that this
// release does not know.
func TestNotGranted(t *testing.T) {
	i := Installation{Page: "https://github.test/settings", Permissions: map[string]string{"contents": "read"}}
	for _, c := range []struct {
		asked permission.Set
		want  []string // what the hint has, in this order
	}{
		{permission.Set{"contents": "read"}, nil},
		{permission.Set{"contents": "write"}, []string{"the installation lacks contents: write", i.Page}},
		{permission.Set{"future_thing": "read"}, []string{"this release knows no permission of this name: future_thing: read"}},
		{
			permission.Set{"future_thing": "read", "issues": "read"},
			[]string{"of this name: future_thing: read (not granted). Check", "the installation lacks issues: read (not granted). Add"},
		},
	} {
		rest := notGranted(c.asked, i)
		if (rest == "") != (c.want == nil) {
			t.Errorf("%v: %q", c.asked, rest)
		}
		for _, part := range c.want {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%v: %q is not in %q", c.asked, part, rest)
			}
			rest = after
		}
	}
	if got := notGranted(permission.Set{"contents": "write"}, Installation{}); got != "" {
		t.Errorf("of an unknown installation: %q", got)
	}
}
