package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/secret"
)

func repositoryPlace(repository string) secret.Place {
	return secret.Place{Owner: "acme", Repository: repository, App: "actions"}
}

// Results that are alike at many places are one line, unusual lines come first,
// and a failure appears once with its places.
func TestGroups(t *testing.T) {
	var all groups
	for i := range 10_000 {
		for _, name := range []string{"A", "B", "C"} {
			all.add(secret.Result{Place: repositoryPlace(fmt.Sprintf("r%05d", i)), Name: name, Outcome: secret.Unchanged})
		}
	}
	refused := func(repository, request string) error {
		return fmt.Errorf("write A to acme/%s: GitHub answered 403: no (request %s) (tried 2 times in 1m3s)", repository, request)
	}
	for i, name := range []string{"web", "api", "infra", "docs", "app", "core"} {
		all.add(secret.Result{Place: repositoryPlace(name), Name: "D", Outcome: secret.Failed, Err: refused(name, fmt.Sprint(i))})
	}
	changed := func(name, at string) secret.Result {
		return secret.Result{Place: repositoryPlace(name), Name: "E", Outcome: secret.Updated, Reason: "changed by somebody else, at " + at}
	}
	all.add(changed("web", "2026-11-20T01:02:03Z"))
	all.add(changed("api", "2026-11-21T01:02:03Z"))
	all.add(secret.Result{Place: repositoryPlace("x"), Name: "F", Outcome: secret.Deleted, Reason: "no longer in the manifest"})
	all.add(secret.Result{Place: repositoryPlace("x"), Name: "G", Outcome: secret.Unchanged, Reason: "left"})
	all.add(secret.Result{Place: secret.Place{Owner: "acme", App: "actions"}, Name: "H", Outcome: secret.Created, Reason: "not there"})

	var got []string
	for _, g := range all.inOrder() {
		got = append(got, g.line(true))
	}
	want := []string{
		"failed    D for acme/api, acme/app, acme/core and 3 more: write A to …: GitHub answered 403: no",
		"delete    F for acme/x: no longer in the manifest",
		"create    H for organization acme: not there",
		"update    E for acme/api, acme/web: changed by somebody else, at …",
		"unchanged G for acme/x: left",
		"unchanged A for acme/r00000, acme/r00001, acme/r00002 and 9,997 more",
		"unchanged B for acme/r00000, acme/r00001, acme/r00002 and 9,997 more",
		"unchanged C for acme/r00000, acme/r00001, acme/r00002 and 9,997 more",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text := groupError{all.inOrder()[0]}.Error()
	if text != "D for acme/web: write A to acme/web: GitHub answered 403: no (request 0) (tried 2 times in 1m3s) "+
		"(and so for acme/api, acme/app, acme/core and 2 more)" {
		t.Error(text)
	}
}

// Failures that differ in more than the place are separate lines, and so are
// other results that differ.
func TestGroupsDoNotMixReasons(t *testing.T) {
	var all groups
	for _, err := range []string{"GitHub answered 403: no", "GitHub answered 404: no", "GitHub answered 403: archived"} {
		for _, name := range []string{"api", "web"} {
			all.add(secret.Result{Place: repositoryPlace(name), Name: "A", Outcome: secret.Failed, Err: errors.New(err)})
		}
	}
	all.add(secret.Result{Place: repositoryPlace("api"), Name: "B", Outcome: secret.Failed, Err: errors.New("GitHub answered 403: no")})
	if n := len(all.inOrder()); n != 4 {
		t.Errorf("%d groups", n)
	}
	for _, g := range all.inOrder() {
		if strings.Contains(g.line(false), "…") {
			t.Error(g.line(false))
		}
	}
}
