package hashivault_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"sync"
	"testing"

	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/valetkey/valetkey/test/custody/issuer"
	"github.com/valetkey/valetkey/test/custody/step"
)

// vault is a server as docs/custody.md has a reader set it up: the App's key is
// imported, and a role admits the jobs of one environment.
type vault struct {
	*server
	issuer *issuer.Issuer
	key    *rsa.PrivateKey
}

const (
	keyName  = "valetkey-app"
	role     = "valetkey"
	audience = "https://github.com/acme" // what GitHub puts into a token when nobody asks for another
)

// job is what the role admits.
var job = issuer.Job{
	Owner: "acme", OwnerID: 4242, Repository: "deploy", RepositoryID: 777, Branch: "main", Environment: "production",
}

func newVault(tb testing.TB) *vault { return newVaultAt(tb, "", "jwt", "transit") }

func newVaultAt(tb testing.TB, namespace, auth, engine string) *vault {
	tb.Helper()
	v := &vault{newServer(tb, namespace), issuer.New(tb), step.Key()}
	v.mount("auth/"+auth+"/", jwtauth.Factory, &logical.InmemStorage{})
	v.mount(engine+"/", transit.Factory, imported(tb))
	v.write("auth/"+auth+"/config", map[string]any{"oidc_discovery_url": v.issuer.URL, "bound_issuer": v.issuer.URL})
	v.write("auth/"+auth+"/role/"+role, map[string]any{
		"role_type": "jwt", "user_claim": "sub", "bound_audiences": audience, "bound_subject": job.Subject(),
		"token_policies": []string{role}, "token_ttl": "5m", "token_max_ttl": "5m", "token_no_default_policy": false,
	})
	v.rights[role] = []string{engine + "/sign/" + keyName + "/sha2-256", engine + "/keys/" + keyName}
	return v
}

func newKey(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// imported returns a storage of the engine that holds the App's key. The engine
// makes a key of 4096 bits to wrap others with, which takes seconds, so that all
// tests share that.
func imported(tb testing.TB) logical.Storage {
	tb.Helper()
	first.Do(func() {
		v := &vault{server: newServer(tb, "")}
		v.mount("transit/", transit.Factory, &first.storage)
		v.importKey("transit", step.Key())
	})
	keys, err := logical.CollectKeys(tb.Context(), &first.storage)
	if err != nil {
		tb.Fatal(err)
	}
	another := &logical.InmemStorage{}
	for _, key := range keys {
		entry, err := first.storage.Get(tb.Context(), key)
		if err == nil {
			err = another.Put(tb.Context(), entry)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return another
}

var first struct {
	sync.Once
	storage logical.InmemStorage
}

// importKey does what `vault transit import` does.
func (v *vault) importKey(engine string, key *rsa.PrivateKey) {
	v.tb.Helper()
	v.write(engine+"/keys/"+keyName+"/import", map[string]any{"ciphertext": v.wrap(engine, key), "type": "rsa-2048"})
}

// importVersion does what `vault transit import-version` does.
func (v *vault) importVersion(engine string, key *rsa.PrivateKey) {
	v.tb.Helper()
	v.write(engine+"/keys/"+keyName+"/import_version", map[string]any{"ciphertext": v.wrap(engine, key)})
}

// wrap encrypts a key with one of AES, and that with the server's own.
func (v *vault) wrap(engine string, key *rsa.PrivateKey) string {
	v.tb.Helper()
	wrapping, _ := v.operator(logical.ReadOperation, engine+"/wrapping_key", nil)["public_key"].(string)
	block, _ := pem.Decode([]byte(wrapping))
	if block == nil {
		v.tb.Fatalf("the wrapping key is %q", wrapping)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		v.tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		v.tb.Fatal(err)
	}
	ephemeral := make([]byte, 32)
	_, _ = rand.Read(ephemeral) // never fails
	wrap, err := subtle.NewKWP(ephemeral)
	if err != nil {
		v.tb.Fatal(err)
	}
	wrapped, err := wrap.Wrap(der)
	if err != nil {
		v.tb.Fatal(err)
	}
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), ephemeral, nil)
	if err != nil {
		v.tb.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(append(sealed, wrapped...))
}
