package rotate

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
)

func TestARunReportsWhatItDid(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		begun := time.Now()
		got := f.run(f.engine(nil), r)[0]
		if got.Outcome != Rotated || got.Before != 0 || got.Overdue || got.Err != nil || got.Kind != "deploy-key" || got.Kept != 1 ||
			got.Retired != 0 || len(got.Stores) != 4 || !got.Due.Equal(begun.Add(30*day)) {
			t.Errorf("%+v", got)
		}
		if k := f.ours()[0]; !k.ReadOnly {
			t.Errorf("the key can write: %+v", k)
		}
		time.Sleep(40 * day)
		e := f.engine(nil)
		e.DryRun = true
		for range 2 { // the first one changed nothing
			got = f.run(e, r)[0]
			if got.Outcome != Due || got.Age != 40*day || got.Overdue || !got.Due.Equal(time.Now()) || got.Reason != "it is 40 days old" ||
				got.Kept != 1 {
				t.Errorf("%+v", got)
			}
		}
		time.Sleep(6 * day)
		if got = f.run(e, r)[0]; !got.Overdue {
			t.Errorf("%+v", got)
		}
		got = f.run(f.engine(nil), r)[0]
		if got.Outcome != Rotated || !got.Overdue || got.Before != 46*day || got.Every != 30*day || got.Age != 0 || got.Retired != 1 ||
			got.Kept != 1 || !got.Stores[3].UpdatedAt.Equal(got.Since) {
			t.Errorf("%+v", got)
		}
		r.DeployKey.ReadOnly = false
		if got = f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Reason != "the key can only read, and should write" ||
			f.ours()[1].ReadOnly {
			t.Errorf("%+v", got)
		}
	})
}

func TestASecretThatAnotherRunReplacedKeepsItsRecipient(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := allKinds(0)[3]
		r.Store = r.Store[:1]
		other := false
		e := f.answering(http.MethodPost, "repos/acme/app/actions/variables", f.call)
		call := e.Call
		e.Call = func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			status, err := call(ctx, req)
			if req.Method == http.MethodPut && strings.Contains(req.Path, "dependabot") && !other {
				other = true
				forced := f.engine(nil)
				f.DeleteSecret(fakegithub.Place{Owner: "acme", Repository: "app"}, "IDENTITY")
				f.DeleteSecret(fakegithub.Place{Owner: "acme", Repository: "app", App: "dependabot"}, "IDENTITY")
				if got := f.run(forced, r)[0]; got.Outcome != Rotated {
					t.Errorf("%+v", got)
				}
			}
			return status, err
		}
		got := f.run(e, r)[0]
		if got.Outcome != Failed || !strings.Contains(got.Err.Error(), "was changed meanwhile") {
			t.Errorf("%+v", got)
		}
		f.belongs(&r)
	})
}

func TestRandomSecretsHaveTheirBytes(t *testing.T) {
	for encoding, decode := range map[string]func(string) ([]byte, error){
		"hex": hex.DecodeString, "base64": base64.StdEncoding.DecodeString, "base64url": base64.RawURLEncoding.DecodeString,
	} {
		a, err := random(manifest.Random{Bytes: 32, Encoding: encoding})
		b, _ := random(manifest.Random{Bytes: 32, Encoding: encoding})
		raw, decodeErr := decode(a.Reveal())
		if err != nil || decodeErr != nil || len(raw) != 32 || a.Reveal() == b.Reveal() {
			t.Errorf("%s: %v, %v, %d bytes", encoding, err, decodeErr, len(raw))
		}
	}
	for _, r := range []manifest.Random{{Bytes: 0, Encoding: "hex"}, {Bytes: 32, Encoding: "words"}} {
		if v, err := random(r); err == nil || !v.Empty() {
			t.Errorf("%+v was made", r)
		}
	}
}

func TestWhoSeesAnOrganizationsSecretAndVariable(t *testing.T) {
	for _, test := range []struct {
		access *secret.Access
		want   string
	}{{nil, "private"}, {&secret.Access{Visibility: "all"}, "all"}, {&secret.Access{Visibility: "selected"}, "selected"}} {
		inBubble(t, test.want, func(t *testing.T, f *fixture) {
			r := allKinds(0)[3]
			r.Store = r.Store[2:]
			for i := range 2 {
				e := f.engine(nil)
				e.Access = func(context.Context, manifest.Store) (*secret.Access, error) { return test.access, nil }
				if i == 1 {
					e.Access = nil // keeps what is there
				}
				if got := f.run(e, r)[0]; got.Outcome != Rotated {
					t.Fatalf("%+v", got)
				}
				var v struct{ Visibility string }
				f.must(http.MethodGet, "orgs/acme/actions/variables/RECIPIENT", nil, &v)
				if v.Visibility != test.want {
					t.Errorf("the variable: %+v", v)
				}
				if s := f.Secrets(fakegithub.Place{Owner: "acme"})[0]; s.Visibility != test.want {
					t.Errorf("the secret: %+v", s)
				}
				f.belongs(&r)
				time.Sleep(60 * day)
			}
			e := f.engine(nil)
			e.Access = func(context.Context, manifest.Store) (*secret.Access, error) {
				return nil, errors.New("no such pattern")
			}
			if got := f.run(e, r)[0]; got.Outcome != Failed ||
				got.Err.Error() != "could not renew IDENTITY of organization acme: no such pattern" {
				t.Errorf("%+v", got)
			}
		})
	}
}
