package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// Resolution is what the secrets of a manifest mean today: patterns are
// repositories, and names of variables are values.
type Resolution struct {
	Wanted []secret.Wanted // the secrets of the shard
	Failed []secret.Result // targets that could not be resolved, because GitHub refused

	fleet   *Fleet
	file    *manifest.File
	shard   secret.Shard
	stored  map[int]*storedToken  // by index of the manifest's secret
	seen    map[placeKey]origin   // of all shards
	spread  map[spreadKey]*Spread // how many repositories get a value for Actions
	rotated map[placeKey]int      // what the manifest's rotations write → their line
	faults  []error               // of the manifest, with what GitHub has
}

// origin is where the manifest names a secret.
type origin struct {
	entry  int // index of the manifest's secret
	target *manifest.Target
}

// placeKey is one secret at one place.
type placeKey struct{ place, name string }

func keyOf(at secret.Place, name string) placeKey { return placeKey{at.Key(), strings.ToUpper(name)} }

// Resolve finds out what the secrets of a manifest mean. It calls value once
// for each variable, before the first request; value masks what it returns, and
// where a variable has no value, or must not be read, it returns an error with
// a hint. Then Resolve asks GitHub what the patterns match. Faults of the
// manifest are joined into one error, each a [manifest.Fault]. Targets that
// GitHub refuses to list are in Failed, and are not an error.
func (f *Fleet) Resolve(
	ctx context.Context, file *manifest.File, shard secret.Shard, value func(variable string) (redact.String, error),
) (*Resolution, error) {
	v := &Resolution{
		fleet: f, file: file, shard: shard, stored: map[int]*storedToken{}, seen: map[placeKey]origin{}, spread: map[spreadKey]*Spread{},
		rotated: rotatedBy(file),
	}
	values := v.values(value)
	if len(v.faults) > 0 { // before any request
		return nil, errors.Join(v.faults...)
	}
	for i := range file.Secrets {
		if mint := file.Secrets[i].Mint; mint != nil {
			v.stored[i] = &storedToken{fleet: f, file: file, scope: mint, mu: newCtxMutex()}
			// What its patterns mean is known before anything is written; a
			// list that could not be read fails the targets when the token is
			// made.
			if _, err := f.scopeOf(ctx, file, mint); errors.As(err, new(*manifest.Fault)) {
				v.faults = append(v.faults, err)
			}
		}
		for t := range file.Secrets[i].To {
			v.target(ctx, i, &file.Secrets[i].To[t], values[i])
		}
	}
	return v, errors.Join(v.faults...)
}

// values reads the values of the manifest's secrets. Those that are minted have
// none yet.
func (v *Resolution) values(read func(variable string) (redact.String, error)) []redact.String {
	values := make([]redact.String, len(v.file.Secrets))
	for i := range v.file.Secrets {
		entry := &v.file.Secrets[i]
		if entry.Mint != nil {
			if v.fleet.byToken() {
				v.fault(entry.Position, "from: mint needs an App, and the step has a token", "give the step client-id and private-key")
			}
			continue
		}
		var err error
		if values[i], err = read(entry.Variable); err != nil {
			v.fault(entry.Position, entry.Name+": "+err.Error(), fault.Hint(err))
		} else if err := secret.Check(entry.Name, values[i]); err != nil {
			v.fault(entry.Position, err.Error(), fault.Hint(err))
		}
	}
	return values
}

func (v *Resolution) fault(at manifest.Position, problem, hint string) {
	v.faults = append(v.faults, v.file.Fault(at, problem, hint))
}

// target adds the places of one target of a secret.
func (v *Resolution) target(ctx context.Context, i int, t *manifest.Target, value redact.String) {
	entry := &v.file.Secrets[i]
	one := secret.Wanted{Name: entry.Name, Value: value, CreateEnvironment: t.CreateEnvironments}
	if stored := v.stored[i]; stored != nil {
		one.Fresh, one.ValueFunc = true, stored.token
	}
	if t.Organization != "" {
		v.organization(ctx, origin{i, t}, one)
		return
	}
	v.repositories(ctx, origin{i, t}, one)
}

// repositories adds the places of a target that lists repositories.
func (v *Resolution) repositories(ctx context.Context, from origin, one secret.Wanted) {
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

// organization adds the places of a target that is an organization.
func (v *Resolution) organization(ctx context.Context, from origin, one secret.Wanted) {
	t := from.target
	access, err := v.fleet.Access(ctx, v.file, t.Organization, t.Visibility, t.Selected)
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
			v.fleet.config.Warning(fmt.Errorf("%s for %s is left as it is: %w", one.Name, one.Place, err))
			v.seen[keyOf(one.Place, one.Name)] = from
		case err != nil:
			v.fail(one, err)
		default:
			v.add(from, one)
		}
	}
}

// places lists the places of one repository.
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

func (v *Resolution) fail(one secret.Wanted, err error) {
	v.Failed = append(v.Failed, secret.Result{Place: one.Place, Name: one.Name, Outcome: secret.Failed, Err: err})
}

// add takes a secret that is wanted at one place, unless another entry of the
// manifest wants it there too.
func (v *Resolution) add(from origin, one secret.Wanted) {
	key := keyOf(one.Place, one.Name)
	if before, twice := v.seen[key]; twice {
		if before.entry != from.entry || !before.agrees(from) {
			v.fault(from.target.Position, fmt.Sprintf("%s for %s is also on line %d", one.Name, one.Place, before.target.Line),
				"let one target name it; ! leaves a repository out of a pattern")
		}
		return // the same entry matched it twice
	}
	v.seen[key] = from
	v.noteSpread(from.entry, &one)
	if line, rotated := v.rotated[key]; rotated {
		v.fault(from.target.Position, fmt.Sprintf("%s for %s is stored by the rotation of line %d", one.Name, one.Place, line),
			"let one of the two write it")
	}
	if !v.shard.Owns(one.Place) {
		return
	}
	v.Wanted = append(v.Wanted, one)
}

// agrees reports whether two targets want the same where they meet.
func (o origin) agrees(other origin) bool {
	a, b := o.target, other.target
	return a.CreateEnvironments == b.CreateEnvironments && a.Visibility == b.Visibility && a.Selected.String() == b.Selected.String()
}

// rotatedBy returns the secrets that the rotations of a manifest write. Sync
// would take their changes for somebody else's.
func rotatedBy(file *manifest.File) map[placeKey]int {
	all := map[placeKey]int{}
	for i := range file.Rotations {
		for _, s := range file.Rotations[i].Store {
			at := secret.Place{Owner: s.Owner + s.Organization, Repository: s.Repository, Environment: s.Environment}
			for _, app := range s.Apps {
				at.App = app
				all[keyOf(at, s.Secret)] = file.Rotations[i].Line
			}
		}
	}
	return all
}

// IsWanted reports whether the manifest wants a secret at a place, in any shard
// or as a value that a rotation stores. A rotation that has yet to store its
// value must find the one that sync wrote before.
func (v *Resolution) IsWanted(at secret.Place, name string) bool {
	key := keyOf(at, name)
	_, wanted := v.seen[key]
	_, rotated := v.rotated[key]
	return wanted || rotated
}
