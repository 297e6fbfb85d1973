package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/markdown"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	// shownRows and shownBytes limit the table of the job summary. The runner
	// drops a summary of more than 1 MiB as a whole.
	shownRows  = 1000
	shownBytes = 900 << 10

	summaryPlaces = 10 // how many one row names
)

// syncReport is the outcome for every target, as the report file has it.
type syncReport struct {
	DryRun  bool           `json:"dry_run"`
	Counts  map[string]int `json:"counts"`
	Needs   string         `json:"needs,omitempty"`
	Targets []*syncTarget  `json:"targets"`
	Advice  []string       `json:"advice,omitempty"`
	Stale   []string       `json:"no_longer_in_manifest,omitempty"` // and not deleted, because prune is off

	groups   groups
	errs     []error // that are not about a target
	stateErr error
}

type syncTarget struct {
	Target       string `json:"target"`
	Owner        string `json:"owner"`
	Repository   string `json:"repository,omitempty"`
	Environment  string `json:"environment,omitempty"`
	App          string `json:"app"`
	Secret       string `json:"secret"`
	Outcome      string `json:"outcome"`
	Reason       string `json:"reason"`
	Organization bool   `json:"organization,omitempty"`
}

// outcomes are in the order of the outputs.
func outcomes() []secret.Outcome {
	return []secret.Outcome{secret.Created, secret.Updated, secret.Unchanged, secret.Deleted, secret.Failed}
}

// newSyncReport starts a report with the targets that could not be found out.
func newSyncReport(failed []secret.Result, dryRun bool) *syncReport {
	report := &syncReport{DryRun: dryRun, Counts: map[string]int{}, Targets: []*syncTarget{}}
	for _, outcome := range outcomes() {
		report.Counts[string(outcome)] = 0
	}
	for _, result := range failed {
		report.add(result)
	}
	return report
}

// add adds the result for one target.
func (s *syncReport) add(r secret.Result) {
	s.Counts[string(r.Outcome)]++
	reason := r.Reason
	if r.Err != nil {
		reason = fault.Line(r.Err)
	}
	s.groups.add(r)
	s.Targets = append(s.Targets, &syncTarget{
		Target: r.Place.String(), Owner: r.Place.Owner, Repository: r.Place.Repository, Environment: r.Place.Environment, App: r.Place.App,
		Secret: r.Name, Outcome: string(r.Outcome), Reason: reason, Organization: r.Place.IsOrganization(),
	})
}

// addStale adds what a plan leaves alone: entries that are no longer in the
// manifest, unless some of it is unknown, and entries that the brake kept from
// being deleted.
func (s *syncReport) addStale(plan secret.Plan, failed []secret.Result) {
	if len(failed) > 0 {
		plan.Stale = nil
	}
	for _, stale := range plan.Stale {
		s.Stale = append(s.Stale, stale.Name+" for "+stale.String())
	}
	if plan.Braked != nil {
		s.errs = append(s.errs, plan.Braked)
	}
}

// stale says which secrets stay although they are no longer in the manifest.
func (s *syncReport) stale() string {
	return fmt.Sprintf("%s secrets that this manifest wrote are no longer in it and stay: %s; prune: true deletes them",
		wording.Number(len(s.Stale)), wording.Names(s.Stale))
}

// publish writes the outputs, the job summary and the report file. It returns
// the failures of the sync.
func (s *syncReport) publish(r *actions.Runner, file string) error {
	var pairs []actions.Pair
	for _, outcome := range outcomes() {
		pairs = append(pairs, actions.Pair{Name: string(outcome), Value: strconv.Itoa(s.Counts[string(outcome)])})
	}
	errs := []error{r.Output(pairs...)}
	if err := r.Summary(s.summary()); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
	if file != "" {
		errs = append(errs, writeReport(file, s))
	}
	r.Info("%s", s.total())
	if len(s.Stale) > 0 {
		r.Info("%s", s.stale())
	}
	// Errors about the run as a whole come first, because only some errors become
	// annotations.
	errs = slices.Concat(errs, []error{s.stateErr}, s.errs)
	for _, g := range s.groups.inOrder() {
		if g.err != nil {
			errs = append(errs, groupError{g})
		}
	}
	return errors.Join(errs...)
}

// encode writes the report as JSON, one target after the other. As a single
// text, the targets of a large fleet would take more memory than the rest of
// the step.
func (s *syncReport) encode(w io.Writer) error {
	head := *s
	head.Targets = []*syncTarget{}
	text, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return err
	}
	before, after, _ := bytes.Cut(text, []byte(`"targets": []`)) // a value has its quotes escaped
	buffer, between, end := bufio.NewWriter(w), "\n    ", ""
	_, _ = fmt.Fprintf(buffer, `%s"targets": [`, before)
	for _, target := range s.Targets {
		if text, err = json.MarshalIndent(target, "    ", "  "); err != nil { //nolint:gosec // the name of a secret
			return err
		}
		_, _ = fmt.Fprintf(buffer, "%s%s", between, text)
		between, end = ",\n    ", "\n  "
	}
	_, _ = fmt.Fprintf(buffer, "%s]%s\n", end, after)
	return buffer.Flush() // returns the first error of all writes
}

// total returns the counts in one line.
func (s *syncReport) total() string {
	parts := make([]string, 0, len(s.Counts))
	for _, outcome := range outcomes() {
		parts = append(parts, wording.Number(s.Counts[string(outcome)])+" "+string(outcome))
	}
	text := strings.Join(parts, ", ")
	if s.DryRun {
		text = "a dry run would end with: " + text
	}
	return text
}

// summary returns the job summary. Failures come first, and unchanged secrets
// only as a count.
func (s *syncReport) summary() string {
	var b strings.Builder
	b.WriteString("#### Secret sync")
	if s.DryRun {
		b.WriteString(": dry run")
	}
	b.WriteString("\n\n" + s.total() + "\n\n")
	if s.Needs != "" {
		b.WriteString("The plan " + markdown.Cell(s.Needs) + ".\n\n")
	}
	for _, text := range s.Advice {
		b.WriteString(markdown.Cell(text) + ".\n\n")
	}
	if len(s.Stale) > 0 {
		b.WriteString(markdown.Cell(s.stale()) + ".\n\n")
	}
	rows := slices.DeleteFunc(s.groups.inOrder(), func(g *group) bool { return g.Outcome == secret.Unchanged && g.reason == "" })
	b.WriteString("| secret | outcome | where | reason |\n|---|---|---|---|\n")
	for i, g := range rows {
		if i == shownRows || b.Len() > shownBytes {
			fmt.Fprintf(&b, "\n… and %s more; `report-file` has them all.\n", wording.Number(len(rows)-i))
			break
		}
		where, more := g.Places, ""
		if len(where) > summaryPlaces {
			where, more = where[:summaryPlaces], " and "+wording.Number(len(where)-summaryPlaces)+" more"
		}
		fmt.Fprintf(&b, "| %s | %s | %s%s | %s |\n",
			markdown.Code(g.Secret), g.Outcome, strings.Join(markdown.Codes(where), ", "), more, markdown.Cell(g.text()))
	}
	b.WriteString("\n")
	return b.String()
}
