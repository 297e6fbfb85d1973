package cli

import (
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// renamed are names that people bring along: of the inputs of other actions that mint
// tokens, and of what an input like it would be called. Each has the input that it is
// here, or else what to do, and the value for which it asks for what happens anyway.
// An input that an action does not declare would be ignored, and its default stand in:
// for all repositories, or for all permissions.
//
// The actions are tibdex/github-app-token, peter-murray/workflow-application-token-action,
// getsentry/action-github-app-token and navikt/github-app-token-generator, in all their
// versions. Names that only write underscores for dashes need no line here.
var renamed = map[string]struct{ ours, cure, fine string }{
	"application-id":                 {ours: "app-id"},
	"github-app-id":                  {ours: "app-id"},
	"application-private-key":        {ours: "private-key"},
	"github-app-private-key":         {ours: "private-key"},
	"app-private-key":                {ours: "private-key"},
	"base64-pem-key":                 {ours: "private-key"},
	"pem":                            {ours: "private-key"},
	"key":                            {ours: "private-key"},
	"organization":                   {ours: "owner"},
	"org":                            {ours: "owner"},
	"repository":                     {ours: "repositories"},
	"repository-ids":                 {ours: "repositories", cure: "name them in repositories; ids are not taken"},
	"repo":                           {ours: "repositories"},
	"repos":                          {ours: "repositories"},
	"repo-name":                      {ours: "repositories"},
	"installation-retrieval-mode":    {ours: "owner", cure: "leave it out, and give owner, repositories or installation-id"},
	"installation-retrieval-payload": {ours: "owner", cure: "leave it out, and give owner, repositories or installation-id"},
	"scope":                          {ours: "scopes", cure: ownerOrScopes},
	"github-api-base-url":            {ours: "github-api-url"},
	"api-url":                        {ours: "github-api-url"},
	"revoke":                         {ours: "skip-token-revoke", cure: revokedAnyway, fine: "true"},
	"revoke-token":                   {ours: "skip-token-revoke", cure: revokedAnyway, fine: "true"},
	"https-proxy":                    {ours: "github-api-url", cure: "set the variable HTTPS_PROXY in the step's env:"},
	"ignore-environment-proxy":       {ours: "github-api-url", cure: "set the variable NO_PROXY in the step's env:", fine: "false"},
}

// ownerOrScopes is the cure for a name that means two things.
const ownerOrScopes = "it is scopes here; where scope named an owner, as for getsentry/action-github-app-token, it is owner"

// revokedAnyway is the cure where another action has to be told to revoke.
const revokedAnyway = "a token is revoked when the job ends, unless skip-token-revoke: true says not to"

// noDryRun is the cure where a dry run is asked of an action that has none. Somebody
// believes that nothing will be done. Other inputs of other actions of ours are left
// alone: a shell may hold those of several commands.
const noDryRun = "this action has no dry run: only sync and rotate have"

// checkNames notes each input whose name shows that it was meant for this action,
// which does not have it. Variables of that form that people set for themselves are
// left alone.
func checkNames(r *actions.Runner, in *actions.Inputs) {
	for _, given := range in.Undeclared() {
		cure := cureOf(r, in, given)
		if cure == "" {
			continue
		}
		if redact.MayBeSecret(given.Value) { // the key, or a token
			r.Mask(actions.Lines(redact.New(given.Value))...)
		}
		in.Fault(actions.Speakable(given.Name, "of another name"), "is no input of this action", cure)
	}
}

// cureOf tells what to do about a name that is not declared; empty for a name that is
// somebody's own, or of a permission, which the mint reads itself.
func cureOf(r *actions.Runner, in *actions.Inputs, given actions.Given) string {
	name := given.Name
	plain := actions.Dashed(name)
	if word, ok := strings.CutPrefix(plain, "permissions-"); ok && in.Declares("permission-check") && isPermission(word, given.Value) {
		return "a single permission is permission-" + actions.Speakable(word, "…") + " here"
	}
	if strings.HasPrefix(plain, "permission-") && plain != "permission-check" {
		return "" // the mint reads it, and nobody else
	}
	if known, ok := renamed[plain]; ok && in.Declares(known.ours) {
		switch {
		case known.fine != "" && strings.EqualFold(strings.TrimSpace(given.Value), known.fine):
			return ""
		case known.cure != "":
			return known.cure
		}
		return called(r, in, name, known.ours)
	}
	if plain == "dry-run" && !in.Declares(plain) && !strings.EqualFold(strings.TrimSpace(given.Value), "false") {
		return noDryRun
	}
	if ours := in.Meant(name); ours != "" {
		return called(r, in, name, ours)
	}
	return ""
}

// isPermission reports whether a name and a value were meant for a permission: one of
// the two is of its kind. A file or a mode of permissions is somebody's own.
func isPermission(name, value string) bool {
	_, known := permission.Lookup(permission.Name(name))
	return known || permission.IsLevel(value)
}

// called says what an input is called. A variable that a shell exports can't have a
// dash in its name, so that is where most underscores come from without a runner.
func called(r *actions.Runner, in *actions.Inputs, name, ours string) string {
	if in.Declares(name) { // it is only the variable that is in small letters
		return "write its variable in capitals: INPUT_" + strings.ToUpper(ours)
	}
	if !r.Present() && strings.Contains(ours, "-") {
		variable := "INPUT_" + strings.ToUpper(ours)
		return "it is called " + ours + " here; a shell sets it with env '" + variable + "=…' valetkey …, since export takes no dashes"
	}
	return "it is called " + ours + " here"
}
