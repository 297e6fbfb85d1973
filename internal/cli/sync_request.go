package cli

import (
	"crypto"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
	"github.com/valetkey/valetkey/internal/secret"
)

// credentials are what a step that works on a fleet acts as: an App, or a token.
type credentials struct {
	Issuer string
	Key    *rsa.PrivateKey // nil with Token
	Token  redact.String
	Host   host
}

// parseCredentials reads the App's inputs, and token where there is one.
func parseCredentials(r *actions.Runner, in *actions.Inputs, hasToken bool) credentials {
	key, c := readAppKey(r, in), credentials{}
	if hasToken {
		c.Token = redact.New(in.String("token"))
		r.Mask(actions.Forms(c.Token)...)
	}
	c.Issuer = parseIssuer(in, !c.Token.Empty())
	c.Host = parseHost(r, in)
	switch {
	case c.Token.Empty():
		c.Key, _ = key.parse(r, in).(*rsa.PrivateKey)
	case key.Given() || c.Issuer != "":
		in.Fault("token", "can't be used with client-id, app-id or private-key", "give the App, or a token")
	case strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		in.Fault("token", "is no token: it has white space or other characters in it that no token has", "pass the output token of valetkey as it is")
	}
	return c
}

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

func (p Process) parseSync(r *actions.Runner, in *actions.Inputs) (syncRequest, error) {
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

func parseNumber(in *actions.Inputs, name string, least, most int) int {
	text := in.String(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		in.Fault(name, actions.Quote(text)+" is no number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most), "leave it out for the default")
	}
	return n
}

func parsePoints(in *actions.Inputs) int {
	const name = "points-per-minute"
	points := parseNumber(in, name, 0, 1_000_000)
	if points > 0 && points < githubapp.Points("PUT") {
		in.Fault(name, "is less than one write costs, which is 5", "give 5 or more; 0 is no limit")
	}
	return points
}

// maxManifest bounds the manifest: 10,000 repositories by name take a third of it.
const maxManifest = 1 << 20

func readManifest(r *actions.Runner, path string) (*manifest.File, error) {
	text, err := safefile.Read(path, maxManifest)
	if err != nil {
		return nil, fileFault("manifest", path, "can't be read", err,
			"the repository has to be checked out before (actions/checkout), and the path is from its root")
	}
	file, err := manifest.Parse(path, text)
	if err == nil {
		err = checkPermissions(r, file)
	}
	return file, err
}

// checkPermissions holds the permissions of a manifest's tokens to the same check as
// those of the mint's inputs.
func checkPermissions(r *actions.Runner, file *manifest.File) error {
	var scopes []*manifest.Scope
	for i := range file.Secrets {
		scopes = append(scopes, file.Secrets[i].Mint)
	}
	for i := range file.Rotations {
		scopes = append(scopes, file.Rotations[i].InstallationToken)
	}
	var faults []error
	for _, scope := range scopes {
		if scope == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(scope.Permissions)) {
			if err := permission.Check(name, scope.Permissions[name]); err != nil {
				problem, cure, _ := strings.Cut(err.Error(), "; hint: ")
				faults = append(faults, file.Fault(scope.Position, "permissions: "+problem, cure))
			}
		}
		for _, warning := range permission.Unknown(scope.Permissions) {
			r.Warning("%v: %s", scope.Position, warning)
		}
	}
	return errors.Join(faults...)
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
