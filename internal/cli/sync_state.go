package cli

import (
	"context"
	"crypto"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"strconv"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/secret"
)

// openState opens the state file of the manifest at a path, with the App's key
// and the one that the App had before, if that is given.
func openState(r *actions.Runner, file secret.StateFile, path string, c credentials, previous crypto.Signer) (*secret.State, error) {
	var err error
	if file.Manifest, err = whoseManifest(r, c.Host, path); err != nil {
		return nil, err
	}
	file.Key = stateKey(c.Key)
	if previous != nil {
		file.Previous = stateKey(previous)
	}
	return secret.OpenState(file)
}

// parsePreviousKey reads the key that the App had before, or returns nil if
// none is given. Where it only signs, it does so for whom the App's key does.
func parsePreviousKey(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs, c credentials) crypto.Signer {
	k := &appKey{Text: in.Secret("previous-private-key"), Input: "previous-private-key", URI: in.String("previous-key")}
	r.Mask(actions.LongLines(k.Text)...)
	maskPasted(r, k.URI)
	switch {
	case !k.Given():
		return nil
	case k.URI == "":
	case !k.Text.Empty():
		in.Fault("previous-key", "can't be used with previous-private-key", "give one of them")
		return nil
	case custody.Scheme(k.URI) == "" || custody.Scheme(k.URI) != custody.Scheme(c.AppKey.URI):
		in.Fault("previous-key", "is not of the same kind as key", "give the URI of a key there, or start over with state-reset: true")
		return nil
	default:
		settings := *c.AppKey.Custody
		settings.PublicKey = "" // which is the present key's
		k.Input, k.Custody = "previous-key", &settings
	}
	return k.open(ctx, p, r, in, c.Host)
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
		return m, &fault.Error{
			Problem: variable + " is " + actions.Quote(text) + ", which is not the id of a repository",
			Hint:    "leave it as the runner sets it; it says which repository the state file belongs to",
		}
	}
	return m, nil
}

// stateKey derives the key that wraps the key of a state file. It signs a text,
// since an App's key may be able to do nothing else; a signature of this kind
// (PKCS#1 v1.5) is the same each time. The text cannot be taken for a JWT,
// which has dots and no zero byte. A key that moves to where it only signs goes
// on opening the states that it made.
func stateKey(key crypto.Signer) secret.Derive {
	return func(salt []byte) ([]byte, error) {
		text := append([]byte("valetkey state file\x00"), salt...)
		signature, err := crypto.SignMessage(key, rand.Reader, text, crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return hkdf.Key(sha256.New, signature, salt, "valetkey state file", sha256.Size)
	}
}
