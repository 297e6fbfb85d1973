package wording

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	twenty := strings.Split("abcdefghijklmnopqrst", "")
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"acme/api"}, "acme/api"},
		{[]string{"acme/api", "acme/web"}, "acme/api, acme/web"},
		{twenty, strings.Join(twenty, ", ")},
		{append(slices.Clone(twenty), "u", "v"), strings.Join(twenty, ", ") + ", and 2 more"},
	} {
		before := slices.Clone(c.names)
		if got := Names(c.names); got != c.want || !slices.Equal(c.names, before) {
			t.Errorf("got %q, want %q; the list is %q", got, c.want, c.names)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 grants", 1: "1 grant", 2: "2 grants", 1000: "1,000 grants"} {
		if got := Count(n, "grant"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 31000: "31,000", 1234567: "1,234,567"} {
		if got := Number(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	east := time.FixedZone("east", 2*60*60)
	if got := Clock(time.Date(2026, 11, 20, 1, 4, 59, 0, east)); got != "23:04 UTC" {
		t.Errorf("got %q", got)
	}
}
