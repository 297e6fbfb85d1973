package githubapp

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// elsewhere is a key that is not in this process.
type elsewhere struct {
	*rsa.PrivateKey
	takes  time.Duration
	err    error
	signed int
}

func (k *elsewhere) SignMessage(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.signed++
	time.Sleep(k.takes)
	if k.err != nil {
		return nil, k.err
	}
	if strings.Count(string(message), ".") != 1 {
		return nil, errors.New("not the message of a JWT")
	}
	return crypto.SignMessage(k.PrivateKey, random, message, opts)
}

func (k *elsewhere) Setting() string { return "key" }

func (f *fixture) signedBy(t *testing.T, key crypto.Signer) *App {
	t.Helper()
	app, err := f.api.App(testClientID, key)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// A mint takes one signature, and so does an App for all that it does within a
// short time, whoever's limits it is under.
func TestOneSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		key := &elsewhere{PrivateKey: fakegithubtest.Key(), takes: time.Second}
		app := f.signedBy(t, key)
		for range 3 {
			i, err := app.WithLimiter(NewRateLimiter(0, nil)).Installation(t.Context(), Target{Owner: "acme"})
			if err == nil {
				_, err = app.Mint(t.Context(), i, Scope{AllRepositories: true})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if key.signed != 1 {
			t.Errorf("%d signatures", key.signed)
		}
		time.Sleep(reuse)
		if _, err := app.InstallationByID(t.Context(), testInstallation); err != nil || key.signed != 2 {
			t.Errorf("%d signatures after a while: %v", key.signed, err)
		}
	})
}

// A key that takes longer to sign than an attempt may take is no reason for
// another attempt.
func TestSlowKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		key := &elsewhere{PrivateKey: fakegithubtest.Key(), takes: 2 * attemptTime}
		if _, err := f.signedBy(t, key).InstallationByID(t.Context(), testInstallation); err != nil || key.signed != 1 || len(f.said) > 0 {
			t.Errorf("%v after %d signatures, said %v", err, key.signed, f.said)
		}
	})
}

// The error of a key that can't sign is that of the call, and GitHub gets none.
func TestKeyThatCannotSign(t *testing.T) {
	f := newFixture(t)
	key := &elsewhere{PrivateKey: fakegithubtest.Key(), err: errors.New("the key is disabled")}
	_, err := f.signedBy(t, key).InstallationByID(t.Context(), testInstallation)
	if !errors.Is(err, key.err) || err.Error() != key.err.Error() || key.signed != 1 || len(f.asked()) > 0 {
		t.Errorf("%v after %d signatures, asked %v", err, key.signed, f.asked())
	}
}

// The hint for a key that is not the App's names the input that it is from.
func TestKeyOfAnotherInput(t *testing.T) {
	f := newFixture(t)
	f.Inject(fakegithub.Fault{Status: 401, Body: `{"message":"A JSON web token could not be decoded"}`})
	_, err := f.signedBy(t, &elsewhere{PrivateKey: fakegithubtest.Key()}).InstallationByID(t.Context(), testInstallation)
	var e *Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Hint, "key does not belong to the App") {
		t.Errorf("%v, hint %v", err, e.ErrorHint())
	}
}

// A JWT that was refused for its times is not used again, however little time
// has passed by the corrected clock.
func TestRefusedJWTIsNotUsedAgain(t *testing.T) {
	f := newFixture(t)
	key := &elsewhere{PrivateKey: fakegithubtest.Key()}
	app := f.signedBy(t, key)
	if _, err := app.InstallationByID(t.Context(), testInstallation); err != nil {
		t.Fatal(err)
	}
	app.client.Transport.(retrier).api.signer.correct(reuse / 2)
	if _, err := app.InstallationByID(t.Context(), testInstallation); err != nil || key.signed != 2 {
		t.Errorf("%v after %d signatures", err, key.signed)
	}
}
