package githubapp

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestRevokeIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		token, err := f.app.Mint(context.Background(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
		if err != nil {
			t.Fatal(err)
		}
		broken := fakegithub.ServerError(500, true)
		broken.Method, broken.Times = http.MethodDelete, 2
		f.Inject(broken)
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if gone, err := f.api.Revoke(ctx, token.Value); gone || err != nil {
			t.Errorf("got %v, %v", gone, err)
		}
		want := []string{"DELETE /installation/token 500", "DELETE /installation/token 500", "DELETE /installation/token 204"}
		if diff := cmp.Diff(want, f.asked()[1:]); diff != "" {
			t.Error(diff)
		}
	})
}
