package secret

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/crypto/nacl/box"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// Access says which repositories of an organization see a secret. GitHub
// requires it with every write.
type Access struct {
	Visibility   string  // all, private or selected
	Repositories []int64 // their ids, only with selected
}

// publicKey is the key that values for one place are sealed to.
type publicKey struct {
	id  string
	key *[32]byte
}

// parsePublicKey reads a key as GitHub writes it: 32 bytes of Curve25519 in
// base64.
func parsePublicKey(id, text string) (publicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 32 || id == "" {
		return publicKey{}, errors.New("the answer holds no Curve25519 key")
	}
	return publicKey{id, (*[32]byte)(raw)}, nil
}

// fetchKey returns a place's public key.
func fetchKey(ctx context.Context, call apicall.Func, at Place) (publicKey, apicall.Answer, error) {
	var told struct {
		ID  string `json:"key_id"`
		Key string `json:"key"`
	}
	op := "get the public key of " + at.String()
	answer, err := call(ctx, at.Request(op, http.MethodGet, at.SecretsPath()+"/public-key", nil, &told))
	if err != nil {
		return publicKey{}, answer, err
	}
	key, err := parsePublicKey(told.ID, told.Key)
	if err != nil {
		err = fmt.Errorf("%s: %w", op, err)
	}
	return key, answer, err
}

// seal returns the sealed box that GitHub opens (libsodium's crypto_box_seal).
// The copy of the value that sealing needs is wiped; the value itself is a Go
// string and can't be.
func (k publicKey) seal(value redact.String) (string, error) {
	plain := []byte(value.Reveal())
	defer clear(plain)
	sealed, err := box.SealAnonymous(nil, plain, k.key, rand.Reader)
	return base64.StdEncoding.EncodeToString(sealed), err
}

// putBody is the body of a write.
type putBody struct {
	EncryptedValue string   `json:"encrypted_value"`
	KeyID          string   `json:"key_id"`
	Visibility     string   `json:"visibility,omitempty"`
	Selected       *[]int64 `json:"selected_repository_ids,omitempty"` // a pointer: an empty list has to be sent
}

// put writes one secret. The status of the answer is 201 if it was created and
// 204 if it was updated. Only a secret of an organization has an access.
func (k publicKey) put(ctx context.Context, call apicall.Func, at Place, name string, value redact.String,
	access *Access,
) (apicall.Answer, error) {
	sealed, err := k.seal(value)
	if err != nil {
		return apicall.Answer{}, err
	}
	body := putBody{EncryptedValue: sealed, KeyID: k.id}
	if access != nil {
		body.Visibility = access.Visibility
		if access.Visibility == "selected" {
			ids := append([]int64{}, access.Repositories...)
			body.Selected = &ids
		}
	}
	return call(ctx, at.Request("write "+name+" to "+at.String(), http.MethodPut, at.SecretsPath()+"/"+name, body, nil))
}

// writer writes secrets to one place. Every write uses one, so that there is
// one remedy for a public key that changed meanwhile.
type writer struct {
	call apicall.Func
	at   Place

	// onMissing is called when GitHub knows no environment of that name. It
	// creates one, or returns the error to report. Nil means that GitHub's own
	// words are reported.
	onMissing func(context.Context, error) error

	key     publicKey // from an earlier run, until it is fetched
	keyErr  error     // why there is no key
	asked   bool      // the key was fetched
	renewed bool      // the key was fetched again after GitHub refused a write
}

// fetch fetches the place's key.
func (w *writer) fetch(ctx context.Context) error {
	w.asked = true
	var answer apicall.Answer
	w.key, answer, w.keyErr = fetchKey(ctx, w.call, w.at)
	if w.keyErr == nil || answer.Status != http.StatusNotFound || w.at.Environment == "" || w.onMissing == nil {
		return w.keyErr
	}
	if w.keyErr = w.onMissing(ctx, w.keyErr); w.keyErr == nil {
		w.key, _, w.keyErr = fetchKey(ctx, w.call, w.at)
	}
	return w.keyErr
}

// ready fetches the key if there is none yet.
func (w *writer) ready(ctx context.Context) error {
	if w.key.key == nil && !w.asked {
		return w.fetch(ctx)
	}
	return w.keyErr
}

// put writes one secret. If a value was sealed to a key that is not the place's
// any more, GitHub refuses it with a 422, and words that in more than one way.
// So after any 422 the key is fetched once more and the write is tried once
// more. An environment that has vanished since its key was stored answers 404.
func (w *writer) put(ctx context.Context, name string, value redact.String, access *Access) (apicall.Answer, error) {
	if err := w.ready(ctx); err != nil {
		return apicall.Answer{}, err
	}
	answer, err := w.key.put(ctx, w.call, w.at, name, value, access)
	vanished := answer.Status == http.StatusNotFound && w.at.Environment != "" && !w.asked
	if err == nil || w.renewed || answer.Status != http.StatusUnprocessableEntity && !vanished {
		return answer, err
	}
	w.renewed = true
	switch fetchErr := w.fetch(ctx); {
	case fetchErr != nil && vanished:
		return answer, fetchErr
	case fetchErr != nil:
		return answer, err
	}
	return w.key.put(ctx, w.call, w.at, name, value, access)
}

// Writer writes secrets to one place. It is not for several goroutines at once.
type Writer struct{ one writer }

// NewWriter fetches the public key of the place, which also proves that the
// place exists and may be read. The status of the answer is set with an error
// too.
func NewWriter(ctx context.Context, call apicall.Func, at Place) (*Writer, apicall.Answer, error) {
	key, answer, err := fetchKey(ctx, call, at)
	if err != nil {
		return nil, answer, err
	}
	return &Writer{writer{call: call, at: at, key: key, asked: true}}, answer, nil
}

// Write writes one secret. For an organization, a nil access keeps who sees the
// secret; a new one is visible to its private repositories.
func (w *Writer) Write(ctx context.Context, name string, value redact.String, access *Access) (apicall.Answer, error) {
	if err := Check(name, value); err != nil {
		return apicall.Answer{}, err
	}
	access, err := accessFor(ctx, w.one.call, w.one.at, name, access)
	if err != nil {
		return apicall.Answer{}, err
	}
	return w.one.put(ctx, name, value, access)
}

// accessFor returns the access that a write has to state: the wanted one, or
// else the one that GitHub has now. In a repository there is none.
func accessFor(ctx context.Context, call apicall.Func, at Place, name string, wanted *Access) (*Access, error) {
	if !at.IsOrganization() {
		return nil, nil
	}
	if wanted != nil {
		return wanted, nil
	}
	entry, found, err := Get(ctx, call, at, name)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return &Access{Visibility: "private"}, nil
	case entry.Visibility != "selected":
		return &Access{Visibility: entry.Visibility}, nil
	}
	ids, err := selected(ctx, call, at, name)
	return &Access{"selected", ids}, err
}

// selected returns the repositories that see an organization's secret. A write
// sends the list back as a whole, so an incomplete list must be an error.
func selected(ctx context.Context, call apicall.Func, at Place, name string) ([]int64, error) {
	type repository struct {
		ID int64 `json:"id"`
	}
	req := at.Request("list who sees "+name+" of "+at.String(), http.MethodGet, at.SecretsPath()+"/"+name+"/repositories", nil, nil)
	list, _, err := apicall.List(ctx, call, req, "repositories", func(r *repository) int64 { return r.ID })
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids, err
}
