package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// resolution is what a manifest means today: patterns become repositories, names of
// variables become values.
type resolution struct {
	r     *actions.Runner
	fleet *fleet
	file  *manifest.File
	shard secret.Shard

	wanted  []secret.Wanted     // of this shard
	fresh   map[int]*freshToken // by index of the manifest's secret
	seen    map[wish]origin     // of all shards
	spread  map[spreading]int   // how many repositories' Actions secrets a value goes to
	rotated map[wish]int        // what the manifest's rotations write → their line
	failed  []secret.Result     // targets that could not be found out
	faults  []error             // of the manifest, as seen from here
}

// origin is where a wish comes from.
type origin struct {
	entry  int // index of the manifest's secret
	target *manifest.Target
}

// wish is one secret at one place.
type wish struct{ place, name string }

func wishOf(at secret.Place, name string) wish { return wish{at.Key(), strings.ToUpper(name)} }

// resolve reads values by getenv and asks GitHub what patterns match. Faults of the
// manifest are an error; what GitHub refuses is a failed result.
func (f *fleet) resolve(ctx context.Context, file *manifest.File, shard secret.Shard, getenv func(string) string) (*resolution, error) {
	v := &resolution{r: f.r, fleet: f, file: file, shard: shard, fresh: map[int]*freshToken{}, seen: map[wish]origin{}, spread: map[spreading]int{}, rotated: rotatedBy(file)}
	for i := range file.Secrets {
		entry := &file.Secrets[i]
		value := redact.New(getenv(entry.Variable))
		f.r.Mask(actions.EachLine(value)...)
		switch {
		case entry.Mint != nil && f.sign == nil:
			v.fault(entry.Position, "from: mint takes an App, and the step has a token", "give the step client-id and private-key")
		case entry.Mint == nil && isReserved(entry.Variable):
			v.fault(entry.Position, fmt.Sprintf("%s: the variable %s is the runner's own", entry.Name, entry.Variable),
				"give the value to the step under another name")
		case entry.Mint == nil && value.Empty():
			v.fault(entry.Position, fmt.Sprintf("%s: the variable %s is empty or not set", entry.Name, entry.Variable),
				fmt.Sprintf("give it to the step: env: %s: ${{ secrets.%s }}", entry.Variable, entry.Variable))
		case entry.Mint == nil:
			if err := secret.Check(entry.Name, value); err != nil {
				v.fault(entry.Position, err.Error(), fault.Hint(err))
			}
		}
	}
	if len(v.faults) > 0 { // before any request
		return nil, errors.Join(v.faults...)
	}
	for i := range file.Secrets {
		if mint := file.Secrets[i].Mint; mint != nil {
			v.fresh[i] = &freshToken{fleet: f, file: file, scope: mint, once: newLock()}
			// What its patterns mean is known before anything is written; a list that
			// could not be read fails the targets when the token is made.
			if _, err := f.scopeOf(ctx, file, mint); errors.As(err, new(*manifest.Fault)) {
				v.faults = append(v.faults, err)
			}
		}
		for t := range file.Secrets[i].To {
			v.target(ctx, i, &file.Secrets[i].To[t], redact.New(getenv(file.Secrets[i].Variable)))
		}
	}
	return v, errors.Join(v.faults...)
}

func (v *resolution) fault(at manifest.Position, problem, hint string) {
	v.faults = append(v.faults, v.file.Fault(at, problem, hint))
}

// target adds what one target of a secret means.
func (v *resolution) target(ctx context.Context, i int, t *manifest.Target, value redact.String) {
	entry := &v.file.Secrets[i]
	one := secret.Wanted{Name: entry.Name, Value: value, CreateEnvironment: t.CreateEnvironments}
	if fresh := v.fresh[i]; fresh != nil {
		one.Value, one.Fresh, one.ValueFunc = redact.String{}, true, fresh.token
	}
	if t.Organization != "" {
		v.organization(ctx, origin{i, t}, one)
		return
	}
	v.repositories(ctx, origin{i, t}, one)
}

// repositories adds what a target means that lists repositories.
func (v *resolution) repositories(ctx context.Context, from origin, one secret.Wanted) {
	t := from.target
	var meanings []manifest.Meaning
	for _, owner := range t.Repositories.Owners() {
		meaning, err := v.fleet.meaning(ctx, owner, t.Repositories)
		if err != nil {
			one.Place = secret.Place{Owner: owner, Repository: t.Repositories.Of(owner), App: t.Apps[0]}
			v.fail(one, err)
			continue
		}
		meanings = append(meanings, meaning)
		for _, name := range namesOf(meaning) {
			for _, place := range places(owner, name, t.Environments, t.Apps) {
				one.Place = place
				v.add(from, one)
			}
		}
	}
	v.faults = append(v.faults, v.fleet.idle(ctx, v.file, t.Repositories, meanings)...)
}

// organization adds what a target means that is an organization.
func (v *resolution) organization(ctx context.Context, from origin, one secret.Wanted) {
	t := from.target
	access, err := v.fleet.access(ctx, v.file, t.Organization, t.Visibility, t.Selected)
	var wrong *manifest.Fault
	if errors.As(err, &wrong) {
		v.faults = append(v.faults, err)
		return
	}
	for _, app := range t.Apps {
		one.Place = secret.Place{Owner: t.Organization, App: app}
		one.Access = access
		switch {
		case errors.Is(err, errNobody):
			v.r.Warning("%s for %s is left as it is: %v", one.Name, one.Place, err)
			v.seen[wishOf(one.Place, one.Name)] = from
		case err != nil:
			v.fail(one, err)
		default:
			v.add(from, one)
		}
	}
}

// places are those of one repository.
func places(owner, name string, environments, apps []string) []secret.Place {
	var all []secret.Place
	for _, app := range apps {
		at := secret.Place{Owner: owner, Repository: name, App: app}
		if len(environments) == 0 {
			all = append(all, at)
		}
		for _, environment := range environments {
			at.Environment = environment
			all = append(all, at)
		}
	}
	return all
}

func (v *resolution) fail(one secret.Wanted, err error) {
	v.failed = append(v.failed, secret.Result{Place: one.Place, Name: one.Name, Outcome: secret.Failed, Err: err})
}

// add takes a secret that is wanted at one place, unless another entry of the
// manifest wants it there too.
func (v *resolution) add(from origin, one secret.Wanted) {
	key := wishOf(one.Place, one.Name)
	if before, twice := v.seen[key]; twice {
		if before.entry != from.entry || !before.agrees(from) {
			v.fault(from.target.Position, fmt.Sprintf("%s for %s comes from line %d too", one.Name, one.Place, before.target.Line), "let one target name it; ! leaves a repository out of a pattern")
		}
		return // the same entry matched it twice
	}
	v.seen[key] = from
	if one.App == "actions" && !one.IsOrganization() && one.Environment == "" && !one.Fresh {
		v.spread[spreading{from.entry, strings.ToLower(one.Owner)}]++
	}
	if line, rotated := v.rotated[key]; rotated {
		v.fault(from.target.Position, fmt.Sprintf("%s for %s is what the rotation of line %d stores", one.Name, one.Place, line), "let one of the two write it")
	}
	if !v.shard.Owns(one.Place) {
		return
	}
	v.wanted = append(v.wanted, one)
}

// spreading is one secret of the manifest over one owner's repositories.
type spreading struct {
	entry int
	owner string // lower-case
}

// worthOne is how many writes one organization's secret has to stand in for to be
// worth a word.
const worthOne = 10

// advice tells where one secret of an organization would do the work of many.
func (v *resolution) advice() (texts []string) {
	for i := range v.file.Secrets {
		for _, owner := range slices.Sorted(maps.Keys(v.fleet.owners)) {
			n := v.spread[spreading{i, owner}]
			if n < worthOne {
				continue
			}
			o := v.fleet.owners[owner]
			all, with := "", " with visibility: selected"
			if reached := o.reached.Load(); reached != nil && n >= reached.Writable() {
				all, with = "all ", ""
			}
			texts = append(texts, fmt.Sprintf("%s goes to %s%s repositories of %s: if that is an organization, one secret of its own%s takes 1 write instead of %s",
				v.file.Secrets[i].Name, all, thousands(n), o.name, with, thousands(n)))
		}
	}
	return texts
}

// agrees tells whether two targets want the same where they meet.
func (o origin) agrees(other origin) bool {
	a, b := o.target, other.target
	return a.CreateEnvironments == b.CreateEnvironments && a.Visibility == b.Visibility && a.Selected.String() == b.Selected.String()
}

// rotatedBy gives the secrets that the rotations of a manifest write. To sync, they
// would be changed by somebody else.
func rotatedBy(file *manifest.File) map[wish]int {
	all := map[wish]int{}
	for i := range file.Rotations {
		for _, s := range file.Rotations[i].Store {
			at := secret.Place{Owner: s.Owner + s.Organization, Repository: s.Repository, Environment: s.Environment}
			for _, app := range s.Apps {
				at.App = app
				all[wishOf(at, s.Secret)] = file.Rotations[i].Line
			}
		}
	}
	return all
}

// everywhere tells whether the whole manifest wants a secret at a place, be it that a
// rotation stores it: one that has yet to do so must find what sync wrote before.
func (v *resolution) everywhere(at secret.Place, name string) bool {
	key := wishOf(at, name)
	_, wanted := v.seen[key]
	_, rotated := v.rotated[key]
	return wanted || rotated
}
