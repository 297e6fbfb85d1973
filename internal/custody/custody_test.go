package custody

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/redact"
)

const (
	googleSign   = "POST cloudkms.googleapis.com/v1/" + gcpKey + ":asymmetricSign"
	googlePublic = "GET cloudkms.googleapis.com/v1/" + gcpKey + "/publicKey"
)

// google is a world with a key in Cloud KMS.
func google(t *testing.T) *world {
	w := newWorld(t)
	googleCloud(w, "googleapis.com")
	w.config.GCP.Provider = gcpProvider
	return w
}

// answerJSON has a service answer something else.
func (w *world) answerJSON(place string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		w.t.Fatal(err)
	}
	w.refuse[place] = answer{status: 200, body: string(text)}
}

// signs is the answer of a custodian whose signature is something else.
func signs(signature []byte) map[string]any {
	return map[string]any{"name": gcpKey, "signature": signature}
}

// A custodian may be wrong, or somebody else. Nothing of it reaches GitHub but a
// signature of the App's key.
func TestHostileCustodian(t *testing.T) {
	other := newRSA(t, 2048)
	hash := make([]byte, 32)
	others, err := rsa.SignPKCS1v15(nil, other, crypto.SHA256, hash)
	if err != nil {
		t.Fatal(err)
	}
	refused := answer{status: 403, body: `{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}`}
	for name, c := range map[string]struct {
		signature any
		public    *answer // nil: the right one
		pin       func(*world) string
		want      string
	}{
		"another key's signature": {signature: signs(others), want: "the signature is that of another key"},
		"random bytes":            {signature: signs(make([]byte, 256)), want: "the signature is that of another key"},
		"an empty signature":      {signature: signs(nil), want: "not what the service describes"},
		"a short one":             {signature: signs(make([]byte, 70)), want: "the signature has 70 bytes"},
		"a long one":              {signature: signs(make([]byte, 1<<20)), want: "the signature has 1048576 bytes"},
		"no signature": {
			signature: map[string]any{"name": gcpKey, "signature": nil}, want: "not what the service describes",
		},
		"that of another version": {
			signature: map[string]any{"name": gcpKey + "1", "signature": others}, want: "not what the service describes",
		},
		"no name": {signature: map[string]any{"signature": others}, want: "not what the service describes"},
		"null":    {signature: nil, want: "not what the service describes"},
		"a list":  {signature: []int{1}, want: "not what the service describes"},
		"a signature that is no base64": {
			signature: map[string]any{"name": gcpKey, "signature": "!"}, want: "not what the service describes",
		},
		"a public key that is none": {
			public: &answer{status: 200, body: `{"pem":"x"}`}, want: "get the public key from Cloud KMS: the answer is not",
		},
		"no public key": {
			public: &answer{status: 200, body: `{"pem":null}`}, want: "get the public key from Cloud KMS: the answer is not",
		},
		"a key of another kind": {public: &answer{status: 200, body: pemJSON(t, newEC(t))}, want: "it is not an RSA key"},
		"a key that is too small": {
			public: &answer{status: 200, body: pemJSON(t, &newRSA(t, 1024).PublicKey)}, want: "of under 2048 bits",
		},
		"its own key, and not the App's": {
			public: &answer{status: 200, body: pemJSON(t, &other.PublicKey)}, pin: own, want: "it is not the App's key, but one with the",
		},
		"its own key for its signature":    {signature: signs(others), pin: ownPEM, want: "the signature is that of another key"},
		"a public key that it keeps to it": {public: &refused, pin: own, want: "get the public key from Cloud KMS: the answer is 403"},
		"trouble with the public key":      {public: &answer{status: 503}, want: "get the public key from Cloud KMS: the answer is 503"},
	} {
		t.Run(name, func(t *testing.T) {
			w := google(t)
			if c.signature != nil || name == "null" {
				w.answerJSON(googleSign, c.signature)
			}
			if c.public != nil {
				w.refuse[googlePublic] = *c.public
			}
			if c.pin != nil {
				w.config.PublicKey = c.pin(w)
			}
			if got := w.signError(w.open("gcpkms://" + gcpKey)); !strings.Contains(got, c.want) || !strings.Contains(got, "\nhint: ") {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func own(w *world) string    { return Fingerprint(&w.key.PublicKey) + "=" }
func ownPEM(w *world) string { return publicPEM(w) }

func newEC(t *testing.T) crypto.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

func pemJSON(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]string{"pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))})
	return string(text)
}

// What is known of the public key decides which requests are sent.
func TestPublicKey(t *testing.T) {
	for name, c := range map[string]struct {
		pin     func(*world) string
		refused bool
		asked   int  // for the public key
		known   bool // the public key, after the first signature
	}{
		"nothing is known":         {asked: 1, known: true},
		"nothing is known or told": {refused: true, asked: 1},
		"a PEM":                    {pin: ownPEM, refused: true, known: true},
		"a fingerprint":            {pin: own, asked: 1, known: true},
		"a fingerprint without padding": {
			pin: func(w *world) string { return " " + Fingerprint(&w.key.PublicKey) + "\n" }, asked: 1, known: true,
		},
		"OpenSSH's fingerprint": {pin: func(w *world) string { return sshFingerprint(&w.key.PublicKey) }, asked: 1, known: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := google(t)
			if c.pin != nil {
				w.config.PublicKey = c.pin(w)
			}
			if c.refused {
				w.refuse[googlePublic] = answer{status: 403}
			}
			k := w.open("gcpkms://" + gcpKey)
			for range 3 {
				w.sign(k)
			}
			asked := 0
			for _, place := range w.asked {
				if place == googlePublic {
					asked++
				}
			}
			if asked != c.asked {
				t.Errorf("asked %d times for the public key, want %d", asked, c.asked)
			}
			if public, _ := k.Public().(*rsa.PublicKey); (public != nil) != c.known || c.known && !public.Equal(&w.key.PublicKey) {
				t.Errorf("the public key is %v", public)
			}
			if told := strings.Join(w.told, "\n"); strings.Contains(told, "left to GitHub to check") != (c.refused && c.pin == nil) {
				t.Errorf("told %q", told)
			}
		})
	}
	for _, text := range []string{"SHA256:short", "MD5:16", "-----BEGIN PUBLIC KEY-----", string(make([]byte, 10))} {
		w := google(t)
		w.config.PublicKey = text
		if _, err := Open(t.Context(), "gcpkms://"+gcpKey, w.config); err == nil ||
			!strings.HasPrefix(err.Error(), "key-fingerprint is neither") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What a key can't sign is refused before anybody is asked.
func TestSignsOneWay(t *testing.T) {
	w := google(t)
	k := w.open("gcpkms://" + gcpKey)
	for _, opts := range []crypto.SignerOpts{crypto.SHA512, crypto.Hash(0), &rsa.PSSOptions{Hash: crypto.SHA256}} {
		if _, err := k.Sign(nil, make([]byte, 32), opts); err == nil {
			t.Errorf("signed with %v", opts)
		}
	}
	if _, err := k.Sign(nil, make([]byte, 20), crypto.SHA256); err == nil {
		t.Error("signed 20 bytes")
	}
	w.wantAsked()
	if k.Public() != nil || k.Private() != nil || k.String() != "gcpkms://"+gcpKey || k.Setting() != "key" {
		t.Errorf("%v, %v, %s", k.Public(), k.Private(), k)
	}
}

func TestSignsAtOnce(t *testing.T) {
	w := google(t)
	k := w.open("gcpkms://" + gcpKey)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := k.SignMessage(nil, []byte("x"), crypto.SHA256); err != nil {
				t.Error(err)
			}
			k.Public()
		})
	}
	all.Wait()
	if len(w.asked) != 2+8+1 {
		t.Errorf("%d requests", len(w.asked))
	}
}

// What an earlier step has given is masked too, as soon as it is known.
func TestGivenCredentialsAreMasked(t *testing.T) {
	w := google(t)
	w.config.AWS.SecretAccessKey, w.config.AWS.SessionToken = redact.New("secret-of-aws"), redact.New("session-of-aws")
	w.config.Vault.Token = redact.New("token-of-a-vault")
	w.open("gcpkms://" + gcpKey)
	for _, given := range []string{"secret-of-aws", "session-of-aws", "token-of-a-vault", w.config.Job.RequestToken.Reveal()} {
		w.used(given)
	}
}

// The context of Open bounds what signing does.
func TestContext(t *testing.T) {
	w := google(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	w.config.Send = func(ctx context.Context, _ Request) (Response, error) { return Response{}, context.Cause(ctx) }
	k, err := Open(ctx, "gcpkms://"+gcpKey, w.config)
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	cancel(gone)
	if _, err := k.SignMessage(nil, nil, crypto.SHA256); !errors.Is(err, gone) {
		t.Error(err)
	}
}

// A fingerprint is what openssl makes of a key, as GitHub's documentation tells
// to check one.
func TestFingerprint(t *testing.T) {
	for _, key := range []*rsa.PrivateKey{newWorld(t).key, newRSA(t, 3072)} {
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(der)
		if want := "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]); Fingerprint(&key.PublicKey) != want {
			t.Errorf("%s, want %s", Fingerprint(&key.PublicKey), want)
		}
	}
}
