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
			in.Fault("shard", actions.Quote(text)+" is no INDEX/TOTAL, such as 0/10 for the first of ten",
				"write shard: ${{ strategy.job-index }}/${{ strategy.job-total }}")
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

// parseLimit reads a number that may be left out, which is -1.
func parseLimit(in *actions.Inputs, name string) int {
	if in.String(name) == "" {
		return -1
	}
	return parseNumber(in, name, 0, 1_000_000)
}

// parsePreviousKey reads the key that the App had before, or returns nil if
// none is given.
func parsePreviousKey(r *actions.Runner, in *actions.Inputs) crypto.Signer {
	const name = "previous-private-key"
	text := in.Secret(name)
	r.Mask(actions.Lines(text)...)
	if text.Empty() {
		return nil
	}
	return appKey{Text: text, Input: name}.parse(r, in)
}

// whoseManifest identifies a manifest: by the GitHub that it works on, by its
// path, and in a workflow by the workflow's repository.
func whoseManifest(r *actions.Runner, at host, path string) (secret.Manifest, error) {
	const variable = "GITHUB_REPOSITORY_ID"
	m := secret.Manifest{Host: at.name(), Repository: r.Variable("GITHUB_REPOSITORY"), Path: filepath.ToSlash(filepath.Clean(path))}
	text := r.Variable(variable)
	if text == "" { // there is no workflow
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

// stateKey derives the key that wraps the key of a state file. It signs a text,
// since an App's key may be able to do nothing else; a signature of this kind
// (PKCS#1 v1.5) is the same each time. The text cannot be taken for a JWT,
// which has dots and no zero byte.
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
