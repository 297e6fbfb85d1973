package fakegithub_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"golang.org/x/crypto/nacl/box"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// family is one kind of secret in one place.
type family struct {
	name, path       string
	place            fakegithub.Place
	permission, read string // read: the level that reading takes
	dotcom           bool
}

func (kind family) organization() bool { return kind.place.Repository == "" }

const environmentName = "eu/production 1"

func families() []family {
	var list []family
	for _, app := range []struct{ name, permission, read string }{
		{"actions", "secrets", "read"},
		{"dependabot", "dependabot_secrets", "read"},
		{"codespaces", "codespaces_secrets", "write"},
		{"agents", "agent_secrets", "read"},
	} {
		dotcom := app.name == "codespaces" || app.name == "agents"
		list = append(list,
			family{
				"repository " + app.name, "/repos/octo-corp/api/" + app.name + "/secrets",
				fakegithub.Place{Owner: "octo-corp", Repository: "api", App: app.name},
				app.permission, app.read, dotcom,
			},
			family{
				"organization " + app.name, "/orgs/octo-corp/" + app.name + "/secrets",
				fakegithub.Place{Owner: "octo-corp", App: app.name},
				"organization_" + app.permission, "read", dotcom,
			})
	}
	return append(list, family{
		"environment", "/repos/octo-corp/api/environments/eu%2Fproduction%201/secrets",
		fakegithub.Place{Owner: "octo-corp", Repository: "api", Environment: environmentName},
		"environments", "read", false,
	})
}

// everything is the permissions of a secret fixture's App.
var everything = map[string]string{
	"actions": "read", "administration": "write", "actions_variables": "write", "organization_actions_variables": "write",
	"metadata": "read", "contents": "write",
}

// newSecretFixture returns a newFixture with an environment and an App that may
// do everything.
func newSecretFixture(t testing.TB, config fakegithub.Config) *fixture {
	t.Helper()
	f := newFixture(t, config)
	permissions := maps.Clone(everything)
	for _, kind := range families() {
		permissions[kind.permission] = "write"
	}
	f.App = f.AddApp(fakegithub.App{Slug: "sync", Owner: "octo-corp", PublicKey: &fakegithubtest.Key().PublicKey, Permissions: permissions})
	f.Installation = f.Install(fakegithub.Installation{AppID: f.App.ID, Account: "octo-corp", Repositories: []string{"api", "web"}})
	f.AddEnvironment("octo-corp", "api", environmentName)
	return f
}

// with mints a token with one permission, or with all of them for "".
func (f *fixture) with(permission, level string) string {
	f.t.Helper()
	if permission == "" {
		return f.mint("")
	}
	return f.mint(fmt.Sprintf(`{"permissions": {%q: %q}}`, permission, level))
}

// seal fetches the public key of a family and returns the key id and the sealed
// value.
func (f *fixture) seal(kind family, token, value string) (keyID, sealed string) {
	f.t.Helper()
	r := f.send("GET", kind.path+"/public-key", token, "")
	text, _ := r.body["key"].(string)
	keyID, _ = r.body["key_id"].(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 32 || keyID == "" {
		f.t.Fatalf("%s: public key: %d %s", kind.name, r.StatusCode, r.text)
	}
	box, err := box.SealAnonymous(nil, []byte(value), (*[32]byte)(raw), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	return keyID, base64.StdEncoding.EncodeToString(box)
}

// putBody returns a good body for a family, with some fields changed.
func (f *fixture) putBody(kind family, token, value string, more map[string]any) string {
	f.t.Helper()
	body := map[string]any{}
	body["key_id"], body["encrypted_value"] = f.seal(kind, token, value)
	if kind.organization() {
		body["visibility"] = "all"
	}
	maps.Copy(body, more)
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}
