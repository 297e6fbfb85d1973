//go:build !nodemo

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/setup"
)

// ghTool is gh, signed in as the person who runs setup. It seals a secret
// itself, and gets it on its standard input, where no list of processes shows
// it. GH_HOST says where: not all of its flags for that take a port.
type ghTool struct {
	host string
	env  []string
}

// run runs gh. Its error has the first line of what gh said.
func (g ghTool) run(ctx context.Context, input string, args ...string) (output string, err error) {
	cmd := exec.CommandContext(ctx, "gh", args...)
	cmd.Env = slices.Concat(g.env, []string{"GH_HOST=" + g.host, "GH_PROMPT_DISABLED=1", "GH_NO_UPDATE_NOTIFIER=1", "GH_DEBUG="})
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &said
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		if line == "" {
			line = err.Error()
		}
		return "", fmt.Errorf("gh %s: %s", strings.Join(args[:min(2, len(args))], " "), redact.OneLine(line))
	}
	return out.String(), nil
}

// api asks the REST API.
func (g ghTool) api(ctx context.Context, input, path string, flags ...string) (string, error) {
	return g.run(ctx, input, append([]string{"api", path}, flags...)...)
}

// signedIn reports whether gh is here, and may act at the host.
func (g ghTool) signedIn(ctx context.Context) bool {
	_, err := g.run(ctx, "", "auth", "status", "--hostname", g.host)
	return err == nil
}

// exists reports whether the API has something at a path.
func (g ghTool) exists(ctx context.Context, path string) (bool, error) {
	_, err := g.api(ctx, "", path, "--silent")
	if err != nil && strings.Contains(err.Error(), "HTTP 404") {
		return false, nil
	}
	return err == nil, err
}

// inGH keeps the key as a secret that gh writes, and the client id as a
// variable. It overwrites neither: another App's key may be there, and nobody
// could bring it back.
func (g ghTool) inGH(s store) keeper {
	return keeper{
		Goes:  "the secret " + s.Secret + " of " + s.At.String() + ", by gh",
		Check: func(ctx context.Context) error { return g.check(ctx, s) },
		Keep:  func(ctx context.Context, app setup.App) ([]setup.Kept, error) { return g.keep(ctx, s, app) },
	}
}

func (g ghTool) check(ctx context.Context, s store) error {
	there, err := g.exists(ctx, s.At.SecretsPath()+"/public-key")
	if err == nil && !there {
		err = errors.New("GitHub answers as if it did not exist")
	}
	if err != nil {
		return fault.New(fmt.Sprintf("-store: gh can't write secrets of %s: %v", s.At, err),
			"check the name, and that gh is signed in as somebody who may; gh auth refresh --scopes admin:org adds those of organizations")
	}
	return checkFree(s, func(path string) (bool, error) { return g.exists(ctx, path) })
}

// checkFree returns an error if the secret or the variable exists.
func checkFree(s store, exists func(path string) (bool, error)) error {
	for _, one := range []struct{ flag, what, path string }{
		{"secret", "the secret " + s.Secret, s.At.SecretsPath() + "/" + s.Secret},
		{"variable", "the variable " + s.Variable, s.variablesPath() + "/" + s.Variable},
	} {
		switch there, err := exists(one.path); {
		case err != nil:
			return fmt.Errorf("look for %s of %s: %w", one.what, s.At, err)
		case there:
			return fault.New(one.what+" of "+s.At.String()+" exists, and is not overwritten: it may be of an App that is in use",
				"give another name with -"+one.flag+", or delete it first")
		}
	}
	return nil
}

// keep stores the key and the client id. What gh did not finish may be there
// all the same.
func (g ghTool) keep(ctx context.Context, s store, app setup.App) ([]setup.Kept, error) {
	if err := g.check(ctx, s); err != nil {
		return nil, err
	}
	ids, err := g.ids(ctx, s)
	if err != nil {
		return nil, err
	}
	key, id := s.kept(g.host)
	perhaps := func(k setup.Kept) setup.Kept { return setup.Kept{What: "perhaps " + k.What, Remove: k.Remove} }
	if _, err := g.run(ctx, app.Key.Reveal(), append([]string{"secret", "set", s.Secret}, s.ghFlags()...)...); err != nil {
		return []setup.Kept{perhaps(key)}, err
	}
	// gh variable set would overwrite, and is not in every gh.
	body, err := json.Marshal(s.variableBody(app.ClientID, ids))
	if err == nil {
		_, err = g.api(ctx, string(body), s.variablesPath(), "--method", "POST", "--input", "-", "--silent")
	}
	if err != nil {
		return []setup.Kept{key, perhaps(id)}, err
	}
	return []setup.Kept{key, id}, nil
}

// ids returns the numbers of the repositories that see an organization's
// secret.
func (g ghTool) ids(ctx context.Context, s store) (ids []int64, err error) {
	for _, name := range s.Repositories {
		text, err := g.api(ctx, "", "repos/"+s.At.Owner+"/"+name, "--jq", ".id")
		if err != nil {
			return nil, err
		}
		id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("gh does not say the number of %s/%s", s.At.Owner, name)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// ghFlags name the place for gh secret.
func (s store) ghFlags() []string {
	if !s.At.IsOrganization() {
		return []string{"--repo", s.At.Owner + "/" + s.At.Repository}
	}
	flags := []string{"--org", s.At.Owner, "--visibility", s.Visibility}
	if s.Visibility == "selected" {
		flags = append(flags, "--repos", strings.Join(s.Repositories, ","))
	}
	return flags
}
