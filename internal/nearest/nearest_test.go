package nearest

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"owner", "owner", 0},
		{"onwer", "owner", 1}, // two neighbours exchanged
		{"ower", "owner", 1},
		{"owners", "owner", 1},
		{"pwner", "owner", 1},
		{"repositoires", "repositories", 1},
		{"ab", "ba", 1},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3}, // no letter is edited twice
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Distance(c.b, c.a); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestWord(t *testing.T) {
	words := []string{"mint", "minted", "revoke", "rotate"}
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"mnt", 2, "mint"},
		{"mintd", 2, "mint"}, // the first of two that are as near
		{"revok", 2, "revoke"},
		{"reovke", 1, "revoke"},
		{"rotation", 2, ""},
		{"rotation", 3, "rotate"},
		{"x", 5, ""}, // nothing of it would be left
		{"", 2, ""},
	} {
		if got := Word(c.text, words, c.most); got != c.want {
			t.Errorf("Word(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
	}
}
