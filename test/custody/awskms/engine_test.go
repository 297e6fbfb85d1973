// Package awskms_test runs the custodian awskms:// against a real engine that
// speaks the protocol of AWS KMS, behind what AWS itself puts before it: a
// service that gives sessions for OIDC tokens, and the check of each signature,
// made with AWS's own code. Whether that is like AWS is for AWS's own client to
// say, see sdk_test.go.
package awskms_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	localkms "github.com/nsmithuk/local-kms/src"
	"github.com/nsmithuk/local-kms/src/cmk"
	"github.com/nsmithuk/local-kms/src/config"
	"github.com/nsmithuk/local-kms/src/data"

	"github.com/valetkey/valetkey/test/custody/step"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
	keyID   = "0ea0c3f1-4c4c-4c3f-9d2b-6f3f4f1f7f10"
	alias   = "alias/valetkey/app"
	prefix  = "arn:aws:kms:" + region + ":" + account + ":"
)

// engine is a local-kms that holds the key of an App.
type engine struct {
	tb       testing.TB
	database *data.Database
	key      *rsa.PrivateKey
}

func newEngine(tb testing.TB) *engine {
	tb.Helper()
	config.AWSRegion, config.AWSAccountId = region, account
	e := &engine{tb: tb, database: data.NewDatabase(tb.TempDir()), key: step.Key()}
	tb.Cleanup(e.database.Close)
	made := new(cmk.RsaKey) // over HTTP, local-kms imports symmetric keys only
	made.Type, made.PrivateKey = cmk.TypeRsa, cmk.RsaPrivateKey(*e.key)
	made.Metadata = cmk.KeyMetadata{
		Arn: prefix + "key/" + keyID, KeyId: keyID, AWSAccountId: account, Enabled: true, KeyManager: "CUSTOMER",
		KeyState: cmk.KeyStateEnabled, Origin: cmk.KeyOriginExternal, KeyUsage: cmk.UsageSignVerify,
		KeySpec: cmk.SpecRsa2048, CustomerMasterKeySpec: cmk.SpecRsa2048,
		SigningAlgorithms: []cmk.SigningAlgorithm{cmk.SigningAlgorithmRsaPkcsSha256, cmk.SigningAlgorithmRsaPssSha256},
	}
	if err := e.database.SaveKey(made); err != nil {
		tb.Fatal(err)
	}
	e.call("CreateAlias", map[string]any{"AliasName": alias, "TargetKeyId": keyID}, nil)
	return e
}

// ServeHTTP implements [http.Handler].
func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	localkms.HandleRequest(w, r, e.database)
}

// call is a call of the key's owner, which needs no right.
func (e *engine) call(operation string, body, result any) {
	e.tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		e.tb.Fatal(err)
	}
	r := httptest.NewRequestWithContext(e.tb.Context(), http.MethodPost, "/", bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		e.tb.Fatalf("%s: %d %s", operation, answer.Code, answer.Body)
	}
	if result != nil {
		if err := json.Unmarshal(answer.Body.Bytes(), result); err != nil {
			e.tb.Fatal(err)
		}
	}
}

// makeKey makes another key and returns its id.
func (e *engine) makeKey(spec, usage string) string {
	e.tb.Helper()
	var made struct{ KeyMetadata struct{ KeyID string } }
	e.call("CreateKey", map[string]any{"KeySpec": spec, "KeyUsage": usage}, &made)
	return made.KeyMetadata.KeyID
}
