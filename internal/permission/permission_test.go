package permission

import (
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	all := All()
	if len(all) < 100 {
		t.Fatalf("got %d permissions, want over 100", len(all))
	}
	for i, p := range all {
		if i > 0 && all[i-1].Name >= p.Name {
			t.Errorf("%s is out of order", p.Name)
		}
		if !wellFormed(p.Name) || Name(p.Name) != p.Name {
			t.Errorf("%s is not well-formed", p.Name)
		}
		if !slices.IsSortedFunc(p.Levels, func(a, b string) int { return rank(a) - rank(b) }) || rank(p.Levels[0]) < 0 {
			t.Errorf("%s: levels %v are not ascending", p.Name, p.Levels)
		}
		if got, ok := Lookup(p.Name); !ok || got.Name != p.Name {
			t.Errorf("Lookup(%q) = %v, %v", p.Name, got, ok)
		}
	}
	all[0].Name = "changed"
	if table[0].Name == "changed" {
		t.Error("All returns the table itself")
	}
}

func TestLookupUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "pull-requests", "pull_request", "Contents", "zzz"} {
		if p, ok := Lookup(name); ok {
			t.Errorf("Lookup(%q) = %v", name, p)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"contents":         "contents",
		" Pull-Requests\n": "pull_requests",
		"PULL_REQUESTS":    "pull_requests",
		"":                 "",
	} {
		if got := Name(text); got != want {
			t.Errorf("Name(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pull_request":                "pull_requests",
		"content":                     "contents",
		"contnets":                    "contents",
		"issue":                       "issues",
		"organisation_administration": "organization_administration",
		"id_token":                    "",
		"x":                           "",
		"":                            "",
	} {
		if got := nearestName(name); got != want {
			t.Errorf("nearestName(%q) = %q, want %q", name, got, want)
		}
	}
}
