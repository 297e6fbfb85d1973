package cli

import (
	"testing"

	"github.com/valetkey/valetkey/internal/pat"
)

// A leaked token of a kind that the policy does not name is no failure.
func TestPATsFailedLeaks(t *testing.T) {
	all := patsReport{Report: &pat.Report{Leaks: []pat.Leak{
		{Outcome: pat.NotDone, Error: "its value is not of a kind that the policy names"},
		{Outcome: pat.Failed, Error: "there is no such call"},
		{Outcome: pat.Done, Error: "its alert is open"},
		{Outcome: pat.Done},
	}}}
	if n := all.failed(); n != 2 {
		t.Errorf("%d failed", n)
	}
}
