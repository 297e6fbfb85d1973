package rotate

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// app is where the fixture's first store is.
var app = fakegithub.Place{Owner: "acme", Repository: "app"}

// fill adds n secrets to a place.
func (f *fixture) fill(at fakegithub.Place, n int) {
	for i := range n {
		f.SetSecret(at, fakegithub.Secret{Name: fmt.Sprint("S", i), Value: "x"})
	}
}

// fillVariables adds as many variables to app as GitHub allows.
func (f *fixture) fillVariables() {
	for i := range maxVariables {
		f.must(http.MethodPost, "repos/acme/app/actions/variables", map[string]any{"name": fmt.Sprint("V", i), "value": "x"}, nil)
	}
}

func renamed(name string) func(*fixture) {
	return func(f *fixture) {
		f.RenameRepository("acme", name, "new")
		f.SkipOpenAPI = true // GitHub's description has no answer 301
	}
}

// changed applies a change to what GitHub answers about a repository of acme.
func changed(name string, change func(*repository)) func(apicall.Request) {
	return func(req apicall.Request) {
		if r, ok := req.Result.(*repository); ok && req.Repository == name {
			change(r)
		}
	}
}

func archive(r *repository) { r.Archived = true }

func disable(r *repository) { r.Disabled = true }

const cantRenew = "could not renew INFRA_KEY of acme/app: "

var blockedCases = []struct {
	name       string
	kind       int // of allKinds
	made       func(*fixture)
	answer     func(apicall.Request)
	want, hint string
}{
	{
		"full", 0, func(f *fixture) { f.fill(app, 100) }, nil, cantRenew + "acme/app has 100 secrets, and GitHub allows 100 there",
		"delete some that nothing reads any more, or store it elsewhere",
	},
	{"almost full", 0, func(f *fixture) { f.fill(app, 99) }, nil, "", ""},
	{
		"a full environment", 0, func(f *fixture) {
			f.fill(fakegithub.Place{Owner: "acme", Repository: "app", Environment: "production"}, 100)
		}, nil,
		"could not renew INFRA_KEY of acme/app, environment production: " +
			"acme/app, environment production has 100 secrets, and GitHub allows 100 there", "delete some",
	},
	{
		"a full organization", 0, func(f *fixture) { f.fill(fakegithub.Place{Owner: "acme"}, 1000) }, nil,
		"could not renew INFRA_KEY of organization acme: " +
			"organization acme has 1000 secrets, and GitHub allows 1000 there", "delete some",
	},
	{"no room for a variable", 3, (*fixture).fillVariables, nil, "acme/app has 500 variables, and GitHub allows 500 there", "delete some"},
	{
		"a store was renamed", 0, renamed("app"), nil,
		cantRenew + "acme/app was renamed to acme/new", "write the new name into the manifest",
	},
	{
		"the key's repository was renamed", 0, renamed("infra"), nil,
		"acme/infra was renamed to acme/new", "write the new name into the manifest",
	},
	{
		"the key's repository is archived", 0, nil, changed("infra", archive), "acme/infra is archived",
		"unarchive it, or take it out of the manifest",
	},
	{
		"the key's repository is disabled", 0, nil, changed("infra", disable), "acme/infra is disabled by GitHub",
		"look at its page on GitHub, or take it out of the manifest",
	},
	{
		"a store is disabled", 0, nil, changed("app", disable), cantRenew + "acme/app is disabled by GitHub",
		"look at its page on GitHub, or take it out of store",
	},
	{
		"the key's repository is out of reach", 0, func(f *fixture) { f.DeleteRepository("acme", "infra") }, nil,
		"list the deploy keys of acme/infra: GitHub answered 404: Not Found", "",
	},
	{
		"a store is out of reach", 0, func(f *fixture) { f.DeleteRepository("acme", "app") }, nil,
		cantRenew + "look at acme/app: GitHub answered 404: Not Found", "",
	},
}

// A dry run reports the errors that a run would end with, and neither makes
// anything.
func TestADryRunTellsWhatARunWouldDo(t *testing.T) {
	for _, test := range blockedCases {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			if test.made != nil {
				test.made(f)
			}
			r := allKinds(1)[test.kind]
			for _, dry := range []bool{true, false} {
				e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
					if req.Method != http.MethodGet && test.want != "" {
						t.Error(req.Op)
					}
					answer, err := f.call(ctx, req)
					if test.answer != nil {
						test.answer(req)
					}
					return answer, err
				})
				e.DryRun = dry
				got := f.run(e, r)[0]
				if test.want == "" {
					if want := map[bool]Outcome{true: Due, false: Rotated}[dry]; got.Outcome != want || got.Err != nil {
						t.Errorf("%+v", got)
					}
					continue
				}
				if line, _, _ := strings.Cut(fmt.Sprint(got.Err), "\n"); got.Outcome != Failed || line != test.want ||
					!strings.HasPrefix(hint(got.Err), test.hint) {
					t.Errorf("dry %t: %v\nhint: %s", dry, got.Err, hint(got.Err))
				}
			}
		})
	}
}

func TestCodespacesOfAnOrganizationHaveAHundredSecrets(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		at := fakegithub.Place{Owner: "acme", App: "codespaces"}
		f.fill(at, 99)
		for _, want := range []string{"", "organization acme (codespaces) has 100 secrets, and GitHub allows 100 there"} {
			r := allKinds(0)[2]
			r.Store = []manifest.Store{{Organization: "acme", Secret: fmt.Sprint("A", len(want)), Apps: []string{"codespaces"}}}
			if got := f.run(f.knowing(nil), r)[0]; (got.Err == nil) != (want == "") ||
				got.Err != nil && !strings.HasSuffix(got.Err.Error(), want) {
				t.Errorf("%v", got.Err)
			}
		}
	})
}

func TestAnAnswerWithoutACountFails(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			if strings.HasPrefix(req.Op, "count ") {
				return status(200), nil
			}
			return f.call(ctx, req)
		})
		got := f.run(e, allKinds(0)[2])[0]
		if got.Outcome != Failed || !strings.HasSuffix(got.Err.Error(),
			"count the secrets of acme/app, environment production: the answer has no count") {
			t.Errorf("%+v", got)
		}
	})
}

// The next rotation counts the secrets that an earlier one will add.
func TestRotationsOfOneRunShareTheRoom(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		f.fill(app, 99)
		one, two := allKinds(0)[2], allKinds(0)[2]
		one.Store = []manifest.Store{{Owner: "acme", Repository: "app", Secret: "ONE", Apps: []string{"actions"}}}
		two.Name, two.Store = "two", []manifest.Store{{Owner: "acme", Repository: "app", Secret: "TWO", Apps: []string{"actions"}}}
		for _, dry := range []bool{true, false} {
			e := f.knowing(nil)
			e.DryRun = dry
			got := f.run(e, one, two)
			if got[0].Err != nil || got[1].Outcome != Failed ||
				got[1].Err.Error() != "could not renew TWO of acme/app: acme/app has 100 secrets, and GitHub allows 100 there" {
				t.Errorf("dry %t: %v, %v", dry, got[0].Err, got[1].Err)
			}
		}
	})
}
