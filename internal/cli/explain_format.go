package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

// explanation is everything that the command prints.
type explanation struct {
	permissionRequest
	Policy *githubapp.Policy // of -message; nil if that is not given

	Token *githubapp.Inspection // of -token-from-env; nil if that is not given
	Asked time.Time             // when GitHub was asked, by its clock
	Notes []string              // why some of its scopes are left out

	paint wording.Paint // of the table
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
		if sso := ssoMeans(i); sso != "" {
			rows = append(rows, [2]string{"", sso})
		}
	}
	return wording.Rows(rows)
}

// ssoMeans says what GitHub's header about single sign-on means.
func ssoMeans(i githubapp.Inspection) string {
	policy, ok := githubapp.LookupPolicy("X-GitHub-SSO: " + i.SSO)
	if !ok {
		return ""
	}
	return policy.Means + "; " + policy.Do[len(policy.Do)-1]
}

// describePolicy describes what a refusal means, line by line.
func describePolicy(p githubapp.Policy) string {
	rows := [][2]string{{"it means", p.Means}, {"who changes it", p.Who}}
	for i, do := range p.Do {
		rows = append(rows, [2]string{[]string{"what to do", ""}[min(i, 1)], do})
	}
	return wording.Rows(rows)
}

// aside returns what is not about the step to paste, for a reader of YAML.
func (e explanation) aside() string {
	var b strings.Builder
	if e.Policy != nil {
		b.WriteString(describePolicy(*e.Policy) + "\n")
	}
	if e.Token != nil {
		b.WriteString(describeToken(*e.Token, e.Asked) + "\n")
	}
	return b.String()
}

// notes returns what a careful user would want to read besides the permissions.
func (e explanation) notes() []string { return slices.Concat(e.Broad, e.Notes, e.Notices) }

// table shows which permissions each scope and operation takes, and their sum.
// It begins with what is far more than a job takes.
func (e explanation) table() string {
	var b strings.Builder
	b.WriteString(e.aside())
	for _, text := range e.Broad {
		b.WriteString(e.paint.Attention(strings.TrimSuffix(wording.Wrap("", "  ", text), "\n")) + "\n\n")
	}
	for _, note := range e.Notes {
		b.WriteString(wording.Wrap("note: ", "  ", note) + "\n")
	}
	if e.onlyPolicy() {
		b.WriteString(e.step() + "\n" +
			"contents: read is an example. This shows what a call takes:\n" +
			"  valetkey explain -operations 'GET /repos/{owner}/{repo}/issues'\n")
		return b.String()
	}
	rows := [][2]string{{"ASKED FOR", "TAKES"}}
	for _, n := range e.Needs {
		takes := strings.Join(bound(n.Permissions.Lines()), ", ")
		switch {
		case len(n.Permissions) == 0:
			takes = "nothing but a token"
		case len(e.Needs) == 1 && len(n.Permissions) > manyPermissions:
			takes = fmt.Sprintf("the %d permissions below", len(n.Permissions))
		case n.Chosen != "":
			takes += " (" + n.Chosen + ")"
		}
		rows = append(rows, [2]string{n.From, takes})
	}
	for _, level := range e.Explicit.Lines() {
		rows = append(rows, [2]string{"permissions", level})
	}
	heading, list, _ := strings.Cut(wording.Rows(rows), "\n")
	b.WriteString(e.paint.Bold(heading) + "\n" + list)
	for _, notice := range e.Notices {
		b.WriteString(wording.Wrap("note: ", "  ", notice))
	}
	if len(e.Permissions) > 0 {
		b.WriteString("\n" + e.paint.Bold("permissions: |") + "\n" + indented(e.Permissions.YAML()) + "\n")
	}
	return b.String()
}

// manyPermissions are more than a line of the table should repeat.
const manyPermissions = 6

// bound keeps each text on one line.
func bound(texts []string) []string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = wording.Bound(text)
	}
	return list
}

// yaml returns the step to paste, after comments with the notes.
// [explanation.aside] has the rest.
func (e explanation) yaml() string {
	var b strings.Builder
	for _, note := range e.notes() {
		b.WriteString(wording.Wrap("# - ", "#   ", note))
	}
	return b.String() + e.step()
}

// step returns the step to paste.
func (e explanation) step() string {
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
	}{Message: e.Policy, Permissions: e.Permissions, Needs: []need{}, Notices: e.notes()}
	if t := e.Token; t != nil {
		if sso := ssoMeans(*t); sso != "" {
			answer.Notices = append(answer.Notices, "single sign-on: "+sso)
		}
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
