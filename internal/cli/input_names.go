package cli

import (
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// renamed holds the input names that people bring along from other actions that
// mint tokens, or that they would guess. Each leads to the name of the input
// here or to a hint, and some have the value that asks for the default anyway.
// An input that an action does not declare would be ignored and its default
// used instead: all repositories, or all permissions.
//
// The actions are tibdex/github-app-token,
// peter-murray/workflow-application-token-action,
// getsentry/action-github-app-token and navikt/github-app-token-generator, in
// all their versions. Names that only write underscores instead of dashes need
// no line here.
var renamed = map[string]struct{ ours, hint, fine string }{
	"application-id":                 {ours: "app-id"},
	"github-app-id":                  {ours: "app-id"},
	"application-private-key":        {ours: "private-key"},
	"github-app-private-key":         {ours: "private-key"},
	"app-private-key":                {ours: "private-key"},
	"base64-pem-key":                 {ours: "private-key"},
	"pem":                            {ours: "private-key"},
	"organization":                   {ours: "owner"},
	"org":                            {ours: "owner"},
	"repository":                     {ours: "repositories"},
	"repository-ids":                 {ours: "repositories", hint: "name them in repositories; ids are not taken"},
	"repo":                           {ours: "repositories"},
	"repos":                          {ours: "repositories"},
	"repo-name":                      {ours: "repositories"},
	"installation-retrieval-mode":    {ours: "owner", hint: "leave it out, and give owner, repositories or installation-id"},
	"installation-retrieval-payload": {ours: "owner", hint: "leave it out, and give owner, repositories or installation-id"},
	"scope":                          {ours: "scopes", hint: ownerOrScopes},
	"github-api-base-url":            {ours: "github-api-url"},
	"api-url":                        {ours: "github-api-url"},
	"revoke":                         {ours: "skip-token-revoke", hint: revokedAnyway, fine: "true"},
	"revoke-token":                   {ours: "skip-token-revoke", hint: revokedAnyway, fine: "true"},
	"https-proxy":                    {ours: "github-api-url", hint: "set the variable HTTPS_PROXY in the step's env:"},
	"role-to-assume":                 {ours: "aws-role-to-assume"},
	"workload-identity-provider":     {ours: "gcp-workload-identity-provider"},
	"service-account":                {ours: "gcp-service-account"},
	"tenant-id":                      {ours: "azure-tenant-id"},
	"audience":                       {ours: "oidc-audience"},
	"ignore-environment-proxy":       {ours: "github-api-url", hint: "set the variable NO_PROXY in the step's env:", fine: "false"},
}

// ownerOrScopes is the hint for a name with two meanings.
const ownerOrScopes = "it is scopes here; where scope named an owner, as for getsentry/action-github-app-token, it is owner"

// revokedAnyway is the hint for people whose former action had to be told to
// revoke.
const revokedAnyway = "a token is revoked when the job ends, unless skip-token-revoke: true says not to"

// onlySigns is the hint for the URI of a key where an envelope is to be opened.
const onlySigns = "a key that only signs opens nothing: encrypt to recipients or with a passphrase, and give " +
	"identity or passphrase here; a private key itself is private-key, and its file private-key-file"

// noDryRun is the hint where a dry run is asked of an action that has none:
// somebody believes that nothing will be done. Inputs of our other actions are
// left alone, because one shell may hold those of several commands.
const noDryRun = "this action has no dry run: only sync and rotate have"

// checkNames notes a fault for each variable whose name shows that it was meant
// as an input of this action, which has no such input. It leaves other
// variables alone.
func checkNames(r *actions.Runner, in *actions.Inputs) {
	for _, given := range in.Undeclared() {
		hint := hintOf(r, in, given)
		if hint == "" {
			continue
		}
		if redact.MayBeSecret(given.Value) { // it may be the key, or a token
			r.Mask(actions.LongLines(redact.New(given.Value))...)
		}
		in.Fault(actions.DisplayName(given.Name, "of another name"), "is not an input of this action", hint)
	}
}

// hintOf returns the hint for an undeclared name. It returns "" for a name that
// belongs to somebody else, and for a permission, which the mint reads itself.
func hintOf(r *actions.Runner, in *actions.Inputs, given actions.Given) string {
	name := given.Name
	plain := actions.Dashed(name)
	if word, ok := strings.CutPrefix(plain, "permissions-"); ok && in.Declares("permission-check") && isPermission(word, given.Value) {
		return "a single permission is permission-" + actions.DisplayName(word, "…") + " here"
	}
	if strings.HasPrefix(plain, "permission-") && plain != "permission-check" {
		return "" // only the mint reads it
	}
	if known, ok := renamed[plain]; ok && in.Declares(known.ours) {
		switch {
		case known.fine != "" && strings.EqualFold(strings.TrimSpace(given.Value), known.fine):
			return ""
		case known.hint != "":
			return known.hint
		}
		return rightName(r, in, name, known.ours)
	}
	if plain == "key" && in.Declares("identity") {
		return onlySigns
	}
	if plain == "dry-run" && !in.Declares(plain) && !strings.EqualFold(strings.TrimSpace(given.Value), "false") {
		return noDryRun
	}
	if ours := in.Meant(name); ours != "" {
		return rightName(r, in, name, ours)
	}
	return ""
}

// isPermission reports whether a name and a value were meant as a permission,
// because one of the two is that of a permission. Somebody else's name may
// mention permissions too, of a file for example.
func isPermission(name, value string) bool {
	_, known := permission.Lookup(permission.Name(name))
	return known || permission.IsLevel(value)
}

// rightName returns the hint that names the right input. Without a runner, most
// underscores are there because a shell cannot export a variable with a dash in
// its name.
func rightName(r *actions.Runner, in *actions.Inputs, name, ours string) string {
	if in.Declares(name) { // only its variable is written in small letters
		return "write its variable in capitals: INPUT_" + strings.ToUpper(ours)
	}
	if !r.OnRunner() && strings.Contains(ours, "-") {
		variable := "INPUT_" + strings.ToUpper(ours)
		return "it is called " + ours + " here; a shell sets it with env '" + variable + "=…' valetkey …, since export takes no dashes"
	}
	return "it is called " + ours + " here"
}
