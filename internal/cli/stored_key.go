package cli

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// storedKey is the App's key as a later step of the job needs it: the key itself
// in PEM, or, without any secret, where it is and who signs with it.
type storedKey struct {
	PEM     storedSecret    `json:"pem"`
	URI     string          `json:"uri"`
	Custody json.RawMessage `json:"custody,omitempty"` // of a custody.Config
}

// stored returns the key for later steps. They need not find the file of a key,
// which may have another path there.
func (k *appKey) stored(key crypto.Signer) storedKey {
	own := ownBytes(key)
	switch {
	case !k.Text.Empty() || key == nil:
		return storedKey{PEM: storedSecret{k.Text}}
	case own != nil:
		block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(own)}
		return storedKey{PEM: storedSecret{redact.New(string(pem.EncodeToMemory(&block)))}}
	}
	settings, _ := json.Marshal(k.Custody) // plain data
	return storedKey{URI: k.URI, Custody: settings}
}

// open returns the key in a later step, which signs with the settings of the
// step that stored it, and with the credentials that this step has. Whoever
// signs with it calls [closeKey] at the end.
func (k storedKey) open(ctx context.Context, p Process, r *actions.Runner, h host) (crypto.Signer, error) {
	if k.URI == "" {
		r.Mask(actions.LongLines(k.PEM.String)...)
		return githubapp.ParseKey(k.PEM.String)
	}
	c := custody.FromEnvironment(k.URI, p.Getenv)
	if err := json.Unmarshal(k.Custody, &c); err != nil {
		return nil, fault.New("the state of refresh makes no sense", mintAnew)
	}
	if takesRole(&c) && c.Job.RequestURL == "" {
		return nil, fault.New(
			"the App's key can't sign here: ACTIONS_ID_TOKEN_REQUEST_URL is not set, which each step of the job has",
			"hand it and ACTIONS_ID_TOKEN_REQUEST_TOKEN on to what runs git: docker run -e NAME, sudo --preserve-env=NAME, SendEnv of ssh")
	}
	key, err := p.custodian(ctx, r, h, k.URI, &c)
	if err != nil {
		return nil, err // and no nil in an interface
	}
	return key, nil
}
