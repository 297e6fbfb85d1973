package fleet

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

// scope returns what the token of a lease has to open: all that was announced,
// except what the App is known not to have.
func (f *Fleet) scope(l *lease) githubapp.Scope {
	scope := githubapp.Scope{Permissions: map[string]string{}}
	for name, level := range l.permissions {
		if f.missingLevel(l, name) == "" {
			scope.Permissions[name] = level
		}
	}
	if scope.AllRepositories = opensAll(l.kind); scope.AllRepositories {
		return scope // for an organization it opens their names, and nothing in them
	}
	for _, name := range slices.Sorted(maps.Values(l.repositories)) {
		if _, absent := f.absent(l, name); !absent {
			scope.Repositories = append(scope.Repositories, name)
		}
	}
	if n := len(scope.Repositories); n > githubapp.MaxRepositories {
		f.config.Info("%s: %d repositories are more than the %d that a token can name, so it opens all of the installation, with %s",
			l.owner.name, n, githubapp.MaxRepositories, wording.Names(permission.Set(scope.Permissions).Lines()))
		scope.AllRepositories, scope.Repositories = true, nil
	}
	return scope
}

// noteLacking notes the permissions that the installation does not have. GitHub
// refuses a token that asks for one of them. Without them, only the calls that
// take them fail.
func (f *Fleet) noteLacking(l *lease, i githubapp.Installation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, level := range l.permissions {
		if missing, _ := permission.Compare(permission.Set{name: level}, i.Permissions); len(missing) > 0 && len(i.Permissions) > 0 {
			l.lacking[name] = level
		}
	}
}

// missingLevel returns the level of a permission that the installation lacks,
// or "" if it has the permission.
func (f *Fleet) missingLevel(l *lease, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return l.lacking[name]
}

// leaveOut notes the repositories that the App does not reach, and reports
// whether a token without them is worth another try.
func (f *Fleet) leaveOut(l *lease, have []githubapp.Repository) bool {
	known := map[string]bool{}
	for _, r := range have {
		known[strings.ToLower(r.Name)] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(l.absent)
	for key := range l.repositories {
		if !known[key] {
			l.absent[key] = ""
		}
	}
	return len(l.absent) > before && len(l.absent) < len(l.repositories)
}

// absent reports whether the App is known not to reach a repository. The hint
// is empty unless it is known under another name.
func (f *Fleet) absent(l *lease, repository string) (hint string, absent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hint, absent = l.absent[strings.ToLower(repository)]
	return hint, absent
}

// maxRenamed is how many of the repositories that the App does not reach are
// looked up to find their new names.
const maxRenamed = 10

// findRenamed looks up which absent repositories were renamed.
func (f *Fleet) findRenamed(ctx context.Context, l *lease, i githubapp.Installation) {
	f.mu.Lock()
	absent := slices.Sorted(maps.Keys(l.absent))
	f.mu.Unlock()
	for _, key := range absent[:min(len(absent), maxRenamed)] {
		hint := l.owner.app.Renamed(ctx, i, githubapp.Target{Owner: l.owner.name, Repository: l.repositories[key]})
		f.mu.Lock()
		l.absent[key] = hint
		f.mu.Unlock()
	}
}
