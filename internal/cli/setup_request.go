//go:build !nodemo

package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/setup"
)

// setupFlags are the flags of setup, as they were given.
type setupFlags struct {
	Organization, For, Name, Manifest string
	Operations, Scopes, Permissions   string
	KeyFile, Store, VisibleTo         string
	Secret, Variable                  string
	API                               string
	Insecure, NoBrowser, Link         bool
}

func (f *setupFlags) declare(flags *flag.FlagSet) {
	flags.StringVar(&f.Organization, "organization", "", "the organization that owns the App; default: your own account")
	flags.StringVar(&f.For, "for", "mint", "the `action` that uses it: mint, sync, rotate or pats")
	flags.StringVar(&f.Operations, "operations", "", "what the job does, one a line, as for explain: \"git push\"")
	flags.StringVar(&f.Scopes, "scopes", "", "or: the scopes of the personal access token that it replaces")
	flags.StringVar(&f.Permissions, "permissions", "", "or: permissions by name, \"contents: write, issues: read\"; they add up")
	flags.StringVar(&f.Manifest, "manifest", "", "the `path` of the manifest of sync, rotate or pats: the App gets what that takes")
	flags.StringVar(&f.Name, "name", "", "the App's name; default: made of the action and the organization")
	flags.StringVar(&f.KeyFile, "key-file", "", "write the App's key to this new `file`, which only you can read")
	flags.StringVar(&f.Store, "store", "",
		"or: make it an Actions secret, and the client id a variable, of this `place`: OWNER/REPOSITORY or ORGANIZATION")
	flags.StringVar(&f.VisibleTo, "visible-to", "",
		"with -store ORGANIZATION: the `repositories` that see the secret, by name, or private, or all")
	flags.StringVar(&f.Secret, "secret", "", "with -store: the secret's `name`; default: "+defaultSecret)
	flags.StringVar(&f.Variable, "variable", "", "with -store: the variable's `name`; default: "+defaultVariable)
	flags.StringVar(&f.API, "github-api-url", f.API, "the REST API of the GitHub to make it at")
	flags.BoolVar(&f.Insecure, "insecure-http", false, "let the REST API be http on another machine: the key can be read on its way here")
	flags.BoolVar(&f.NoBrowser, "no-browser", false, "open no browser, only print the address")
	flags.BoolVar(&f.Link, "link", false, "make nothing: print a link to GitHub's form, filled in, for somebody who may make Apps")
}

// The names that README.md and explain use.
const (
	defaultSecret   = "APP_PRIVATE_KEY" //nolint:gosec // the name of a secret
	defaultVariable = "APP_CLIENT_ID"
)

// setupRequest is everything that setup needs, complete and checked.
type setupRequest struct {
	Plan        setup.Plan
	For         string
	Explanation explanation // of the permissions
	Notes       []string
	Manifest    string   // its path; empty for none
	Variables   []string // with a manifest for sync: those that hold the values of its secrets
	Host        host
	KeyFile     string
	Store       store
	NoBrowser   bool
	Link        bool
}

// parse checks the flags. It returns all that is wrong with them.
func (f *setupFlags) parse(r *actions.Runner) (setupRequest, error) {
	req := setupRequest{For: f.For, Manifest: f.Manifest, KeyFile: f.KeyFile, NoBrowser: f.NoBrowser, Link: f.Link}
	var faults []error
	wrong := func(flag, problem, hint string) { faults = append(faults, fault.New("-"+flag+" "+problem, hint)) }
	if f.Organization != "" && !isAccount(f.Organization) {
		wrong("organization", "is not the name of an organization", "give its login, such as acme")
	}
	if f.Name != "" && !isAppName(f.Name) {
		wrong("name", "is not a name for an App",
			fmt.Sprintf("give up to %d letters, digits, spaces, dots and dashes, or leave it out", maxAppName))
	}
	f.checkTogether(wrong)
	req.Host, req.Plan.Website = f.parseHost(r, wrong)
	req.Store = f.parseStore(wrong)
	req.Plan.Organization, req.Plan.Name = f.Organization, f.appName()
	req.Plan.Enterprise = strings.HasSuffix(req.Host.URL, "/api/v3/")
	if err := errors.Join(faults...); err != nil {
		return req, err
	}
	err := f.parsePermissions(r, &req)
	req.Plan.Permissions = req.Explanation.Permissions
	return req, err
}

// checkTogether notes the flags that contradict each other, or need another.
func (f *setupFlags) checkTogether(wrong func(flag, problem, hint string)) {
	switch {
	case f.Link && f.KeyFile+f.Store != "":
		wrong("link", "can't be used with -key-file or -store", "whoever follows the link gets the key, and stores it")
	case f.Link && f.NoBrowser:
		wrong("link", "can't be used with -no-browser", "it opens none")
	case f.KeyFile != "" && f.Store != "":
		wrong("store", "can't be used with -key-file", "give one place for the key")
	case !f.Link && f.KeyFile+f.Store == "":
		wrong("store", "or -key-file says where the App's key goes, and neither is given",
			"-store OWNER/REPOSITORY makes it a secret there; -key-file key.pem writes it to a new file; -link only prints a link")
	}
	for name, value := range map[string]string{"secret": f.Secret, "variable": f.Variable, "visible-to": f.VisibleTo} {
		if value != "" && f.Store == "" {
			wrong(name, "needs -store", "leave it out")
		}
	}
}

// maxAppName is the length of the longest name that GitHub takes.
const maxAppName = 34

var isAppName = nameCheck(maxAppName, alphanumeric+" ._-", " ._-", " ._-")

// appName returns the name of the App to ask for. Names are unique on a GitHub.
func (f *setupFlags) appName() string {
	whose := f.Organization
	if whose == "" {
		whose = strings.ToLower(rand.Text()[:8])
	}
	name := "valetkey-" + f.For + "-" + whose
	return cmp.Or(f.Name, strings.TrimRight(name[:min(len(name), maxAppName)], "-_"))
}

// parseHost returns the API and the website next to it.
func (f *setupFlags) parseHost(r *actions.Runner, wrong func(flag, problem, hint string)) (h host, web string) {
	read := githubapp.ParseURL
	if f.Insecure {
		read = githubapp.ParseInsecureURL
	}
	u, err := read(f.API)
	if err != nil {
		wrong("github-api-url", err.Error(), addressHint(err))
		return h, ""
	}
	if address.Plain(u) {
		r.Warning("insecure-http: traffic to %s is not encrypted, so anybody on the way there can read the App's key, and use it", u.Host)
	}
	return host{URL: u.String(), InsecureHTTP: f.Insecure}, website(r, u.String())
}

// parseStore reads where the key goes at GitHub.
func (f *setupFlags) parseStore(wrong func(flag, problem, hint string)) store {
	if f.Store == "" {
		return store{}
	}
	s := store{Secret: cmp.Or(f.Secret, defaultSecret), Variable: cmp.Or(f.Variable, defaultVariable)}
	owner, repository, isRepository := strings.Cut(f.Store, "/")
	s.At = secret.Place{Owner: owner, Repository: repository, App: "actions"}
	if !isAccount(owner) || redact.IsSecret(owner) || isRepository && !isRepositoryName(repository) {
		wrong("store", "is neither OWNER/REPOSITORY nor the name of an organization", "give one of them, such as acme/api")
	}
	for flag, name := range map[string]string{"secret": s.Secret, "variable": s.Variable} {
		if err := secret.CheckName(name); err != nil {
			wrong(flag, "is not a name: "+err.Error(), fault.Hint(err))
		}
	}
	switch names := strings.FieldsFunc(f.VisibleTo, func(c rune) bool { return c == ',' || c == ' ' }); {
	case isRepository && f.VisibleTo != "":
		wrong("visible-to", "is for the secret of an organization", "the secret of a repository is seen there alone: leave it out")
	case !isRepository && len(names) == 0:
		wrong("visible-to", "is needed with -store ORGANIZATION: it says who sees the key",
			"name the repositories that use the App, as in -visible-to api,web; or say private, or all")
	case f.VisibleTo == "private", f.VisibleTo == "all":
		s.Visibility = f.VisibleTo
	case slices.ContainsFunc(names, func(name string) bool { return !isRepositoryName(name) }):
		wrong("visible-to", "has what is not the name of a repository", "give names without the owner, as in -visible-to api,web")
	case !isRepository:
		s.Visibility, s.Repositories = "selected", names
	}
	return s
}

// parsePermissions finds out what the App has to have: what the manifest takes,
// or the least of the action, and what was asked for by name.
func (f *setupFlags) parsePermissions(r *actions.Runner, req *setupRequest) error {
	all := purposes()
	i := slices.IndexFunc(all, func(p purpose) bool { return p.Name == f.For })
	if i < 0 {
		return fault.New("-for is "+actions.Quote(f.For)+", which no App is for", "one of mint, sync, rotate, pats")
	}
	asked, faults := combine(f.Permissions, nil, f.Scopes, f.Operations)
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	switch p := all[i]; {
	case asked.All:
		return fault.New("-permissions: an App can't ask for all permissions", "name what the job needs")
	case p.Needs == nil && f.Manifest != "":
		return fault.New("-manifest is for -for sync, rotate or pats", "say what the job does with -operations, -scopes or -permissions")
	case p.Needs == nil && len(asked.Permissions) == 0:
		return fault.New("what the App is for is not said",
			"give -operations \"git push\", -scopes repo or -permissions \"contents: read\"; or -for sync, rotate or pats")
	case p.Needs != nil && f.Manifest == "":
		asked.Needs = append(asked.Needs, permission.Need{From: p.Name, Permissions: p.Least})
		req.Notes = append(req.Notes, p.Note)
	case p.Needs != nil:
		if err := req.readManifest(r, p, &asked); err != nil {
			return err
		}
	}
	asked.Permissions = permission.Cover(append(slices.Clone(asked.Needs), permission.Need{Permissions: asked.Explicit}))
	req.Explanation = explanation{permissionRequest: asked}
	req.Notes = append(req.Notes, permission.Unknown(asked.Permissions)...)
	return nil
}

// readManifest adds what a manifest takes.
func (req *setupRequest) readManifest(r *actions.Runner, p purpose, asked *permissionRequest) error {
	file, err := readManifest(r, req.Manifest)
	if err != nil {
		return err
	}
	needs, accounts := p.Needs(file)
	if len(needs) == 0 {
		return fault.New("-manifest: "+actions.Quote(req.Manifest)+" has nothing for "+p.Name, "give the manifest that the action will use")
	}
	asked.Needs = append(asked.Needs, needs...)
	if others := elsewhere(req.Plan.Organization, accounts); len(others) > 0 && req.Plan.Organization != "" {
		req.Notes = append(req.Notes, "the manifest is also about "+strings.Join(others, ", ")+
			", which an App of "+req.Plan.Organization+" does not reach: each account needs an App of its own")
	}
	for _, s := range file.Secrets {
		if p.Name == "sync" && s.Variable != "" && !slices.Contains(req.Variables, s.Variable) {
			req.Variables = append(req.Variables, s.Variable)
		}
	}
	return nil
}
