package cli

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/markdown"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

// describe tells the log and the job summary everything about the token except
// its value.
func (m minted) describe(r *actions.Runner) {
	r.Info("%s", m.line())
	if m.NoSummary {
		return
	}
	if err := r.Summary(m.summary(r.Warned())); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
}

// line says in one line what the token opens.
func (m minted) line() string {
	names := wording.Names(m.repositories())
	if names == "" {
		names = m.place()
	}
	return fmt.Sprintf("minted a token for %s: %s; expires at %s",
		names, strings.Join(permission.Set(m.Token.Permissions).Lines(), ", "), wording.Clock(m.Token.ExpiresAt))
}

// summary returns the job summary of a mint: one line, under which the rest is
// folded unless there is a warning to go with it.
func (m minted) summary(open bool) string {
	fold := "<details>"
	if open {
		fold = "<details open>"
	}
	var b strings.Builder
	b.WriteString(fold + "<summary>" + m.headline() + "</summary>\n\n| | |\n|---|---|\n")
	for _, row := range m.rows() {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	b.WriteString("\n</details>\n\n")
	return b.String()
}

// headline returns the one line of the job summary, in HTML: what the token
// opens, what it may do there, and until when.
func (m minted) headline() string {
	const listed = 3 // more are counted
	place := markdown.HTML(m.place())
	if names := m.repositories(); len(names) > listed {
		place = fmt.Sprintf("%s repositories of %s", wording.Number(len(names)), place)
	} else if len(names) > 0 {
		place = strings.Join(markdown.HTMLs(names), ", ")
	}
	granted := permission.Set(m.Token.Permissions)
	if len(granted) > 1 { // every token has it
		granted = maps.Clone(granted)
		delete(granted, "metadata")
	}
	may := fmt.Sprintf("%d permissions", len(granted))
	if len(granted) <= listed {
		may = strings.Join(markdown.HTMLs(granted.Lines()), ", ")
	}
	end := "ends with the job"
	if m.KeepToken {
		end = "lives until " + wording.Clock(m.Token.ExpiresAt)
	}
	return "Token for " + place + ": " + may + "; " + end
}

// rows returns what the job summary has folded: names and their texts, in
// Markdown.
func (m minted) rows() [][2]string {
	app := m.Installation.AppSlug
	if app == "" {
		app = m.Issuer
	}
	end := "revoked when the job ends"
	if m.KeepToken {
		end = "not revoked: `skip-token-revoke` is set"
	}
	reach := markdown.Codes(wording.Shortened(m.repositories()))
	if len(reach) == 0 {
		reach = []string{"none of its own"}
	}
	id := strconv.FormatInt(m.Installation.ID, 10)
	granted := markdown.Codes(permission.Set(m.Token.Permissions).Lines())
	rows := [][2]string{
		{"App", markdown.Code(app) + ", installation " + id + " on " + markdown.Code(m.place())},
		{"Repositories", strings.Join(reach, ", ")},
		{"Permissions", strings.Join(granted, ", ")},
	}
	for _, n := range m.Asked.Needs {
		rows = append(rows, [2]string{"… for " + markdown.Code(n.From), strings.Join(markdown.Codes(n.Permissions.Lines()), ", ")})
	}
	rows = append(rows, [][2]string{
		{"Expires", m.Token.ExpiresAt.Format("2006-01-02 15:04 UTC") + ", " + end},
		{"Audit log", "`hashed_token:" + githubapp.Hash(m.Token.Value) + "`"},
	}...)
	if m.couldSkipLookup() {
		saves := "`installation-id: " + id + "` saves the request that looks it up; `app-slug` is empty then"
		rows = append(rows, [2]string{"Faster", saves})
	}
	return rows
}

// couldSkipLookup reports whether the input installation-id would save a
// request. A token for all repositories takes one that reads the installation
// instead, git one for the App's name, and an account that was renamed one for
// whether the two are the same.
func (m minted) couldSkipLookup() bool {
	asked := m.Target.Owner + m.Target.Enterprise
	return m.InstallationID == 0 && !m.Scope.AllRepositories && !m.JobEnv.wantsBot() &&
		strings.EqualFold(m.Installation.Account, asked)
}

// inherited returns the warning about a token that was asked for without
// permissions.
func (m minted) inherited() string {
	return fmt.Sprintf("no permissions asked for: the token inherits all %d of the installation. "+
		"Keep the lines that the job needs:\n\npermissions: |\n%s",
		len(m.Token.Permissions), indented(permission.Set(m.Token.Permissions).YAML()))
}
