package cli

import (
	"crypto"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"strconv"

	"github.com/valetkey/valetkey/internal/actions"
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
// none is given.
func parsePreviousKey(r *actions.Runner, in *actions.Inputs) crypto.Signer {
	const name = "previous-private-key"
	text := in.Secret(name)
	r.Mask(actions.LongLines(text)...)
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
