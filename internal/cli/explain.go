package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// explain tells what would be asked for, without asking anybody; and of a
// personal token, what it is and which step replaces it.
func (p Process) explain(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	flags.SetOutput(p.Stdout)
	scopes := flags.String("scopes", "", "classic scopes, as on a personal access token")
	operations := flags.String("operations", "", "API operations, one per line: \"GET /repos/{owner}/{repo}/issues\", git clone, git push")
	permissions := flags.String("permissions", "", "permissions, as the input of that name")
	format := flags.String("format", "table", "table, yaml (the step to paste) or json")
	variable := flags.String("token-from-env", "", "the `name` of a variable that holds a personal token: ask GitHub what it is")
	api := flags.String("github-api-url", first(p.Getenv("GITHUB_API_URL"), publicAPI), "the REST API to ask about the token")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return exitUsage
	}
	r := p.runner()
	if *variable != "" {
		found, err := p.inspect(ctx, r, *variable, *api)
		if err != nil {
			return exitCode(r, err)
		}
		fmt.Fprint(p.Stdout, told(found))
		*scopes = strings.Join(append(strings.Fields(*scopes), p.replaceable(found.Scopes)...), " ")
	}
	if *scopes+*operations+*permissions+*variable == "" {
		flags.Usage()
		return exitUsage
	}
	w, faults := combine(*permissions, nil, *scopes, *operations)
	if len(faults) > 0 {
		return exitCode(r, errors.Join(faults...))
	}
	switch *format {
	case "table":
		w.table(p.Stdout)
	case "yaml":
		fmt.Fprint(p.Stdout, w.yaml())
	case "json":
		fmt.Fprintln(p.Stdout, w.json())
	default:
		return exitCode(r, actions.Fault{Problem: actions.Quote(*format) + " is no format", Cure: "use table, yaml or json"})
	}
	return exitOK
}

// inspect asks GitHub about a token in the environment.
func (p Process) inspect(ctx context.Context, r *actions.Runner, variable, url string) (githubapp.Inspection, error) {
	token := redact.New(strings.TrimSpace(p.Getenv(variable)))
	r.Mask(actions.Forms(token)...)
	if token.Empty() {
		return githubapp.Inspection{}, actions.Fault{Problem: "the variable " + actions.Quote(variable) + " is empty or not set", Cure: "export it, and give its name, not the token"}
	}
	if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return githubapp.Inspection{}, actions.Fault{Problem: "what the variable " + actions.Quote(variable) + " holds is no token", Cure: "export the token alone"}
	}
	api, err := p.connect(r, host{URL: url})
	if err != nil {
		return githubapp.Inspection{}, actions.Fault{Problem: "github-api-url " + err.Error(), Cure: "give the address of the REST API"}
	}
	ctx, cancel := context.WithTimeout(ctx, mintTime)
	defer cancel()
	return api.Inspect(ctx, token)
}

// replaceable gives the scopes of a token that an App can stand in for, and says of
// the others why it can't.
func (p Process) replaceable(scopes []string) []string {
	return slices.DeleteFunc(scopes, func(scope string) bool {
		_, faults := permission.Scopes(scope)
		for _, err := range faults {
			fmt.Fprintln(p.Stdout, "note: "+strings.Replace(err.Error(), "; hint: ", "; ", 1)+"\n")
		}
		return len(faults) > 0
	})
}

// told says what a token is, line by line.
func told(i githubapp.Inspection) string {
	expires := "never, or GitHub does not tell"
	if !i.ExpiresAt.IsZero() {
		expires = i.ExpiresAt.Format("2006-01-02 15:04 UTC") + ", in " + ago(time.Until(i.ExpiresAt))
	}
	rows := [][2]string{{"kind", first(i.Kind, "unknown")}, {"belongs to", i.Login}}
	if i.Classic {
		rows = append(rows, [2]string{"scopes", first(strings.Join(i.Scopes, ", "), "none: public data only")})
	} else {
		rows = append(rows, [2]string{"scopes", "none: this kind has permissions, which GitHub tells nobody; name what it is used for with --operations"})
	}
	rows = append(rows, [2]string{"expires", expires})
	if i.SSO != "" {
		rows = append(rows, [2]string{"single sign-on", i.SSO})
	}
	return columns(rows) + "\n"
}

func columns(rows [][2]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s  %s\n", width, row[0], row[1])
	}
	return b.String()
}

// table shows who takes what, and the sum.
func (w wishes) table(out io.Writer) {
	rows := [][2]string{{"ASKED FOR", "TAKES"}}
	for _, n := range w.Needs {
		takes := first(strings.Join(levels(n.Permissions), ", "), "nothing but a token")
		if n.Chosen != "" {
			takes += " (" + n.Chosen + ")"
		}
		rows = append(rows, [2]string{n.From, takes})
	}
	for _, level := range levels(w.Explicit) {
		rows = append(rows, [2]string{"permissions", level})
	}
	fmt.Fprint(out, columns(rows))
	for _, notice := range w.Notices {
		fmt.Fprintln(out, "note: "+notice)
	}
	if len(w.Permissions) > 0 {
		fmt.Fprintf(out, "\npermissions: |\n%s\n", indented(w.Permissions.YAML()))
	}
}

// yaml is the step to paste.
func (w wishes) yaml() string {
	if len(w.Permissions) == 0 {
		return "" // a step without permissions would get all of them
	}
	return `- uses: valetkey/valetkey@v1
  id: key
  with:
    client-id: ${{ vars.APP_CLIENT_ID }}
    private-key: ${{ secrets.APP_PRIVATE_KEY }}
    permissions: |
` + strings.ReplaceAll(indented(w.Permissions.YAML()), "  ", "      ") + "\n"
}

func (w wishes) json() string {
	type need struct {
		From        string         `json:"from"`
		Permissions permission.Set `json:"permissions"`
		Chosen      string         `json:"chosen,omitempty"`
	}
	answer := struct {
		Permissions permission.Set `json:"permissions"`
		Needs       []need         `json:"needs"`
		Notices     []string       `json:"notices,omitempty"`
	}{w.Permissions, []need{}, w.Notices}
	for _, n := range w.Needs {
		answer.Needs = append(answer.Needs, need{n.From, n.Permissions, n.Chosen})
	}
	b, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		panic(err) // maps and lists of strings only
	}
	return string(b)
}

func first(texts ...string) string {
	i := slices.IndexFunc(texts, func(t string) bool { return t != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}
