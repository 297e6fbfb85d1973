package demo

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// The manifests of a fleet and of a rotation.
const (
	fleetManifest  = `secrets: [{name: NPM_TOKEN, to: [{repositories: ["` + account + `/*"]}]}]` + "\n"
	rotateManifest = `rotations:
  - name: deploy
    deploy-key: {repository: ` + account + "/" + other + `, title: ci}
    every: 30d
    store: [{repository: ` + account + "/" + selected + `, secret: DEPLOY_KEY}]
`
)

// syncFleet brings a secret to every repository of the account.
func (w *walkthrough) syncFleet(ctx context.Context) {
	w.say("A manifest says which secret goes where: NPM_TOKEN to every repository of %s. First only what would be done", account)
	value := rand.Text()
	variable := "NPM_TOKEN=" + value
	state := map[string]string{"state-file": filepath.Join(w.sandbox.dir, "state-"+rand.Text())}
	planned := w.scheduled(ctx, "sync", fleetManifest, map[string]string{"dry-run": "true"}, variable)
	w.check("it would create "+planned.Outputs["created"]+", and nothing is written", planned.Outputs["created"] == "2" &&
		w.secret(selected, "NPM_TOKEN") == "", "")

	w.say("Then it is done, sealed for each repository")
	done := w.scheduled(ctx, "sync", fleetManifest, state, variable)
	w.check("as was said: "+done.Outputs["created"]+" created", done.Outputs["created"] == planned.Outputs["created"], "")
	for _, name := range []string{selected, other} {
		w.check("workflows of "+account+"/"+name+" see the value", w.secret(name, "NPM_TOKEN") == value, "")
	}
	w.check("it is not in the log", !strings.Contains(w.log.Shown(), value), "")

	w.say("The next night nothing is left to do, as the state file knows")
	again := w.scheduled(ctx, "sync", fleetManifest, state, variable)
	w.check(again.Outputs["unchanged"]+" unchanged", again.Outputs["unchanged"] == "2" && again.Outputs["updated"] == "0", "")
}

// rotateKey replaces a deploy key when it is due.
func (w *walkthrough) rotateKey(ctx context.Context) {
	github := w.sandbox.github
	run := func() []fakegithub.DeployKey {
		w.scheduled(ctx, "rotate", rotateManifest, nil, "GITHUB_REPOSITORY="+account+"/"+selected)
		return github.DeployKeys(account, other)
	}
	w.say("A deploy key of %s/%s is wanted, which workflows of %s/%s use. Every 30 days it is another one",
		account, other, account, selected)
	first := run()
	private := w.secret(selected, "DEPLOY_KEY")
	w.check("there is a key", len(first) == 1, "")
	w.check("its private half is a secret, and nowhere else", strings.Contains(private, "PRIVATE KEY") &&
		!strings.Contains(w.log.Shown(), private), "")

	w.say("An hour later it is not due")
	github.SetClockSkew(time.Hour)
	w.check("it is the same key", len(run()) == 1 && w.secret(selected, "DEPLOY_KEY") == private, "")

	w.say("A month passes at GitHub")
	github.SetClockSkew(31 * day)
	second := run()
	w.check("there is a new key, and the secret is the new one", len(second) > 0 && len(first) == 1 &&
		second[len(second)-1].Key != first[0].Key && w.secret(selected, "DEPLOY_KEY") != private, "")
	w.check("the old one works on, for jobs that began before", len(second) == 2, "")

	w.say("Another month passes")
	github.SetClockSkew(62 * day)
	third := run()
	w.check("the first key is gone", len(third) == 2 && len(first) == 1 && third[0].Key != first[0].Key, "")
}

// secret returns the value of a repository's secret as its workflows see it.
func (w *walkthrough) secret(repository, name string) string {
	for _, s := range w.sandbox.github.Secrets(fakegithub.Place{Owner: account, Repository: repository}) {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}
