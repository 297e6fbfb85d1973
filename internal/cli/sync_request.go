package cli

import (
	"crypto"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"strconv"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
)

// syncRequest is everything a sync needs, complete and checked.
type syncRequest struct {
	Credentials   credentials
	Manifest      *manifest.File
	DryRun, Prune bool
	MaxDeletions  int
	State         *secret.State
	StateFile     string // path; empty: none
	Concurrency   int
	Points        int // a minute; 0: no limit
	Shard         secret.Shard
	Report        string // path; empty: none
}

func parseSync(r *actions.Runner, in *actions.Inputs) (syncRequest, error) {
	req := syncRequest{
		Credentials: parseCredentials(r, in, true),
		DryRun:      in.Bool("dry-run"),
		Prune:       in.Bool("prune"),
		Concurrency: parseNumber(in, "concurrency", 1, githubapp.MaxConcurrency),
		Points:      parsePoints(in),
		Report:      in.String("report-file"),
	}
	if text := in.String("shard"); text != "" {
		var err error
		if req.Shard, err = secret.ParseShard(text); err != nil {
			in.Fault("shard", actions.Quote(text)+" is no INDEX/TOTAL, such as 0/10 for the first of ten", "write shard: ${{ strategy.job-index }}/${{ strategy.job-total }}")
		}
	}
	path, state := in.String("manifest"), in.String("state-file")
	limit, reset := parseLimit(in, "max-deletions"), in.Bool("state-reset")
	previous := parsePreviousKey(r, in)
	checkReport(in, req.Report)
	switch {
	case state != "" && samePath(state, req.Report):
		in.Fault("report-file", "is the state-file", "give each a file of its own")
	case req.Report != "" && samePath(path, req.Report):
		in.Fault("report-file", "is the manifest", "give each a file of its own")
	case state != "" && !req.Credentials.Token.Empty():
		in.Fault("state-file", "can't be used with token", "fingerprints are made with the App's key: give client-id and private-key")
	case req.Prune && state == "":
		in.Fault("prune", "needs state-file", "only the state file tells which secrets were written for this manifest")
	case reset && state == "":
		in.Fault("state-reset", "needs state-file", "name the file that is to be started anew, or take it out")
	case previous != nil && state == "":
		in.Fault("previous-private-key", "needs state-file", "it opens a state file that the key before was used for; take it out")
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
		in.Fault("manifest", actions.Quote(path)+" has no secrets to sync", "add secrets: to it; docs/manifest.md says how")
		return req, in.Err()
	}
	if req.StateFile = state; state != "" {
		whose, err := whoseManifest(r, req.Credentials.Host, path)
		if err != nil {
			return req, err
		}
		file := secret.StateFile{Path: state, Manifest: whose, Key: stateKey(req.Credentials.Key), Reset: reset}
		if previous != nil {
			file.Previous = stateKey(previous)
		}
		if req.State, err = secret.OpenState(file); err != nil {
			return req, err
		}
	}
	if req.MaxDeletions = limit; limit < 0 {
		req.MaxDeletions = req.State.MaxDeletions(req.Shard)
	}
	return req, nil
}

// parseLimit reads a number that need not be there; -1: it is not.
func parseLimit(in *actions.Inputs, name string) int {
	if in.String(name) == "" {
		return -1
	}
	return parseNumber(in, name, 0, 1_000_000)
}

// parsePreviousKey reads the key that the App had before; nil where none is given.
func parsePreviousKey(r *actions.Runner, in *actions.Inputs) crypto.Signer {
	const name = "previous-private-key"
	text := in.Secret(name)
	r.Mask(actions.Lines(text)...)
	if text.Empty() {
		return nil
	}
	return appKey{Text: text, Input: name}.parse(r, in)
}

// whoseManifest tells one manifest from another: by where it works, by the repository
// of the workflow, where there is one, and by its path.
func whoseManifest(r *actions.Runner, at host, path string) (secret.Manifest, error) {
	const variable = "GITHUB_REPOSITORY_ID"
	m := secret.Manifest{Host: at.name(), Repository: r.Variable("GITHUB_REPOSITORY"), Path: filepath.ToSlash(filepath.Clean(path))}
	text := r.Variable(variable)
	if text == "" { // outside of a workflow
		return m, nil
	}
	var err error
	if m.RepositoryID, err = strconv.ParseInt(text, 10, 64); err != nil || m.RepositoryID <= 0 {
		return m, actions.Fault{
			Problem: variable + " is " + actions.Quote(text) + ", which is no repository's id",
			Cure:    "leave it as the runner sets it; it says whose the state file is",
		}
	}
	return m, nil
}

// stateKey derives what wraps the key of a state file. It takes a signature, because
// an App's key may be one that can only sign: a signature of this kind (PKCS#1 v1.5)
// is the same each time. What is signed is no JWT, whose text has dots and no zero.
func stateKey(key crypto.Signer) secret.Derive {
	return func(salt []byte) ([]byte, error) {
		sum := sha256.Sum256(append([]byte("valetkey state file\x00"), salt...))
		signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return hkdf.Key(sha256.New, signature, salt, "valetkey state file", sha256.Size)
	}
}
