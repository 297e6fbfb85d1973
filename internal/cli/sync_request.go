package cli

import (
	"context"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
)

// syncRequest is everything that a sync needs, complete and checked.
type syncRequest struct {
	Credentials   credentials
	Manifest      *manifest.File
	DryRun, Prune bool
	MaxDeletions  int
	State         *secret.State
	StateFile     string // its path; "" for none
	Concurrency   int
	Points        int // a minute; 0 for no limit
	Shard         secret.Shard
	Report        string // its path; "" for none
}

// parseSync reads the inputs of the sync action, the manifest and the state
// file.
func parseSync(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) (syncRequest, error) {
	req := syncRequest{
		Credentials: parseCredentials(ctx, p, r, in, true),
		DryRun:      in.Bool("dry-run"),
		Prune:       in.Bool("prune"),
		Concurrency: parseNumber(in, "concurrency", 1, githubapp.MaxConcurrency),
		Points:      parsePoints(in),
		Report:      in.String("report-file"),
	}
	if text := in.String("shard"); text != "" {
		var err error
		if req.Shard, err = secret.ParseShard(text); err != nil {
			in.Fault("shard", actions.Quote(text)+" is not of the form INDEX/TOTAL, such as 0/10 for the first of ten",
				"write shard: ${{ strategy.job-index }}/${{ strategy.job-total }}")
		}
	}
	path, state := in.String("manifest"), in.String("state-file")
	limit, reset := parseLimit(in, "max-deletions"), in.Bool("state-reset")
	previous := parsePreviousKey(ctx, p, r, in, req.Credentials)
	defer closeKey(ctx, r, previous)
	checkReport(in, req.Report)
	switch {
	case state != "" && samePath(state, req.Report):
		in.Fault("report-file", "is the state-file", "give each a file of its own")
	case req.Report != "" && samePath(path, req.Report):
		in.Fault("report-file", "is the manifest", "give each a file of its own")
	case state != "" && !req.Credentials.Token.Empty():
		in.Fault("state-file", "can't be used with token", "fingerprints are made with the App's key: give client-id and its key")
	case req.Prune && state == "":
		in.Fault("prune", "needs state-file", "only the state file shows which secrets were written for this manifest")
	case reset && state == "":
		in.Fault("state-reset", "needs state-file", "name the state file to start over, or take it out")
	case previous != nil && state == "":
		input := "previous-private-key"
		if in.String("previous-key") != "" {
			input = "previous-key"
		}
		in.Fault(input, "needs state-file", "it opens a state file that was made with the previous key; take it out")
	case limit >= 0 && !req.Prune:
		in.Fault("max-deletions", "needs prune: true", "nothing is deleted without that; take it out")
	}
	if err := in.Err(); err != nil {
		return req, err
	}
	var err error
	if req.Manifest, err = readManifest(r, path); err != nil {
		return req, err
	}
	if len(req.Manifest.Secrets) == 0 {
		missingSection(in, path, req.Manifest, " has no secrets to sync", "secrets")
		return req, in.Err()
	}
	if req.StateFile = state; state != "" {
		file := secret.StateFile{Path: state, Reset: reset}
		if req.State, err = openState(r, file, path, req.Credentials, previous); err != nil {
			return req, err
		}
	}
	if req.MaxDeletions = limit; limit < 0 {
		req.MaxDeletions = req.State.MaxDeletions(req.Shard)
	}
	return req, nil
}

// parseLimit reads a number that may be left out, which is -1.
func parseLimit(in *actions.Inputs, name string) int {
	if in.String(name) == "" {
		return -1
	}
	return parseNumber(in, name, 0, 1_000_000)
}
