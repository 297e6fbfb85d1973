package secret

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/nacl/box"

	"github.com/valetkey/valetkey/internal/redact"
)

// Access is which repositories of an organization see a secret. GitHub wants it
// said with every write.
type Access struct {
	Visibility   string  // all, private or selected
	Repositories []int64 // ids, with selected
}

// publicKey is what values for one place are sealed to.
type publicKey struct {
	id  string
	key *[32]byte
}

// fetchKey asks for a place's public key.
func fetchKey(ctx context.Context, call Call, at Place) (publicKey, int, error) {
	var answer struct {
		ID  string `json:"key_id"`
		Key string `json:"key"`
	}
	op := "get the public key of " + at.String()
	status, err := call(ctx, Request{at, at.Permission(), op, methodGet, at.SecretsPath() + "/public-key", nil, &answer})
	if err != nil {
		return publicKey{}, status, err
	}
	raw, err := base64.StdEncoding.DecodeString(answer.Key)
	if err != nil || len(raw) != 32 || answer.ID == "" {
		return publicKey{}, status, fmt.Errorf("%s: the answer holds no Curve25519 key", op)
	}
	return publicKey{answer.ID, (*[32]byte)(raw)}, status, nil
}

// seal makes the sealed box that GitHub opens (libsodium's crypto_box_seal). The
// copy of the value that sealing takes is wiped; the value itself is a Go string,
// which can't be.
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

// put writes one secret; status tells created (201) from updated (204). Only an
// organization's has an access.
func (k publicKey) put(ctx context.Context, call Call, at Place, name string, value redact.String, access *Access) (status int, err error) {
	sealed, err := k.seal(value)
	if err != nil {
		return 0, err
	}
	body := putBody{EncryptedValue: sealed, KeyID: k.id}
	if access != nil {
		body.Visibility = access.Visibility
		if access.Visibility == "selected" {
			ids := append([]int64{}, access.Repositories...)
			body.Selected = &ids
		}
	}
	return call(ctx, Request{at, at.Permission(), "write " + name + " to " + at.String(), methodPut, at.SecretsPath() + "/" + name, body, nil})
}

// Put writes one secret at one place. For an organization, access nil keeps who
// sees it; a secret that is new there is for its private repositories.
func Put(ctx context.Context, call Call, at Place, name string, value redact.String, access *Access) (created bool, err error) {
	if err := Check(name, value); err != nil {
		return false, err
	}
	if access, err = accessFor(ctx, call, at, name, access); err != nil {
		return false, err
	}
	key, _, err := fetchKey(ctx, call, at)
	if err != nil {
		return false, err
	}
	status, err := key.put(ctx, call, at, name, value, access)
	return status == statusCreated, err
}

// accessFor gives what a write has to say of who sees the secret: what is wanted,
// or else what GitHub has now. In a repository that is nothing.
func accessFor(ctx context.Context, call Call, at Place, name string, wanted *Access) (*Access, error) {
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

// selected lists the repositories that see an organization's secret.
func selected(ctx context.Context, call Call, at Place, name string) ([]int64, error) {
	var ids []int64
	for page := 1; ; page++ {
		var answer struct {
			Total        int `json:"total_count"`
			Repositories []struct {
				ID int64 `json:"id"`
			} `json:"repositories"`
		}
		path := fmt.Sprintf("%s/%s/repositories?per_page=%d&page=%d", at.SecretsPath(), name, perPage, page)
		if _, err := call(ctx, Request{at, at.Permission(), "list who sees " + name + " of " + at.String(), methodGet, path, nil, &answer}); err != nil {
			return nil, err
		}
		for _, r := range answer.Repositories {
			ids = append(ids, r.ID)
		}
		if len(answer.Repositories) < perPage || len(ids) >= answer.Total {
			return ids, nil
		}
	}
}
