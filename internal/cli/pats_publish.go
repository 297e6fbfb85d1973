package cli

import (
	"errors"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/pat"
)

// publishPATs writes what a run tells, and returns its failures.
func publishPATs(r *actions.Runner, req patsRequest, report *pat.Report) error {
	all := patsReport{Report: report, auditOnly: req.auditOnly()}
	for i := range report.Leaks {
		if o := report.Leaks[i].Outcome; o == pat.Done || o == pat.Would {
			all.ended++
		}
	}
	errs := []error{r.Output(all.outputs()...)}
	if err := r.Summary(all.summary()); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
	if req.Report != "" {
		errs = append(errs, writeReport(req.Report, &all))
	}
	r.Info("%s", all.total())
	for _, note := range report.Notes {
		r.Info("%s", note)
	}
	return errors.Join(append(errs, report.Errors...)...)
}
