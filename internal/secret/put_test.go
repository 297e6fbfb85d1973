package secret

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/box"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// writeOnce writes one secret with a writer of its own.
func writeOnce(ctx context.Context, call apicall.Func, x *Wanted) (created bool, err error) {
	writer, _, err := NewWriter(ctx, call, x.Place)
	if err != nil {
		return false, err
	}
	answer, err := writer.Write(ctx, x.Name, x.Value, x.Access)
	return answer.Status == http.StatusCreated, err
}

// A rotation asks for the keys of its places first, and writes minutes later.
func TestAWriterLearnsThatTheKeyWasChanged(t *testing.T) {
	for _, again := range []int{1, 2} { // how often the old key is returned
		inBubble(t, func(t *testing.T, f *fixture) {
			public, _, err := box.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			old, asked := public, 0
			writer, _, err := NewWriter(t.Context(), func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				answer, err := f.call(ctx, r)
				if asked++; strings.HasSuffix(r.Path, "/public-key") && asked <= again*2 {
					told, _ := json.Marshal(map[string]any{"key_id": "12", "key": base64.StdEncoding.EncodeToString(old[:])})
					err = json.Unmarshal(told, r.Result)
				}
				return answer, err
			}, apiActions)
			if err != nil {
				t.Fatal(err)
			}
			_, err = writer.Write(t.Context(), "KEY", redact.New("1"), nil)
			want := []string{
				"GET repos/acme/api/actions/secrets/public-key 200", "PUT repos/acme/api/actions/secrets/KEY 422",
				"GET repos/acme/api/actions/secrets/public-key 200", "PUT repos/acme/api/actions/secrets/KEY 201",
			}
			if again == 2 {
				want[3] = "PUT repos/acme/api/actions/secrets/KEY 422"
			}
			f.want("requests", f.requests(), want)
			if again == 1 {
				f.checkSeen([]Wanted{wants(apiActions, "KEY", "1")})
			}
			if (err == nil) != (again == 1) {
				t.Error(err)
			}
		})
	}
}

func TestPut(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.SetSecret(fakegithub.Place(acmeOrg), fakegithub.Secret{
			Name: "SOME", Value: "old", Visibility: "selected", Repositories: []string{"web"},
		})
		put := func(x Wanted, created bool, want string) {
			t.Helper()
			got, err := writeOnce(t.Context(), f.call, &x)
			if got != created || fmt.Sprint(err) != want {
				t.Errorf("%s of %s: %v, %v", x.Name, x.Place, got, err)
			}
			if err == nil {
				f.checkSeen([]Wanted{x})
			}
		}
		put(wants(apiActions, "KEY", "1"), true, "<nil>")
		put(wants(apiActions, "key", "2"), false, "<nil>")
		put(wants(acmeOrg, "SOME", "3"), false, "<nil>")
		put(wants(acmeOrg, "NEW", "4"), true, "<nil>")
		x := wants(acmeOrg, "NEW", "5")
		x.Access = &Access{Visibility: "all"}
		put(x, false, "<nil>")
		put(wants(production, "KEY", "6"), false, "get the public key of acme/api, environment production: GitHub answered 404: Not Found")
		put(wants(apiActions, "GITHUB_X", "7"), false, "GITHUB_X: names that begin with GITHUB_ are GitHub's own")
		var got []string
		for _, s := range f.Secrets(fakegithub.Place(acmeOrg)) {
			got = append(got, fmt.Sprint(s.Name, " ", s.Visibility, " ", s.Repositories))
		}
		f.want("access", got, []string{"NEW all []", "SOME selected [web]"})
	})
}

// However a plan or a result is printed, no value is in it.
func TestNoValueShown(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		wanted := []Wanted{
			wants(apiActions, "KEY", "s3cret-value"), wants(apiActions, "LONG", "s3cret-value"+strings.Repeat("x", MaxValue)),
		}
		s := f.sync()
		plan := s.Plan(t.Context(), wanted, nil)
		results, err := s.Apply(t.Context(), plan)
		text, jsonErr := json.Marshal(plan)
		for _, shown := range []string{
			fmt.Sprintf("%v %+v %#v", plan, plan, plan), fmt.Sprintf("%v %+v %#v", results, results, results), string(text),
		} {
			if strings.Contains(shown, "s3cret") || err != nil || jsonErr != nil {
				t.Errorf("%v, %v: %s", err, jsonErr, shown)
			}
		}
	})
}
