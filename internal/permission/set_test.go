package permission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	a, b := Set{"contents": "read", "issues": "read"}, Set{"issues": "read", "pages": "write"}
	got, errs := Merge(a, b)
	if want := (Set{"contents": "read", "issues": "read", "pages": "write"}); len(errs) > 0 || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, errs, want)
	}
	if len(a) != 2 || len(b) != 2 {
		t.Errorf("Merge changed its arguments: %v, %v", a, b)
	}
	if got, errs := Merge(nil, nil); got == nil || len(got) > 0 || len(errs) > 0 {
		t.Errorf("of nothing: got %v, %v", got, errs)
	}
}

func TestMergeConflict(t *testing.T) {
	t.Parallel()
	got, errs := Merge(Set{"contents": "read", "issues": "read"}, Set{"contents": "write", "issues": "write"})
	want := "contents: both read and write are asked for; hint: " +
		"keep one of them\nissues: both read and write are asked for; hint: keep one of them"
	if texts(errs) != want {
		t.Errorf("got\n%s\nwant\n%s", texts(errs), want)
	}
	if got["contents"] != "read" {
		t.Errorf("got %v, want the level of the first set", got)
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	got := Set{"pages": "write", "contents": "read", "a\n::b": "x\ny"}.YAML()
	if want := `"a\n::b": "x\ny"` + "\ncontents: read\npages: write\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Set(nil).YAML(); got != "" {
		t.Errorf("of nothing: got %q", got)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked, granted Set
		missing, extra []string
	}{
		"the same":           {Set{"contents": "read"}, Set{"contents": "read"}, nil, nil},
		"metadata comes too": {Set{"contents": "read"}, Set{"contents": "read", "metadata": "read"}, nil, nil},
		"metadata: write":    {Set{"contents": "read"}, Set{"contents": "read", "metadata": "write"}, nil, []string{"metadata: write"}},
		"metadata was asked": {Set{"metadata": "read"}, Set{}, []string{"metadata: read (not granted)"}, nil},
		"lower":              {Set{"contents": "write"}, Set{"contents": "read"}, []string{"contents: write (granted read)"}, nil},
		"higher":             {Set{"contents": "read"}, Set{"contents": "write"}, nil, []string{"contents: write (asked read)"}},
		"admin is the most": {
			Set{"organization_projects": "write"},
			Set{"organization_projects": "admin"},
			nil,
			[]string{"organization_projects: admin (asked write)"},
		},
		"level of the future": {Set{"contents": "read"}, Set{"contents": "own"}, []string{"contents: read (granted own)"}, nil},
		"hostile server": {
			Set{"contents": "read"},
			Set{"contents": "\n::x", "a\nb": "read"},
			[]string{"contents: read (granted another level)"},
			[]string{"a name of 3 characters: read"},
		},
		"all of it, sorted": {
			Set{"pages": "read", "issues": "read", "contents": "read"},
			Set{"members": "read", "contents": "write", "actions": "read"},
			[]string{"issues: read (not granted)", "pages: read (not granted)"},
			[]string{"actions: read", "contents: write (asked read)", "members: read"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missing, extra := Compare(c.asked, c.granted)
			if !slices.Equal(missing, c.missing) || !slices.Equal(extra, c.extra) {
				t.Errorf("got %q, %q, want %q, %q", missing, extra, c.missing, c.extra)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	got := Unknown(Set{
		"contents":              "read",
		"pull_request":          "write",
		"brand_new":             "read",
		"codespaces_secrets":    "read",
		strings.Repeat("z", 50): "read",
	})
	want := []string{
		"brand_new is not a permission this release knows; it is passed to GitHub as it is",
		"codespaces_secrets: read is not a level this release has seen; it is passed to GitHub as it is",
		"pull_request is not a permission this release knows (did you mean pull_requests?); it is passed to GitHub as it is",
		"a name of 50 characters is not a permission this release knows; it is passed to GitHub as it is",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := Unknown(Set{"contents": "read"}); got != nil {
		t.Errorf("of what is known: got %q", got)
	}
}

func TestUnknownIsBounded(t *testing.T) {
	t.Parallel()
	s := Set{}
	for i := range 5000 {
		s[fmt.Sprintf("name%d", i)] = "read"
	}
	got := Unknown(s)
	if want := "4990 more are not known to this release either; they are passed to GitHub as they are"; len(got) != maxFaults+1 ||
		got[maxFaults] != want {
		t.Errorf("got %d warnings, the last %q, want %q", len(got), got[len(got)-1], want)
	}
}
