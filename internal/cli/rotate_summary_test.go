package cli

import (
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/rotate"
)

func TestTimelineOfStrangeNames(t *testing.T) {
	due := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	got := timeline([]rotate.Report{{Name: "a : b\n```\n# c;%%<d>", Due: due}})
	if want := "```mermaid\ntimeline\n    title Due next\n    2026-11-25 : a ? b?????? c????d?\n```\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
