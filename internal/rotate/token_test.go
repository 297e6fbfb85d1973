package rotate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestATokenIsRevokedWhenTheRunIsCancelledBeforeItsWrite(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		revoked := 0
		e := f.engine(nil)
		e.Mint = func(context.Context, manifest.Rotation) (Minted, error) {
			cancel()
			return Minted{
				Value: redact.New("ghs_" + strings.Repeat("x", 36)), Revoke: func(context.Context) error { revoked++; return nil },
			}, nil
		}
		if got := f.runIn(ctx, e, allKinds(0)[1])[0]; got.Outcome != Failed || revoked != 1 {
			t.Errorf("revoked %d times: %+v", revoked, got)
		}
	})
}

func TestATokenThatWasInUseForOverAnHourIsReported(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := allKinds(0)[1]
		r.Every = 50 * time.Minute
		for _, test := range []struct {
			wait    time.Duration
			expired bool
		}{{0, false}, {time.Hour, false}, {time.Hour + time.Second, true}} {
			time.Sleep(test.wait)
			if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Expired != test.expired || got.Before != test.wait ||
				got.Overdue {
				t.Errorf("%s: %+v", test.wait, got)
			}
		}
	})
}
