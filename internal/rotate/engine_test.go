package rotate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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

// bubbled gives each case a world of its own.
func bubbled(t *testing.T, name string, do func(*testing.T, *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			do(t, w)
			w.silent()
		})
	})
}

// answering lets do answer the requests of a method and path prefix instead.
func (w *world) answering(method, path string, do func(ctx context.Context, r apicall.Request) (apicall.Answer, error)) *Engine {
	return w.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		if r.Method == method && strings.HasPrefix(r.Path, path) {
			return do(ctx, r)
		}
		return w.call(ctx, r)
	})
}

const keysPath = "repos/acme/infra/keys"

func TestARunReportsWhatItDid(t *testing.T) {
	bubbled(t, "", func(t *testing.T, w *world) {
		r := keyRotation(0)
		begun := time.Now()
		got := w.run(w.engine(nil), r)[0]
		if got.Outcome != Rotated || got.Before != 0 || got.Overdue || got.Err != nil || got.Kind != "deploy-key" || got.Kept != 1 || got.Retired != 0 || len(got.Stores) != 4 || !got.Due.Equal(begun.Add(30*day)) {
			t.Errorf("%+v", got)
		}
		if k := w.ours()[0]; !k.ReadOnly {
			t.Errorf("the key can write: %+v", k)
		}
		time.Sleep(40 * day)
		e := w.engine(nil)
		e.DryRun = true
		for range 2 { // and nothing changed in between
			got = w.run(e, r)[0]
			if got.Outcome != Due || got.Age != 40*day || got.Overdue || !got.Due.Equal(time.Now()) || got.Reason != "it is 40 days old" || got.Kept != 1 {
				t.Errorf("%+v", got)
			}
		}
		time.Sleep(6 * day)
		if got = w.run(e, r)[0]; !got.Overdue {
			t.Errorf("%+v", got)
		}
		got = w.run(w.engine(nil), r)[0]
		if got.Outcome != Rotated || !got.Overdue || got.Before != 46*day || got.Every != 30*day || got.Age != 0 || got.Retired != 1 || got.Kept != 1 || !got.Stores[3].UpdatedAt.Equal(got.Since) {
			t.Errorf("%+v", got)
		}
		r.DeployKey.ReadOnly = false
		if got = w.run(w.engine(nil), r)[0]; got.Outcome != Rotated || got.Reason != "the key can only read, and should write" || w.ours()[1].ReadOnly {
			t.Errorf("%+v", got)
		}
	})
}

func TestAFailureStopsNoOther(t *testing.T) {
	bubbled(t, "", func(t *testing.T, w *world) {
		rotations := allKinds(1)
		rotations = append(rotations, rotations[0])
		rotations[4].Name = "another" // with the same title, and the same stores
		e := w.engine(nil)
		e.Mint = func(context.Context, manifest.Rotation) (Minted, error) { return Minted{}, errors.New("no App") }
		reports := w.run(e, rotations...)
		outcomes := ""
		for _, r := range reports {
			outcomes += fmt.Sprintf("%s %s; ", r.Kind, r.Outcome)
		}
		if want := "deploy-key rotated; installation-token failed; random rotated; age rotated; deploy-key failed; "; outcomes != want {
			t.Errorf("got %s, want %s", outcomes, want)
		}
		want := fmt.Sprintf("INFRA_KEY of acme/app holds a key of another rotation (deploy key %d, %s)", w.ours()[0].ID, home.id("infra"))
		if text := reports[4].Err.Error(); text != want || !strings.Contains(hint(reports[4].Err), "force: another") {
			t.Error(text)
		}
		if !NextDue(reports).Equal(time.Now()) || !NextDue(nil).IsZero() || !NextDue(reports[:1]).Equal(reports[0].Due) {
			t.Error(NextDue(reports))
		}
		w.belongs(&rotations[3])
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := w.runIn(ctx, w.engine(nil), rotations...); got[0].Outcome != Failed || !errors.Is(got[0].Err, context.Canceled) {
			t.Errorf("%+v", got[0])
		}
	})
}

func TestForcedRunsAtOnceAreEachSeen(t *testing.T) {
	bubbled(t, "", func(t *testing.T, w *world) {
		rotations := allKinds(1)
		rotations[1].Store = stores("TOKEN") // so that no spread is there
		e := w.engine(nil)
		e.Force = func(string) bool { return true }
		for range 3 { // within one second, and yet each is seen
			for _, got := range w.run(e, rotations...) {
				if got.Outcome != Rotated || got.Err != nil {
					t.Errorf("%+v", got)
				}
			}
			w.held(rotations[0])
			w.belongs(&rotations[3])
		}
	})
}

func TestAKeyThatNoStoreTookIsTakenBackWhenThatIsSure(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(w *world, ctx context.Context, r apicall.Request) (apicall.Answer, error)
		left   int
	}{
		{"refused", func(_ *world, _ context.Context, r apicall.Request) (apicall.Answer, error) {
			return status(403), errors.New(r.Op + ": no")
		}, 1},
		{"lost before", func(*world, context.Context, apicall.Request) (apicall.Answer, error) {
			return apicall.Answer{}, errLost
		}, 2},
		{"trouble", func(*world, context.Context, apicall.Request) (apicall.Answer, error) { return status(502), errLost }, 2},
		{"a refusal of the second attempt", func(w *world, ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			_, _ = w.call(ctx, r)
			return status(429), errors.New(r.Op + ": GitHub answered 429")
		}, 2},
	} {
		bubbled(t, test.name, func(t *testing.T, w *world) {
			r := keyRotation(1)
			w.run(w.engine(nil), r)
			time.Sleep(30 * day)
			e := w.answering(apicall.Put, "", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) { return test.answer(w, ctx, r) })
			got := w.run(e, r)[0]
			if got.Outcome != Failed || strings.Count(got.Err.Error(), "could not renew INFRA_KEY of ") != 4 || len(w.ours()) != test.left || got.Kept != test.left {
				t.Errorf("%d left: %+v", len(w.ours()), got)
			}
			w.held(r)
		})
	}
}

func TestATokenThatNoStoreTookIsRevoked(t *testing.T) {
	bubbled(t, "", func(t *testing.T, w *world) {
		revoked := 0
		e := w.answering(apicall.Put, "", func(context.Context, apicall.Request) (apicall.Answer, error) { return status(403), errors.New("no") })
		e.Mint = func(context.Context, manifest.Rotation) (Minted, error) {
			return Minted{Value: redact.New("ghs_" + strings.Repeat("x", 36)), Revoke: func(context.Context) error { revoked++; return errors.New("too late") }}, nil
		}
		if got := w.run(e, allKinds(0)[1])[0]; got.Outcome != Failed || revoked != 1 {
			t.Errorf("revoked %d times: %+v", revoked, got)
		}
	})
}

func TestAKeyWhoseAnswerWasLostIsFound(t *testing.T) {
	bubbled(t, "", func(t *testing.T, w *world) {
		r := keyRotation(0)
		e := w.answering(apicall.Post, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			_, _ = w.call(ctx, r)
			return w.call(ctx, r) // as a retry does: 422, the key is in use
		})
		if got := w.run(e, r)[0]; got.Outcome != Rotated {
			t.Errorf("%+v", got)
		}
		w.settled(r, 1)
	})
}

func TestARefusalSaysWhatGitHubSaid(t *testing.T) {
	refuse := func(code int) func(context.Context, apicall.Request) (apicall.Answer, error) {
		return func(_ context.Context, r apicall.Request) (apicall.Answer, error) {
			return status(code), fmt.Errorf("%s: GitHub answered %d: Validation Failed", r.Op, code)
		}
	}
	bubbled(t, "deploy keys", func(t *testing.T, w *world) {
		for status, cure := range map[int]string{403: "", 404: "", 422: keysOff} {
			got := w.run(w.answering(apicall.Post, keysPath, refuse(status)), keyRotation(0))[0]
			want := fmt.Sprintf("add a deploy key of acme/infra: GitHub answered %d: Validation Failed", status)
			if got.Outcome != Failed || got.Err.Error() != want || hint(got.Err) != cure {
				t.Errorf("%v\nhint: %s", got.Err, hint(got.Err))
			}
		}
	})
	bubbled(t, "a variable", func(t *testing.T, w *world) {
		r := allKinds(0)[3]
		got := w.run(w.answering(apicall.Post, "orgs/", refuse(403)), r)[0]
		want := "could not renew IDENTITY of organization acme: its recipient is not in place: create variable RECIPIENT of organization acme: GitHub answered 403: Validation Failed"
		if got.Outcome != Failed || got.Err.Error() != want {
			t.Errorf("%v", got.Err)
		}
		// The next run finds it, and completes it.
		if got := w.run(w.engine(nil), r)[0]; got.Outcome != Busy {
			t.Errorf("%+v", got)
		}
		time.Sleep(lease)
		if got := w.run(w.engine(nil), r)[0]; got.Outcome != Rotated || got.Reason != "variable RECIPIENT of organization acme is missing or older than its secret" {
			t.Errorf("%+v", got)
		}
		w.belongs(&r)
	})
	bubbled(t, "switched off later", func(t *testing.T, w *world) {
		r := keyRotation(0)
		w.run(w.engine(nil), r)
		time.Sleep(day)
		for _, dry := range []bool{true, false} {
			e := w.answering(apicall.Get, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				answer, err := w.call(ctx, r)
				raw := r.Result.(*json.RawMessage)
				*raw = bytes.ReplaceAll(*raw, []byte(`"enabled":true`), []byte(`"enabled":false`))
				return answer, err
			})
			e.DryRun = dry
			got := w.run(e, r)[0]
			if got.Outcome != Failed || got.Err.Error() != got.Reason || !strings.HasSuffix(got.Reason, " is switched off") || hint(got.Err) != keysOff || got.Before != day {
				t.Errorf("%+v", got)
			}
		}
		w.settled(r, 1)
	})
	bubbled(t, "switched off", func(t *testing.T, w *world) {
		r := keyRotation(0)
		e := w.answering(apicall.Post, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			status, err := w.call(ctx, r)
			r.Result.(*deployKey).Enabled = new(bool)
			return status, err
		})
		got := w.run(e, r)[0]
		if got.Outcome != Failed || !strings.Contains(hint(got.Err), "switch deploy keys off: see its settings") || len(w.ours()) != 0 || got.Kept != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatIsNotVerifiedRetiresNothing(t *testing.T) {
	bubbled(t, "the key is not listed", func(t *testing.T, w *world) {
		r := keyRotation(0)
		w.run(w.engine(nil), r)
		time.Sleep(30 * day)
		e := w.answering(apicall.Get, keysPath+"/", func(_ context.Context, r apicall.Request) (apicall.Answer, error) {
			return status(404), errors.New(r.Op + ": no")
		})
		if got := w.run(e, r)[0]; got.Outcome != Failed || got.Retired != 0 || len(w.ours()) != 2 {
			t.Errorf("%+v", got)
		}
	})
	bubbled(t, "a time stands still", func(t *testing.T, w *world) {
		r := keyRotation(1)
		w.run(w.engine(nil), r)
		time.Sleep(30 * day)
		w.run(w.engine(nil), r)
		old := time.Now()
		time.Sleep(30 * day)
		e := w.answering(apicall.Get, "orgs/acme/actions/secrets/INFRA_KEY", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			status, err := w.call(ctx, r)
			r.Result.(*secret.Entry).UpdatedAt = old
			return status, err
		})
		got := w.run(e, r)[0]
		if got.Outcome != Failed || got.Retired != 0 || got.Kept != 3 || got.Err.Error() != "could not renew INFRA_KEY of organization acme: GitHub took the new value and still tells of the one of 2000-01-31T00:00:00Z" {
			t.Errorf("%+v", got)
		}
	})
	bubbled(t, "a copy that is behind", func(t *testing.T, w *world) {
		r, looks := keyRotation(0), 0
		e := w.answering(apicall.Get, keysPath+"/", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			if looks++; looks < 3 {
				return status(404), errors.New("not yet")
			}
			return w.call(ctx, r)
		})
		if got := w.run(e, r)[0]; got.Outcome != Rotated || looks != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestASecretThatAnotherRunReplacedKeepsItsRecipient(t *testing.T) {
	bubbled(t, "", func(t *testing.T, w *world) {
		r := allKinds(0)[3]
		r.Store = r.Store[:1]
		other := false
		e := w.answering(apicall.Post, "repos/acme/app/actions/variables", w.call)
		call := e.Call
		e.Call = func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			status, err := call(ctx, req)
			if req.Method == apicall.Put && strings.Contains(req.Path, "dependabot") && !other {
				other = true
				forced := w.engine(nil)
				w.DeleteSecret(fakegithub.Place{Owner: "acme", Repository: "app"}, "IDENTITY")
				w.DeleteSecret(fakegithub.Place{Owner: "acme", Repository: "app", App: "dependabot"}, "IDENTITY")
				if got := w.run(forced, r)[0]; got.Outcome != Rotated {
					t.Errorf("%+v", got)
				}
			}
			return status, err
		}
		got := w.run(e, r)[0]
		if got.Outcome != Failed || !strings.Contains(got.Err.Error(), "was changed meanwhile") {
			t.Errorf("%+v", got)
		}
		w.belongs(&r)
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
		bubbled(t, test.want, func(t *testing.T, w *world) {
			r := allKinds(0)[3]
			r.Store = r.Store[2:]
			for i := range 2 {
				e := w.engine(nil)
				e.Access = func(context.Context, manifest.Store) (*secret.Access, error) { return test.access, nil }
				if i == 1 {
					e.Access = nil // keeps what is there
				}
				if got := w.run(e, r)[0]; got.Outcome != Rotated {
					t.Fatalf("%+v", got)
				}
				var v struct{ Visibility string }
				if _, err := w.send(t.Context(), "GET", "orgs/acme/actions/variables/RECIPIENT", "token "+w.mint(), nil, &v); err != nil || v.Visibility != test.want {
					t.Errorf("the variable: %v, %+v", err, v)
				}
				if s := w.Secrets(fakegithub.Place{Owner: "acme"})[0]; s.Visibility != test.want {
					t.Errorf("the secret: %+v", s)
				}
				w.belongs(&r)
				time.Sleep(60 * day)
			}
			e := w.engine(nil)
			e.Access = func(context.Context, manifest.Store) (*secret.Access, error) {
				return nil, errors.New("no such pattern")
			}
			if got := w.run(e, r)[0]; got.Outcome != Failed || got.Err.Error() != "could not renew IDENTITY of organization acme: no such pattern" {
				t.Errorf("%+v", got)
			}
		})
	}
}
