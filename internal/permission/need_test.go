package permission

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestCover(t *testing.T) {
	t.Parallel()
	got := Cover([]Need{
		{Permissions: Set{"contents": "write", "issues": "read"}},
		{Permissions: Set{"contents": "read", "issues": "write"}, Perhaps: Set{"workflows": "write"}},
		{Permissions: Set{"new_thing": "own"}},
	})
	if want := (Set{"contents": "write", "issues": "write", "new_thing": "own"}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Cover(nil); got == nil || len(got) > 0 {
		t.Errorf("of nothing: got %v", got)
	}
}

func TestExcess(t *testing.T) {
	t.Parallel()
	needs := []Need{
		{Permissions: Set{"contents": "read"}},
		{Permissions: Set{"contents": "write", "issues": "read"}, Perhaps: Set{"workflows": "write"}},
	}
	for name, c := range map[string]struct {
		asked Set
		want  []string
	}{
		"nothing":         {nil, nil},
		"exact":           {Set{"contents": "write", "issues": "read"}, nil},
		"less":            {Set{"contents": "read"}, nil},
		"metadata":        {Set{"metadata": "read"}, nil},
		"perhaps":         {Set{"workflows": "write"}, nil},
		"too high":        {Set{"issues": "write"}, []string{"issues: write (read is enough)"}},
		"metadata: write": {Set{"metadata": "write"}, []string{"metadata: write (read is enough)"}},
		"not needed": {
			Set{"secrets": "read", "issues": "admin"}, []string{"issues: admin (read is enough)", "secrets: read (not needed)"},
		},
	} {
		if got := Excess(c.asked, needs); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestWorkflowToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  Set
		want string
	}{
		"nothing asks for all": {nil, ""},
		"metadata alone":       {Set{"metadata": "read"}, "permissions: {}\n"},
		"dashes": {
			Set{"pull_requests": "write", "contents": "read", "metadata": "read"},
			"permissions:\n  contents: read\n  pull-requests: write\n",
		},
		"not in a workflow": {Set{"contents": "read", "secrets": "read"}, ""},
		"workflow files":    {Set{"contents": "write", "workflows": "write"}, ""},
		"admin":             {Set{"repository_projects": "admin"}, ""},
		"metadata: write":   {Set{"metadata": "write"}, ""},
	} {
		if got, ok := WorkflowToken(c.set); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, ok, c.want)
		}
	}
	for _, name := range workflowKeys {
		if p, known := Lookup(name); !known || !slices.Contains(p.Levels, "write") {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// known reports whether a set holds nothing but permissions and levels that the
// table has.
func known(s Set) bool {
	for name, level := range s {
		if p, ok := Lookup(name); !ok || !slices.Contains(p.Levels, level) {
			return false
		}
	}
	return len(s) > 0
}

func joinedTexts(needs []Need, errs []error) string {
	all := []string{texts(errs)}
	for _, n := range needs {
		all = append(all, n.From, n.Chosen, n.Notice, n.Permissions.YAML())
	}
	return strings.Join(all, "\n")
}
