package fleet

import (
	"crypto"
	"io"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// counted is a key that counts its signatures.
type counted struct {
	crypto.Signer
	signed int
}

func (k *counted) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.signed++
	return k.Signer.Sign(random, digest, opts)
}

// However many owners a fleet has, they share a JWT: a key that is elsewhere
// takes its time to sign, and may cost.
func TestOwnersShareASignature(t *testing.T) {
	x := newFixture(t, 1)
	key := &counted{Signer: fakegithubtest.Key()}
	x.use(t, Config{Issuer: x.App.ClientID, Key: key})
	for _, owner := range []string{"beta", "gamma"} {
		x.AddAccount(fakegithub.Account{Login: owner, Type: "Organization"})
		x.Install(fakegithub.Installation{AppID: 917, Account: owner, All: true})
	}
	for _, owner := range []string{"acme", "beta", "gamma"} {
		if _, err := x.owner(owner).findInstallation(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if key.signed != 1 {
		t.Errorf("%d signatures for three owners", key.signed)
	}
}
