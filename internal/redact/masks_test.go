package redact_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/redact"
)

func masksOf(texts ...string) *redact.Masks {
	m := &redact.Masks{}
	for _, text := range texts {
		m.Add(redact.New(text))
	}
	return m
}

func TestMasksHide(t *testing.T) {
	for name, c := range map[string]struct {
		masks      []string
		text, want string
	}{
		"no mask":                     {nil, "plain text", "plain text"},
		"no occurrence":               {[]string{"abcdefgh"}, "abcdefg-", "abcdefg-"},
		"twice":                       {[]string{"abcdefgh"}, "x abcdefgh y abcdefgh", "x *** y ***"},
		"the text's end":              {[]string{"abcdefgh"}, "abcdefgh", "***"},
		"one begins another":          {[]string{"abcdefgh", "abcdefghijkl"}, "<abcdefghijkl>", "<***>"},
		"the same, the longer first":  {[]string{"abcdefghijkl", "abcdefgh"}, "<abcdefghijkl>", "<***>"},
		"one ends another":            {[]string{"efghijkl", "abcdefghijkl"}, "<abcdefghijkl>", "<***>"},
		"one in another":              {[]string{"cdefghij", "abcdefghijkl"}, "<abcdefghijkl>", "<***>"},
		"overlapping":                 {[]string{"abcdefgh", "efghijkl"}, "<abcdefghijkl>", "<***>"},
		"overlapping, the other way":  {[]string{"efghijkl", "abcdefgh"}, "<abcdefghijkl>", "<***>"},
		"a chain":                     {[]string{"abcdefgh", "ghijklmn", "mnopqrst"}, "<abcdefghijklmnopqrst>", "<***>"},
		"touching":                    {[]string{"abcdefgh", "ijklmnop"}, "<abcdefghijklmnop>", "<***>"},
		"overlapping itself":          {[]string{"aaaaaaaa"}, "-aaaaaaaaaaa-", "-***-"},
		"apart":                       {[]string{"abcdefgh", "ijklmnop"}, "abcdefgh ijklmnop", "*** ***"},
		"made by a replacement":       {[]string{"abcdefgh", "12***34567"}, "12abcdefgh34567", "***"},
		"too short to be one":         {[]string{"abcdefg", "       a", ""}, "abcdefg        a", "abcdefg        a"},
		"inside of what is no letter": {[]string{"äöüß-ÄÖÜ"}, "ä äöüß-ÄÖÜ ü", "ä *** ü"},
	} {
		if got := masksOf(c.masks...).Hide(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestMasksAdd(t *testing.T) {
	var m redact.Masks
	for _, c := range []struct {
		text string
		want bool
	}{{"abcdefgh", true}, {"abcdefgh", false}, {"abcdefghi", true}, {"abcdefg", false}, {" abcdefg ", false}, {"", false}} {
		if got := m.Add(redact.New(c.text)); got != c.want {
			t.Errorf("Add(%q) is %v", c.text, got)
		}
	}
	if all := m.All(); len(all) != 2 || all[0].Reveal() != "abcdefgh" || all[1].Reveal() != "abcdefghi" {
		t.Errorf("%d masks are in the set, want two in their order", len(all))
	}
}

// For any set and text, no mask occurs in the result, and every part that no
// mask covers is there.
func FuzzMasksHide(f *testing.F) {
	f.Add("abcdefgh\nefghijkl\nabcdefghijkl", "<abcdefghijkl>")
	f.Add("12***34567\nabcdefgh", "12abcdefgh34567")
	f.Add("********\n*********", "********** *** ****")
	f.Add("aaaaaaaa\naaaaaaaab\nbaaaaaaa", "aaaaaaaaabaaaaaaaa")
	f.Fuzz(func(t *testing.T, set, text string) {
		masks := strings.Split(set, "\n")
		m := masksOf(masks...)
		hidden := m.Hide(text)
		for _, mask := range m.All() {
			if strings.Contains(hidden, mask.Reveal()) {
				t.Errorf("%q is readable in %q", mask.Reveal(), hidden)
			}
		}
		covered := make([]bool, len(text))
		for _, mask := range m.All() {
			for i := range len(text) {
				for j := 0; strings.HasPrefix(text[i:], mask.Reveal()) && j < len(mask.Reveal()); j++ {
					covered[i+j] = true
				}
			}
		}
		want := ""
		for i := range covered {
			switch {
			case !covered[i]:
				want += text[i : i+1]
			case i == 0 || !covered[i-1]:
				want += "***"
			}
		}
		if !strings.Contains(set, "***") && !strings.Contains(text, "*") && hidden != want {
			t.Errorf("got %q, want %q", hidden, want)
		}
	})
}

// A job summary of 900 KiB against the masks of some tokens.
func BenchmarkMasksHide(b *testing.B) {
	for _, n := range []int{10, 150, 15000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var m redact.Masks
			for range n {
				m.Add(redact.New(rand.Text()))
			}
			row := "| `acme/api` | `NPM_TOKEN` | failed | Resource not accessible by integration " + rand.Text() + " |\n"
			text := strings.Repeat(row, 900<<10/len(row))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m.Hide(text)
			}
		})
	}
}
