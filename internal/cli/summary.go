package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
)

// shownRepositories is how many a summary names; a token may reach 500.
const shownRepositories = 20

// describe tells the log and the job summary what the token is: everything but
// the token.
func describe(r *actions.Runner, req mintRequest, installation githubapp.Installation, token githubapp.Token) {
	names := strings.Join(shortened(repositories(req, token)), ", ")
	if names == "" {
		names = req.Target.String()
	}
	r.Info("minted a token for %s: %s; expires at %s", names, strings.Join(levels(token.Permissions), ", "), clockTime(token.ExpiresAt))
	if err := r.Summary(mintSummary(req, installation, token)); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
}

// mintSummary renders the summary of a mint.
func mintSummary(req mintRequest, installation githubapp.Installation, token githubapp.Token) string {
	app := installation.AppSlug
	if app == "" {
		app = req.Issuer
	}
	end := "revoked when the job ends"
	if req.KeepToken {
		end = "not revoked: `skip-token-revoke` is set"
	}
	reach := codes(shortened(repositories(req, token)))
	if len(reach) == 0 {
		reach = []string{"none of its own"}
	}
	granted := codes(levels(token.Permissions))
	rows := [][2]string{
		{"App", code(app) + ", installation " + strconv.FormatInt(installation.ID, 10) + " on " + code(target(req.Target))},
		{"Repositories", strings.Join(reach, ", ")},
		{"Permissions", strings.Join(granted, ", ")},
	}
	for _, n := range req.Wishes.Needs {
		rows = append(rows, [2]string{"… for " + code(n.From), strings.Join(codes(levels(n.Permissions)), ", ")})
	}
	rows = append(rows, [][2]string{
		{"Expires", token.ExpiresAt.Format("2006-01-02 15:04 UTC") + ", " + end},
		{"Audit log", "`hashed_token:" + githubapp.Hash(token.Value) + "`"},
	}...)
	var b strings.Builder
	b.WriteString("#### Token for " + code(target(req.Target)) + "\n\n| | |\n|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	b.WriteString("\n")
	return b.String()
}

// target names the account without the repository that led to it.
func target(t githubapp.Target) string {
	return githubapp.Target{Owner: t.Owner, Enterprise: t.Enterprise}.String()
}

// inherited warns of a token that was asked for without permissions.
func inherited(token githubapp.Token) string {
	return fmt.Sprintf("no permissions asked for: the token inherits all %d of the installation. Keep the lines that the job needs:\n\npermissions: |\n%s",
		len(token.Permissions), indented(permission.Set(token.Permissions).YAML()))
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// levels gives "contents: read" for each permission, sorted.
func levels(permissions map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(permissions)) {
		list = append(list, name+": "+permissions[name])
	}
	return list
}

func shortened(names []string) []string {
	if len(names) <= shownRepositories {
		return names
	}
	return append(slices.Clone(names[:shownRepositories]), fmt.Sprintf("and %d more", len(names)-shownRepositories))
}

func codes(names []string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, code(name))
	}
	return list
}

// code shows a name in Markdown. What could end the code span or the table's
// cell, or be read as HTML, is in no name that GitHub gives.
func code(name string) string {
	return "`" + strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("`|<>", r) {
			return '?'
		}
		return r
	}, name) + "`"
}
