package pat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// lines returns a line for each decision that is about to change something or
// has: "approve request of monalisa: done".
func lines(report Report) []string {
	all := []string{}
	for i := range report.Records {
		r := &report.Records[i]
		if r.Outcome == "" {
			continue
		}
		line := fmt.Sprintf("%s %s of %s: %s", r.Decision, r.Kind, r.Owner, r.Outcome)
		if r.Organization != "acme" {
			line = r.Organization + ": " + line
		}
		if r.Due != nil && r.Outcome == Noticed {
			line += " until " + r.Due.UTC().Format("2006-01-02 15:04")
		}
		if r.Error != "" {
			line += ", " + r.Error
		}
		all = append(all, line)
	}
	return all
}

func (h *house) wantLines(report Report, want ...string) {
	h.t.Helper()
	if got := lines(report); !slices.Equal(got, want) {
		h.t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantErrors compares the errors of a report, with their hints.
func (h *house) wantErrors(report Report, want ...string) {
	h.t.Helper()
	got := []string{}
	for _, err := range report.Errors {
		got = append(got, fault.Line(err))
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("errors\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// writes returns the requests that changed something, without mints, and forgets
// all requests.
func (h *house) writes() []string {
	list := []string{}
	for _, r := range h.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/access_tokens") {
			list = append(list, fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status))
		}
	}
	h.ResetRequests()
	return list
}
