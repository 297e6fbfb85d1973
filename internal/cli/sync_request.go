package cli

import (
	"crypto/hkdf"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
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
	secret, c := in.Secret("private-key"), credentials{}
	r.Mask(actions.Lines(secret)...)
	if hasToken {
		c.Token = redact.New(in.String("token"))
		r.Mask(actions.Forms(c.Token)...)
	}
	c.Issuer = parseIssuer(in, !c.Token.Empty())
	c.Host = parseHost(in)
	switch {
	case c.Token.Empty():
		c.Key, _ = parseKey(r, in, "private-key", secret).(*rsa.PrivateKey)
	case !secret.Empty() || c.Issuer != "":
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
	// Found now, and not when everything is written.
	if _, err := os.Stat(filepath.Dir(req.Report)); err != nil {
		in.Fault("report-file", "is in a directory that is not there", "make the directory in a step before, or give another path")
	}
	switch {
	case state != "" && filepath.Clean(state) == filepath.Clean(req.Report):
		in.Fault("report-file", "is the state-file", "give each a file of its own")
	case state != "" && !req.Credentials.Token.Empty():
		in.Fault("state-file", "can't be used with token", "fingerprints are made with the App's key: give client-id and private-key")
	case req.Prune && state == "":
		in.Fault("prune", "needs state-file", "only the state file tells which secrets were written for this manifest")
	}
	if err := in.Err(); err != nil {
		return req, err
	}
	var err error
	if req.Manifest, err = readManifest(in, path); err != nil {
		return req, err
	}
	if len(req.Manifest.Secrets) == 0 {
		in.Fault("manifest", actions.Quote(path)+" has no secrets to sync", "add secrets: to it; docs/manifest.md says how")
		return req, in.Err()
	}
	if req.StateFile = state; state != "" {
		req.State, err = secret.OpenState(state, stateKey(req.Credentials.Key), r.Variable("GITHUB_REPOSITORY")+":"+path)
	}
	return req, err
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

func readManifest(in *actions.Inputs, path string) (*manifest.File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var e *os.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		in.Fault("manifest", actions.Quote(path)+" can't be read: "+err.Error(), "the repository has to be checked out before (actions/checkout), and the path is from its root")
		return nil, in.Err()
	}
	return manifest.Parse(path, text)
}

// stateKey keys the fingerprints of a state file. It is of no use for anything
// else, and can't be led back to the App's key.
func stateKey(key *rsa.PrivateKey) []byte {
	derived, err := hkdf.Key(sha256.New, x509.MarshalPKCS1PrivateKey(key), nil, "valetkey sync state", sha256.Size)
	if err != nil {
		panic(err) // only for lengths that are not ours
	}
	return derived
}
