package rotate

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// newKey makes an Ed25519 key and returns its private half in OpenSSH's file
// format, and its public half as GitHub reports it. The title is the comment in
// the file.
func (j *job) newKey(title string) (private redact.String, public string, err error) {
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		return redact.String{}, "", err
	}
	defer clear(priv)
	block, err := ssh.MarshalPrivateKey(priv, title)
	if err != nil {
		return redact.String{}, "", err
	}
	defer clear(block.Bytes)
	text := pem.EncodeToMemory(block)
	defer clear(text)
	private = j.mask(redact.New(string(text)))
	half, err := ssh.NewPublicKey(pub)
	if err != nil {
		return redact.String{}, "", err
	}
	return private, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(half))), nil
}

const (
	administration = "administration" // the permission for deploy keys

	keysOff = "an organization may switch deploy keys off: see its settings, Member privileges"
)

// keyPlace returns the repository of a deploy key.
func keyPlace(k *manifest.DeployKey) secret.Place {
	return secret.Place{Owner: k.Owner, Repository: k.Repository, App: "actions"}
}

// keyCall sends a request about deploy keys, and adds what a refusal may mean.
func (j *job) keyCall(ctx context.Context, op, method, path string, body, result any) (apicall.Answer, error) {
	answer, err := j.Call(ctx, j.keyRequest(op, method, path, body, result))
	if err != nil && answer.Status == http.StatusUnprocessableEntity {
		err = &fault.Error{Hint: keysOff, Err: err}
	}
	return answer, err
}

// keyRequest returns a request about the deploy keys of the rotation's
// repository.
func (j *job) keyRequest(op, method, path string, body, result any) apicall.Request {
	at := keyPlace(j.DeployKey)
	return apicall.Request{
		Owner: at.Owner, Repository: at.Repository, Permission: administration, Op: op + " of " + at.String(), Method: method,
		Path: at.Path() + "/keys" + path, Body: body, Result: result,
	}
}

// listKeys returns our keys, newest first, and stores the others by whether
// their titles have our form.
func (j *job) listKeys(ctx context.Context) ([]*deployKey, error) {
	req := j.keyRequest("list the deploy keys", http.MethodGet, "", nil, nil)
	keys, answer, err := apicall.List(ctx, j.Call, req, "", func(k *deployKey) int64 { return k.ID })
	if err != nil {
		return nil, err
	}
	j.listedAt, j.foreign, j.others, j.byHand = answer.Date, nil, nil, nil
	var ours []*deployKey
	for i := range keys {
		switch id := idIn(keys[i].Title); {
		case id == "":
			j.byHand = append(j.byHand, &keys[i])
		case id == j.id:
			ours = append(ours, &keys[i])
		default:
			j.foreign = append(j.foreign, &keys[i])
			j.others = append(j.others, Other{keys[i].ID, id})
		}
	}
	slices.SortFunc(ours, func(a, b *deployKey) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return ours, nil
}

// addKey adds a key to the repository. The key may exist even with an error.
func (j *job) addKey(ctx context.Context, title, public string) (*deployKey, error) {
	body := struct {
		Title    string `json:"title"`
		Key      string `json:"key"`
		ReadOnly bool   `json:"read_only"` // without it, the key could write
	}{title, public, j.DeployKey.ReadOnly}
	made := &deployKey{}
	answer, err := j.keyCall(ctx, "add a deploy key", http.MethodPost, "", body, made)
	if err != nil && (answer.Status < 400 || answer.Status >= 500 || answer.Status == http.StatusUnprocessableEntity) {
		// The answer to an attempt that made the key may be lost, and the next
		// attempt was then told that the key is in use.
		if keys, listErr := j.listKeys(ctx); listErr == nil {
			if i := slices.IndexFunc(keys, func(k *deployKey) bool { return k.Title == title }); i >= 0 {
				made, err = keys[i], nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return made, j.checkKey(made, made.ID, public)
}

func (k *deployKey) off() bool { return k.Enabled != nil && !*k.Enabled }

func errOff(id int64) error {
	return fault.New(fmt.Sprintf("deploy key %d is switched off", id), keysOff)
}

// checkKey returns an error unless the key that GitHub reports is the one that
// was sent, and works.
func (j *job) checkKey(got *deployKey, id int64, public string) error {
	switch {
	case got.ID == 0 || got.ID != id || !samePublic(got.Key, public) || got.ReadOnly != j.DeployKey.ReadOnly:
		return fmt.Errorf("GitHub reports another deploy key than the one that was sent (id %d)", got.ID)
	case got.off():
		return errOff(got.ID)
	}
	return nil
}

// samePublic compares type and key, but not the comment.
func samePublic(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) >= 2 && len(y) >= 2 && x[0] == y[0] && x[1] == y[1]
}

// removeKey deletes a key. A key that is gone already counts as success, but a
// 404 alone does not prove that: a repository out of reach answers the same. A
// list of its keys does.
func (j *job) removeKey(ctx context.Context, id int64) error {
	answer, err := j.keyCall(ctx, fmt.Sprintf("remove deploy key %d", id), http.MethodDelete, fmt.Sprintf("/%d", id), nil, nil)
	if answer.Status != http.StatusNotFound {
		return err
	}
	keys, listErr := j.listKeys(ctx)
	if listErr != nil || slices.ContainsFunc(keys, func(k *deployKey) bool { return k.ID == id }) {
		return err
	}
	return nil
}
