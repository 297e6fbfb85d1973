package cli

import (
	"fmt"
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
	names := wording.Names(m.repositories())
	if names == "" {
		names = m.place()
	}
	r.Info("minted a token for %s: %s; expires at %s",
		names, strings.Join(permission.Set(m.Token.Permissions).Lines(), ", "), wording.Clock(m.Token.ExpiresAt))
	if err := r.Summary(m.summary()); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
}

// summary returns the job summary of a mint.
func (m minted) summary() string {
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
	granted := markdown.Codes(permission.Set(m.Token.Permissions).Lines())
	rows := [][2]string{
		{"App", markdown.Code(app) + ", installation " + strconv.FormatInt(m.Installation.ID, 10) + " on " + markdown.Code(m.place())},
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
	var b strings.Builder
	b.WriteString("#### Token for " + markdown.Code(m.place()) + "\n\n| | |\n|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	b.WriteString("\n")
	return b.String()
}

// inherited returns the warning about a token that was asked for without
// permissions.
func (m minted) inherited() string {
	return fmt.Sprintf("no permissions asked for: the token inherits all %d of the installation. "+
		"Keep the lines that the job needs:\n\npermissions: |\n%s",
		len(m.Token.Permissions), indented(permission.Set(m.Token.Permissions).YAML()))
}
