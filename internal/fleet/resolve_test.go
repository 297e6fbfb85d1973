package fleet

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

func parsed(t testing.TB, text string) *manifest.File {
	t.Helper()
	file, err := manifest.Parse("valetkey.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// firstLines lists the first line of each error with its hint.
func firstLines(err error) (list []string) {
	for _, e := range fault.List(err) {
		line, _, _ := strings.Cut(e.Error(), "\n")
		list = append(list, line+"; hint: "+fault.Hint(e))
	}
	return list
}

// newNamedFixture returns a fixture whose acme has r0, r1 and r2, of which r2
// is archived, and web, which has the topic shop.
func newNamedFixture(t testing.TB) *fixture {
	x := newFixture(t, 3)
	x.ArchiveRepository("acme", "r2", true)
	x.AddRepository(fakegithub.Repository{Owner: "acme", Name: "web", Private: true, Topics: []string{"shop"}})
	return x
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name, to string
		wanted   []string
		failed   []string
	}{
		{"by name", `{repositories: [acme/r1, acme/R0]}`, []string{"acme/R0", "acme/r1"}, nil},
		{"a pattern", `{repositories: ["acme/*"]}`, []string{"acme/r0", "acme/r1", "acme/web"}, nil},
		{"an exclusion", `{repositories: ["acme/*", "!acme/r?"]}`, []string{"acme/web"}, nil},
		{"a topic", `{repositories: ["topic:acme/shop"]}`, []string{"acme/web"}, nil},
		{"archived, by name", `{repositories: ["acme/w*", acme/r2]}`, []string{"acme/r2", "acme/web"}, nil},
		{"absent, by name", `{repositories: ["acme/w*", acme/gone]}`, []string{"acme/gone", "acme/web"}, nil},
		{"nothing, on purpose", `{repositories: ["acme/no*"], allow-empty: true}`, nil, nil},
		{"Apps", `{repositories: [acme/r0], apps: [actions, codespaces]}`, []string{"acme/r0", "acme/r0 (codespaces)"}, nil},
		{"environments", `{repositories: [acme/r0], environments: [a, b], create-environments: true}`, []string{
			"acme/r0, environment a, created", "acme/r0, environment b, created",
		}, nil},
		{"an organization", `{organization: acme, apps: [actions, dependabot]}`, []string{
			"organization acme", "organization acme (dependabot)",
		}, nil},
		{"for all", `{organization: acme, visibility: all}`, []string{"organization acme for all"}, nil},
		{"for some", `{organization: acme, visibility: selected, selected: ["acme/r?"]}`, []string{
			"organization acme for selected: r0 r1",
		}, nil},
		{"for an absent one", `{organization: acme, visibility: selected, selected: [acme/r0, acme/gone]}`, nil, []string{
			"organization acme: the App does not reach acme/gone, or it does not exist",
		}},
		{"for none in the end", `{organization: acme, visibility: selected, selected: [acme/r0, "!acme/r*"]}`, nil, []string{
			"organization acme: its list selects no repository: what one entry selects, another excludes",
		}},
		{"an owner without the App, by name", `{repositories: [globex/r7]}`, []string{"globex/r7"}, nil},
		{"an owner without the App, by pattern", `{repositories: ["globex/*", acme/r0]}`, []string{"acme/r0"}, []string{
			"globex/*: find the installation for globex: GitHub answered 404: Not Found",
		}},
		{"an owner without the App, and nothing of another", `{repositories: ["acme/no*", "globex/*"]}`, nil, []string{
			"globex/*: find the installation for globex: GitHub answered 404: Not Found",
		}},
		{"its organization", `{organization: globex, visibility: selected, selected: ["globex/*"]}`, nil, []string{
			"organization globex: find the installation for globex: GitHub answered 404: Not Found",
		}},
		{"twice by one entry", `{repositories: ["acme/r0", "acme/r*"]}, {repositories: ["acme/r1"]}`, []string{"acme/r0", "acme/r1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newNamedFixture(t)
			file := parsed(t, "secrets: [{name: VALUE, to: ["+c.to+"]}]")
			v, err := x.Resolve(t.Context(), file, secret.Shard{}, opensesame)
			if err != nil {
				t.Fatal(err)
			}
			var wanted, failed []string
			for _, w := range v.Wanted {
				wanted = append(wanted, x.worded(w))
				if w.Name != "VALUE" || w.Value.Reveal() != "opensesame-value" || w.Fresh || !v.IsWanted(w.Place, "value") {
					t.Errorf("%+v", w)
				}
			}
			for _, r := range v.Failed {
				text, _, _ := strings.Cut(r.Place.String()+": "+described(r.Err), "; hint: ")
				failed = append(failed, text)
			}
			if !slices.Equal(wanted, c.wanted) || !slices.Equal(failed, c.failed) {
				t.Errorf("wanted %q\nfailed %q", wanted, failed)
			}
			x.Close(t.Context())
			if x.alive() > 0 {
				t.Error("a token is alive")
			}
		})
	}
}

// worded describes a wanted secret.
func (x *fixture) worded(w secret.Wanted) string {
	text := w.String()
	if w.CreateEnvironment {
		text += ", created"
	}
	if w.Access == nil {
		return text
	}
	text += " for " + w.Access.Visibility
	for i, id := range w.Access.Repositories {
		for _, r := range []string{"r0", "r1", "r2", "web"} {
			if known, _ := x.Repository("acme", r); known.ID == id {
				text += map[bool]string{true: ": ", false: " "}[i == 0] + r
			}
		}
	}
	return text
}

// All faults of the manifest are reported at once, each with its place, and
// those of values before any request.
func TestResolveFaults(t *testing.T) {
	unset := func(variable string) (redact.String, error) {
		return redact.String{}, fault.New("the variable "+variable+" is not set", "set it")
	}
	long := func(string) (redact.String, error) { return redact.New(strings.Repeat("x", secret.MaxValue+1)), nil }
	const (
		one     = `secrets: [{name: VALUE, to: [{repositories: [acme/r1]}]}]`
		checkIt = "; hint: check the spelling, and which repositories the installation selects; " +
			"where it may select nothing, write allow-empty: true next to the list"
		letOne     = "; hint: let one target name it; ! leaves a repository out of a pattern"
		selectNone = " selects none of the 4 repositories of acme that the App reaches"
	)
	for _, c := range []struct {
		name, text string
		byToken    bool
		value      func(string) (redact.String, error)
		want       []string
		requests   bool
	}{
		{name: "no value", value: unset, text: `secrets:
  - {name: A, to: [{repositories: ["acme/*"]}]}
  - {name: B, from: env:C, to: [{repositories: [acme/r0]}]}
`, want: []string{
			"valetkey.yml:2:5: A: the variable A is not set; hint: set it", "valetkey.yml:3:5: B: the variable C is not set; hint: set it",
		}},
		{name: "a value that is too long", value: long, text: one, want: []string{
			"valetkey.yml:1:11: the value of VALUE has 49153 bytes, and GitHub allows 49152; " +
				"hint: keep large values in an encrypted file, and its passphrase in the secret",
		}},
		{name: "a mint without an App", byToken: true, text: storesToken, want: []string{
			"valetkey.yml:1:11: from: mint needs an App, and the step has a token; hint: give the step client-id and private-key",
		}},
		{name: "a pattern for nothing", requests: true, text: `secrets:
  - {name: VALUE, to: [{repositories: ["acme/r*", "acme/no*"]}]}
`, want: []string{
			"valetkey.yml:2:51: acme/no*" + selectNone + checkIt,
		}},
		{name: "archived ones", text: `secrets: [{name: VALUE, to: [{repositories: ["acme/*2"]}]}]`, requests: true, want: []string{
			"valetkey.yml:1:46: acme/*2" + selectNone + ", except archived ones (1), which only full names select" + checkIt,
		}},
		{name: "selected by a pattern for nothing", requests: true, text: `secrets:
  - {name: VALUE, to: [{organization: acme, visibility: selected, selected: ["acme/no*"]}]}
`, want: []string{"valetkey.yml:2:78: acme/no*" + selectNone + checkIt}},
		{name: "a mint for nothing", requests: true, text: strings.Replace(storesToken, "acme/r0", `"acme/no*"`, 1), want: []string{
			"valetkey.yml:1:55: acme/no*" + selectNone + checkIt,
		}},
		{name: "twice, once with its environment", text: `secrets:
  - name: VALUE
    to:
      - {repositories: [acme/r0], environments: [a], create-environments: true}
      - {repositories: [acme/r0], environments: [a]}
`, want: []string{"valetkey.yml:5:9: VALUE for acme/r0, environment a is also on line 4" + letOne}},
		{name: "twice, for others", requests: true, text: `secrets:
  - name: VALUE
    to:
      - {organization: acme, visibility: selected, selected: [acme/r0]}
      - {organization: acme, visibility: selected, selected: [acme/r1]}
`, want: []string{"valetkey.yml:5:9: VALUE for organization acme is also on line 4" + letOne}},
		{name: "twice", requests: true, text: `secrets:
  - {name: VALUE, to: [{repositories: ["acme/r*"]}]}
  - {name: value, from: env:VALUE, to: [{repositories: [acme/R1]}]}
`, want: []string{"valetkey.yml:3:41: value for acme/R1 is also on line 2" + letOne}},
		{name: "twice, and not alike", text: `secrets:
  - name: VALUE
    to:
      - {organization: acme}
      - {organization: acme, visibility: all}
`, want: []string{"valetkey.yml:5:9: VALUE for organization acme is also on line 4" + letOne}},
		{name: "rotated as well", text: one + `
rotations:
  - {name: w, random: {}, every: 90d, store: [{repository: acme/R1, secret: value}]}
`, want: []string{"valetkey.yml:1:30: VALUE for acme/r1 is stored by the rotation of line 3; hint: let one of the two write it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newNamedFixture(t)
			if c.byToken {
				x.use(t, Config{Token: redact.New("opensesame")})
			}
			if c.value == nil {
				c.value = opensesame
			}
			_, err := x.Resolve(t.Context(), parsed(t, c.text), secret.Shard{}, c.value)
			if diff := cmp.Diff(c.want, firstLines(err)); diff != "" {
				t.Error(diff)
			}
			if asked := len(x.Requests()) > 0; asked != c.requests {
				t.Errorf("%d requests", len(x.Requests()))
			}
			for _, e := range fault.List(err) {
				if !errors.As(e, new(*manifest.Fault)) {
					t.Errorf("%v is no fault of the manifest", e)
				}
			}
		})
	}
}

// A list that may be empty, and is, leaves a secret visible as it is.
func TestResolveEmptiesNobodysList(t *testing.T) {
	x := newNamedFixture(t)
	file := parsed(t, `secrets:
  - {name: VALUE, to: [{organization: acme, visibility: selected, selected: ["acme/no*"], allow-empty: true}]}
`)
	v, err := x.Resolve(t.Context(), file, secret.Shard{}, opensesame)
	if err != nil || len(v.Wanted)+len(v.Failed) > 0 || !v.IsWanted(secret.Place{Owner: "acme", App: "actions"}, "VALUE") {
		t.Errorf("%v; %d wanted, %d failed", err, len(v.Wanted), len(v.Failed))
	}
	const want = "warning: VALUE for organization acme is left as it is: " +
		"its list selects no repository today, and a list is not emptied for that"
	if !slices.Equal(x.told, []string{want}) {
		t.Errorf("told %q", x.told)
	}
}

// With a token of another owner a pattern matches nothing, and that is an
// error.
func TestResolveByTokenOfAnotherOwner(t *testing.T) {
	x := newFixture(t, 2)
	x.announce(1)
	if err := x.look0(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.use(t, Config{Token: redact.New(x.Tokens()[0].Value)})
	v := x.resolve(t, `secrets: [{name: VALUE, to: [{repositories: ["acme/*", "globex/*"]}]}]`)
	if len(v.Wanted) != 1 || len(v.Failed) != 1 || described(v.Failed[0].Err) != "the token reaches no repository of globex; "+
		"hint: pass one of an installation there, or the App itself, which has an installation for each owner" {
		t.Errorf("%+v, %+v", v.Wanted, v.Failed)
	}
}
