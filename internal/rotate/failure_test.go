package rotate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

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
		want := fmt.Sprintf("INFRA_KEY of acme/app holds a key of another rotation (deploy key %d, %s)", f.ours()[0].ID,
			testOrigin.id("infra"))
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
			e := f.answering(http.MethodPut, "", func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				return test.answer(f, ctx, r)
			})
			got := f.run(e, r)[0]
			if got.Outcome != Failed || strings.Count(got.Err.Error(), "could not renew INFRA_KEY of ") != 4 ||
				len(f.ours()) != test.left || got.Kept != test.left {
				t.Errorf("%d left: %+v", len(f.ours()), got)
			}
			f.held(r)
		})
	}
}

func TestATokenThatNoStoreTookIsRevoked(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		revoked := 0
		e := f.answering(http.MethodPut, "", func(context.Context, apicall.Request) (apicall.Answer, error) {
			return status(403), errors.New("no")
		})
		e.Mint = func(context.Context, manifest.Rotation) (Minted, error) {
			return Minted{
				Value:  redact.New("ghs_" + strings.Repeat("x", 36)),
				Revoke: func(context.Context) error { revoked++; return errors.New("too late") },
			}, nil
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
		f.checkSettled(r, 1)
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
		want := "could not renew IDENTITY of organization acme: its recipient is not in place: create variable RECIPIENT of " +
			"organization acme: GitHub answered 403: Validation Failed"
		if got.Outcome != Failed || got.Err.Error() != want {
			t.Errorf("%v", got.Err)
		}
		// The next run notices it, and completes it.
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Busy {
			t.Errorf("%+v", got)
		}
		time.Sleep(lease)
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated ||
			got.Reason != "variable RECIPIENT of organization acme is missing or older than its secret" {
			t.Errorf("%+v", got)
		}
		f.belongs(&r)
	})
}

func TestADeployKeyThatIsSwitchedOffIsRefused(t *testing.T) {
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
			if got.Outcome != Failed || got.Err.Error() != got.Reason || !strings.HasSuffix(got.Reason, " is switched off") ||
				hint(got.Err) != keysOff || got.Before != day {
				t.Errorf("%+v", got)
			}
		}
		f.checkSettled(r, 1)
	})
	inBubble(t, "switched off", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		e := f.answering(http.MethodPost, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			status, err := f.call(ctx, r)
			r.Result.(*deployKey).Enabled = new(bool)
			return status, err
		})
		got := f.run(e, r)[0]
		if got.Outcome != Failed || !strings.Contains(hint(got.Err), "switch deploy keys off: see its settings") || len(f.ours()) != 0 ||
			got.Kept != 0 {
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
		e := f.answering(http.MethodGet, "orgs/acme/actions/secrets/INFRA_KEY",
			func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				status, err := f.call(ctx, r)
				r.Result.(*secret.Entry).UpdatedAt = old
				return status, err
			})
		got := f.run(e, r)[0]
		if got.Outcome != Failed || got.Retired != 0 || got.Kept != 3 ||
			got.Err.Error() != "could not renew INFRA_KEY of organization acme: GitHub took the new value and still reports the one "+
				"of 2000-01-31T00:00:00Z" {
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

// A key that can do more than the one that was asked for is in nobody's use, and
// does not stay.
func TestAWiderDeployKeyIsRefused(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		e := f.answering(http.MethodPost, keysPath, func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			answer, err := f.call(ctx, r)
			r.Result.(*deployKey).ReadOnly = false
			return answer, err
		})
		got := f.run(e, keyRotation(0))[0]
		if got.Outcome != Failed || !strings.Contains(got.Err.Error(), "GitHub reports another deploy key") || len(f.ours()) != 0 {
			t.Errorf("%+v, and %d keys stay", got, len(f.ours()))
		}
	})
}
