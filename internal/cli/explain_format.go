package cli

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
)

// explanation is everything that the command prints.
type explanation struct {
	permissionRequest
	Policy *githubapp.Policy // of -message; nil if that is not given

	Token *githubapp.Inspection // of -token-from-env; nil if that is not given
	Asked time.Time             // when GitHub was asked, by its clock
	Notes []string              // why some of its scopes are left out
}

// formats are the ways to print it.
var formats = map[string]func(explanation) string{
	"table": explanation.table,
	"yaml":  explanation.yaml,
	"json":  explanation.json,
}

// describeToken describes a token, line by line. The time now is by GitHub's
// clock.
func describeToken(i githubapp.Inspection, now time.Time) string {
	expires := "never, or GitHub does not say"
	if !i.ExpiresAt.IsZero() {
		expires = i.ExpiresAt.Format("2006-01-02 15:04 UTC") + ", in " + ago(i.ExpiresAt.Sub(now))
	}
	rows := [][2]string{{"kind", cmp.Or(i.Kind, "unknown")}, {"belongs to", i.Login}}
	if i.Classic {
		rows = append(rows, [2]string{"scopes", cmp.Or(strings.Join(i.Scopes, ", "), "none: public data only")})
	} else {
		rows = append(rows, [2]string{"scopes", "none: this kind has permissions, which GitHub does not show; " +
			"name what it is used for with --operations"})
	}
	rows = append(rows, [2]string{"expires", expires})
	if i.SSO != "" {
		rows = append(rows, [2]string{"single sign-on", i.SSO})
	}
	return columns(rows)
}

// describePolicy describes what a refusal means, line by line.
func describePolicy(p githubapp.Policy) string {
	rows := [][2]string{{"it means", p.Means}, {"who changes it", p.Who}}
	for i, do := range p.Do {
		rows = append(rows, [2]string{[]string{"what to do", ""}[min(i, 1)], do})
	}
	return columns(rows)
}

// aside returns what the YAML format has no room for.
func (e explanation) aside() string {
	var b strings.Builder
	if e.Policy != nil {
		b.WriteString(describePolicy(*e.Policy) + "\n")
	}
	if e.Token != nil {
		b.WriteString(describeToken(*e.Token, e.Asked) + "\n")
	}
	for _, note := range append(e.Notes, e.Notices...) {
		b.WriteString("note: " + note + "\n")
	}
	return b.String()
}

// table shows which permissions each scope and operation takes, and their sum.
func (e explanation) table() string {
	var b strings.Builder
	if e.Policy != nil {
		b.WriteString(describePolicy(*e.Policy) + "\n")
	}
	if e.Token != nil {
		b.WriteString(describeToken(*e.Token, e.Asked) + "\n")
	}
	for _, note := range e.Notes {
		b.WriteString("note: " + note + "\n\n")
	}
	if e.onlyPolicy() {
		b.WriteString(e.yaml() + "\n" +
			"contents: read is an example: explain -operations 'GET /repos/{owner}/{repo}/issues' shows what a call takes\n")
		return b.String()
	}
	rows := [][2]string{{"ASKED FOR", "TAKES"}}
	for _, n := range e.Needs {
		takes := cmp.Or(strings.Join(n.Permissions.Lines(), ", "), "nothing but a token")
		if n.Chosen != "" {
			takes += " (" + n.Chosen + ")"
		}
		rows = append(rows, [2]string{n.From, takes})
	}
	for _, level := range e.Explicit.Lines() {
		rows = append(rows, [2]string{"permissions", level})
	}
	b.WriteString(columns(rows))
	for _, notice := range e.Notices {
		b.WriteString("note: " + notice + "\n")
	}
	if len(e.Permissions) > 0 {
		b.WriteString("\npermissions: |\n" + indented(e.Permissions.YAML()) + "\n")
	}
	return b.String()
}

// yaml returns only the step to paste. [explanation.aside] has the rest.
func (e explanation) yaml() string {
	granted := e.Permissions
	if e.onlyPolicy() {
		granted = permission.Set{"contents": "read"}
	}
	if len(granted) == 0 {
		return "" // a step without permissions would get all of them
	}
	return `- uses: valetkey/valetkey@v1
  id: key
  with:
    client-id: ${{ vars.APP_CLIENT_ID }}
    private-key: ${{ secrets.APP_PRIVATE_KEY }}
    permissions: |
` + strings.ReplaceAll(indented(granted.YAML()), "  ", "      ") + "\n"
}

// onlyPolicy reports whether a message alone is explained: its cure is a step,
// and nobody said what that is for.
func (e explanation) onlyPolicy() bool {
	return e.Policy != nil && e.Token == nil && len(e.Needs)+len(e.Explicit) == 0
}

// json returns the explanation for programs.
func (e explanation) json() string {
	type token struct {
		Kind      string    `json:"kind,omitempty"`
		Login     string    `json:"login"`
		Scopes    []string  `json:"scopes,omitempty"`
		ExpiresAt time.Time `json:"expires_at,omitzero"`
		SSO       string    `json:"single_sign_on,omitempty"`
	}
	type need struct {
		From        string         `json:"from"`
		Permissions permission.Set `json:"permissions"`
		Chosen      string         `json:"chosen,omitempty"`
	}
	answer := struct {
		Message     *githubapp.Policy `json:"message,omitempty"`
		Token       *token            `json:"token,omitempty"`
		Permissions permission.Set    `json:"permissions"`
		Needs       []need            `json:"needs"`
		Notices     []string          `json:"notices,omitempty"`
	}{Message: e.Policy, Permissions: e.Permissions, Needs: []need{}, Notices: append(e.Notes, e.Notices...)}
	if t := e.Token; t != nil {
		answer.Token = &token{t.Kind, t.Login, t.Scopes, t.ExpiresAt, t.SSO}
	}
	for _, n := range e.Needs {
		answer.Needs = append(answer.Needs, need{n.From, n.Permissions, n.Chosen})
	}
	b, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		panic(err) // maps and lists of strings only
	}
	return string(b) + "\n"
}
