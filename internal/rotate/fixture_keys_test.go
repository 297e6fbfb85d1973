package rotate

import (
	"net/http"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// stores returns the places that the deploy key goes to: two readers of one
// repository, an environment and the organization.
func stores(name string) []manifest.Store {
	return []manifest.Store{
		{Owner: "acme", Repository: "app", Secret: name, Apps: []string{"actions", "dependabot"}},
		{Owner: "acme", Repository: "app", Environment: "production", Secret: name, Apps: []string{"actions"}},
		{Organization: "acme", Secret: name, Apps: []string{"actions"}},
	}
}

func keyRotation(keep int) manifest.Rotation {
	return manifest.Rotation{
		Name: "infra", Every: 30 * day, Keep: keep, Store: stores("INFRA_KEY"),
		DeployKey: &manifest.DeployKey{Owner: "acme", Repository: "infra", Title: "ci", ReadOnly: true},
	}
}

// keys returns all deploy keys of infra.
func (f *fixture) keys() []fakegithub.DeployKey { return f.DeployKeys("acme", "infra") }

func (f *fixture) ours() (list []fakegithub.DeployKey) {
	for _, k := range f.keys() {
		if idIn(k.Title) == testOrigin.id("infra") {
			list = append(list, k)
		}
	}
	return list
}

// held returns the key that each store holds, nil for a store without the
// secret. A store with a key that opens nothing fails the test, because that
// must never happen.
func (f *fixture) held(r manifest.Rotation) []*fakegithub.DeployKey {
	f.t.Helper()
	keys := f.keys()
	var list []*fakegithub.DeployKey
	for _, t := range targetsOf(r.Store) {
		text, known := f.SecretValue(fakegithub.Place(t.place), t.store.Secret)
		if !known {
			list = append(list, nil)
			continue
		}
		signer, err := ssh.ParsePrivateKey([]byte(text))
		if err != nil {
			f.t.Fatal(err)
		}
		public := string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
		var found *fakegithub.DeployKey
		for i := range keys {
			if samePublic(keys[i].Key, public) {
				found = &keys[i]
			}
		}
		if found == nil {
			f.t.Fatalf("%s holds a key that opens nothing", t.name())
		}
		list = append(list, found)
	}
	return list
}

// watch reads the stores after every request that may have changed something.
// No other request can make a difference.
func (f *fixture) watch(r apicall.Request, rotation manifest.Rotation) {
	f.t.Helper()
	if r.Method != http.MethodGet {
		f.held(rotation)
	}
}

// checkSettled fails the test unless there are so many keys of ours, and every
// store holds the newest.
func (f *fixture) checkSettled(r manifest.Rotation, want int) {
	f.t.Helper()
	ours := f.ours()
	if len(ours) != want {
		f.t.Fatalf("%d keys of ours, want %d: %+v", len(ours), want, ours)
	}
	for _, k := range f.held(r) {
		if k == nil || k.ID != ours[len(ours)-1].ID {
			f.t.Fatalf("a store holds %+v, and the newest is %+v", k, ours[len(ours)-1])
		}
	}
}

// addByHand adds keys of others: one with the plain title, one that only looks
// like ours, and one of another rotation.
func (f *fixture) addByHand() {
	j := (&Engine{}).job(&manifest.Rotation{})
	for _, title := range []string{
		"ci", "ci (valetkey 2026-11-21T03:49:05Z 7f3a2c)",
		"ci (valetkey 0123456789ab 2026-11-21T03:49:05Z 7f3a2c)",
	} {
		_, public, err := j.newKey(title)
		if err != nil {
			f.t.Fatal(err)
		}
		f.must(http.MethodPost, keysPath, map[string]any{"key": public, "title": title}, nil)
	}
}
