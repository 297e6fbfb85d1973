package rotate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// inBubble gives each case a fixture of its own.
func inBubble(t *testing.T, name string, do func(*testing.T, *fixture)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.SkipOpenAPI = false
			do(t, f)
			f.silent()
		})
	})
}

// answering lets do answer the requests of a method and path prefix instead.
func (f *fixture) answering(method, path string, do func(ctx context.Context, r apicall.Request) (apicall.Answer, error)) *Engine {
	return f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		if r.Method == method && strings.HasPrefix(r.Path, path) {
			return do(ctx, r)
		}
		return f.call(ctx, r)
	})
}

const keysPath = "repos/acme/infra/keys"

func TestARunReportsWhatItDid(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		begun := time.Now()
		got := f.run(f.engine(nil), r)[0]
		if got.Outcome != Rotated || got.Before != 0 || got.Overdue || got.Err != nil || got.Kind != "deploy-key" || got.Kept != 1 || got.Retired != 0 || len(got.Stores) != 4 || !got.Due.Equal(begun.Add(30*day)) {
			t.Errorf("%+v", got)
		}
		if k := f.ours()[0]; !k.ReadOnly {
			t.Errorf("the key can write: %+v", k)
		}
		time.Sleep(40 * day)
		e := f.engine(nil)
		e.DryRun = true
		for range 2 { // and nothing changed in between
			got = f.run(e, r)[0]
			if got.Outcome != Due || got.Age != 40*day || got.Overdue || !got.Due.Equal(time.Now()) || got.Reason != "it is 40 days old" || got.Kept != 1 {
				t.Errorf("%+v", got)
			}
		}
		time.Sleep(6 * day)
		if got = f.run(e, r)[0]; !got.Overdue {
			t.Errorf("%+v", got)
		}
		got = f.run(f.engine(nil), r)[0]
		if got.Outcome != Rotated || !got.Overdue || got.Before != 46*day || got.Every != 30*day || got.Age != 0 || got.Retired != 1 || got.Kept != 1 || !got.Stores[3].UpdatedAt.Equal(got.Since) {
			t.Errorf("%+v", got)
		}
		r.DeployKey.ReadOnly = false
		if got = f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Reason != "the key can only read, and should write" || f.ours()[1].ReadOnly {
			t.Errorf("%+v", got)
		}
	})
}

func TestAFailureStopsNoOther(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		rotations := allKinds(1)
		rotations = append(rotations, rotations[0])
		rotations[4].Name = "another" // with the same title, and the same stores
		e := f.engine(nil)
		e.Mint = func(context.Context, manifest.Rotation) (Minted, error) { return Minted{}, errors.New("no App") }
		reports := f.run(e, rotations...)
		outcomes := ""
		for _, r := range reports {
			outcomes += fmt.Sprintf("%s %s; ", r.Kind, r.Outcome)
		}
		if want := "deploy-key rotated; installation-token failed; random rotated; age rotated; deploy-key failed; "; outcomes != want {
			t.Errorf("got %s, want %s", outcomes, want)
		}
		want := fmt.Sprintf("INFRA_KEY of acme/app holds a key of another rotation (deploy key %d, %s)", f.ours()[0].ID, home.id("infra"))
		if text := reports[4].Err.Error(); text != want || !strings.Contains(hint(reports[4].Err), "force: another") {
			t.Error(text)
		}
		if !NextDue(reports).Equal(time.Now()) || !NextDue(nil).IsZero() || !NextDue(reports[:1]).Equal(reports[0].Due) {
			t.Error(NextDue(reports))
		}
		f.belongs(&rotations[3])
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := f.runIn(ctx, f.engine(nil), rotations...); got[0].Outcome != Failed || !errors.Is(got[0].Err, context.Canceled) {
			t.Errorf("%+v", got[0])
		}
	})
}

func TestForcedRunsAtOnceAreEachSeen(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		rotations := allKinds(1)
		rotations[1].Store = stores("TOKEN") // so that no spread is there
		e := f.engine(nil)
		e.Force = func(string) bool { return true }
		for range 3 { // within one second, and yet each is seen
			for _, got := range f.run(e, rotations...) {
				if got.Outcome != Rotated || got.Err != nil {
					t.Errorf("%+v", got)
				}
			}
			f.held(rotations[0])
			f.belongs(&rotations[3])
		}
	})
}

func TestAKeyThatNoStoreTookIsTakenBackWhenThatIsSure(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(f *fixture, ctx context.Context, r apicall.Request) (apicall.Answer, error)
		left   int
	}{
		{"refused", func(_ *fixture, _ context.Context, r apicall.Request) (apicall.Answer, error) {
			return status(403), errors.New(r.Op + ": no")
		}, 1},
		{"lost before", func(*fixture, context.Context, apicall.Request) (apicall.Answer, error) {
			return apicall.Answer{}, errLost
		}, 2},
		{"trouble", func(*fixture, context.Context, apicall.Request) (apicall.Answer, error) { return status(502), errLost }, 2},
		{"a refusal of the second attempt", func(f *fixture, ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			_, _ = f.call(ctx, r)
			return status(429), errors.New(r.Op + ": GitHub answered 429")
		}, 2},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			r := keyRotation(1)
			f.run(f.engine(nil), r)
			time.Sleep(30 * day)
			e := f.answering(http.MethodPut, "", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) { return test.answer(f, ctx, r) })
			got := f.run(e, r)[0]
			if got.Outcome != Failed || strings.Count(got.Err.Error(), "could not renew INFRA_KEY of ") != 4 || len(f.ours()) != test.left || got.Kept != test.left {
				t.Errorf("%d left: %+v", len(f.ours()), got)
			}
			f.held(r)
		})
	}
}

func TestATokenThatNoStoreTookIsRevoked(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		revoked := 0
		e := f.answering(http.MethodPut, "", func(context.Context, apicall.Request) (apicall.Answer, error) { return status(403), errors.New("no") })
		e.Mint = func(context.Context, manifest.Rotation) (Minted, error) {
			return Minted{Value: redact.New("ghs_" + strings.Repeat("x", 36)), Revoke: func(context.Context) error { revoked++; return errors.New("too late") }}, nil
		}
		if got := f.run(e, allKinds(0)[1])[0]; got.Outcome != Failed || revoked != 1 {
			t.Errorf("revoked %d times: %+v", revoked, got)
		}
	})
}

func TestAKeyWhoseAnswerWasLostIsFound(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		e := f.answering(http.MethodPost, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			_, _ = f.call(ctx, r)
			return f.call(ctx, r) // as a retry does: 422, the key is in use
		})
		if got := f.run(e, r)[0]; got.Outcome != Rotated {
			t.Errorf("%+v", got)
		}
		f.settled(r, 1)
	})
}

func TestARefusalSaysWhatGitHubSaid(t *testing.T) {
	refuse := func(code int) func(context.Context, apicall.Request) (apicall.Answer, error) {
		return func(_ context.Context, r apicall.Request) (apicall.Answer, error) {
			return status(code), fmt.Errorf("%s: GitHub answered %d: Validation Failed", r.Op, code)
		}
	}
	inBubble(t, "deploy keys", func(t *testing.T, f *fixture) {
		for status, wantHint := range map[int]string{403: "", 404: "", 422: keysOff} {
			got := f.run(f.answering(http.MethodPost, keysPath, refuse(status)), keyRotation(0))[0]
			want := fmt.Sprintf("add a deploy key of acme/infra: GitHub answered %d: Validation Failed", status)
			if got.Outcome != Failed || got.Err.Error() != want || hint(got.Err) != wantHint {
				t.Errorf("%v\nhint: %s", got.Err, hint(got.Err))
			}
		}
	})
	inBubble(t, "a variable", func(t *testing.T, f *fixture) {
		r := allKinds(0)[3]
		got := f.run(f.answering(http.MethodPost, "orgs/", refuse(403)), r)[0]
		want := "could not renew IDENTITY of organization acme: its recipient is not in place: create variable RECIPIENT of organization acme: GitHub answered 403: Validation Failed"
		if got.Outcome != Failed || got.Err.Error() != want {
			t.Errorf("%v", got.Err)
		}
		// The next run finds it, and completes it.
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Busy {
			t.Errorf("%+v", got)
		}
		time.Sleep(lease)
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Reason != "variable RECIPIENT of organization acme is missing or older than its secret" {
			t.Errorf("%+v", got)
		}
		f.belongs(&r)
	})
	inBubble(t, "switched off later", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		f.run(f.engine(nil), r)
		time.Sleep(day)
		for _, dry := range []bool{true, false} {
			e := f.answering(http.MethodGet, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				answer, err := f.call(ctx, r)
				raw := r.Result.(*json.RawMessage)
				*raw = bytes.ReplaceAll(*raw, []byte(`"enabled":true`), []byte(`"enabled":false`))
				return answer, err
			})
			e.DryRun = dry
			got := f.run(e, r)[0]
			if got.Outcome != Failed || got.Err.Error() != got.Reason || !strings.HasSuffix(got.Reason, " is switched off") || hint(got.Err) != keysOff || got.Before != day {
				t.Errorf("%+v", got)
			}
		}
		f.settled(r, 1)
	})
	inBubble(t, "switched off", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		e := f.answering(http.MethodPost, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			status, err := f.call(ctx, r)
			r.Result.(*deployKey).Enabled = new(bool)
			return status, err
		})
		got := f.run(e, r)[0]
		if got.Outcome != Failed || !strings.Contains(hint(got.Err), "switch deploy keys off: see its settings") || len(f.ours()) != 0 || got.Kept != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatIsNotVerifiedRetiresNothing(t *testing.T) {
	inBubble(t, "the key is not listed", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		f.run(f.engine(nil), r)
		time.Sleep(30 * day)
		e := f.answering(http.MethodGet, keysPath+"/", func(_ context.Context, r apicall.Request) (apicall.Answer, error) {
			return status(404), errors.New(r.Op + ": no")
		})
		if got := f.run(e, r)[0]; got.Outcome != Failed || got.Retired != 0 || len(f.ours()) != 2 {
			t.Errorf("%+v", got)
		}
	})
	inBubble(t, "a time stands still", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		f.run(f.engine(nil), r)
		time.Sleep(30 * day)
		f.run(f.engine(nil), r)
		old := time.Now()
		time.Sleep(30 * day)
		e := f.answering(http.MethodGet, "orgs/acme/actions/secrets/INFRA_KEY", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			status, err := f.call(ctx, r)
			r.Result.(*secret.Entry).UpdatedAt = old
			return status, err
		})
		got := f.run(e, r)[0]
		if got.Outcome != Failed || got.Retired != 0 || got.Kept != 3 || got.Err.Error() != "could not renew INFRA_KEY of organization acme: GitHub took the new value and still tells of the one of 2000-01-31T00:00:00Z" {
			t.Errorf("%+v", got)
		}
	})
	inBubble(t, "a copy that is behind", func(t *testing.T, f *fixture) {
		r, looks := keyRotation(0), 0
		e := f.answering(http.MethodGet, keysPath+"/", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			if looks++; looks < 3 {
				return status(404), errors.New("not yet")
			}
			return f.call(ctx, r)
		})
		if got := f.run(e, r)[0]; got.Outcome != Rotated || looks != 3 {
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
			if got := f.run(e, r)[0]; got.Outcome != Failed || got.Err.Error() != "could not renew IDENTITY of organization acme: no such pattern" {
				t.Errorf("%+v", got)
			}
		})
	}
}
