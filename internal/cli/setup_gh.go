//go:build !nodemo

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/setup"
)

// ghTool is gh, signed in as the person who runs setup. It seals a secret
// itself, and gets it on its standard input, where no list of processes shows
// it.
type ghTool struct {
	host string
	env  []string
}

// run runs gh and returns an error with the first line of what it said.
func (g ghTool) run(ctx context.Context, input string, args ...string) error {
	cmd := exec.CommandContext(ctx, "gh", args...)
	cmd.Env = slices.Concat(g.env, []string{"GH_HOST=" + g.host, "GH_PROMPT_DISABLED=1", "GH_NO_UPDATE_NOTIFIER=1", "GH_DEBUG="})
	cmd.Stdin = strings.NewReader(input)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		if line == "" {
			line = err.Error()
		}
		return fmt.Errorf("gh %s: %s", strings.Join(args[:min(2, len(args))], " "), redact.OneLine(line))
	}
	return nil
}

// signedIn reports whether gh is here, and may act at the host.
func (g ghTool) signedIn(ctx context.Context) bool {
	return g.run(ctx, "", "auth", "status", "--hostname", g.host) == nil
}

// exists reports whether the API has something at a path.
func (g ghTool) exists(ctx context.Context, path string) (bool, error) {
	err := g.run(ctx, "", "api", "--hostname", g.host, "--silent", path)
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
		{"variable", "the variable " + s.Variable, s.At.Path() + "/actions/variables/" + s.Variable},
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
	var kept []setup.Kept
	key, id := s.kept(g.host)
	for _, one := range []struct {
		kept  setup.Kept
		input string
		args  []string
	}{
		{key, app.Key.Reveal(), []string{"secret", "set", s.Secret}},
		{id, "", []string{"variable", "set", s.Variable, "--body", app.ClientID}},
	} {
		if err := g.run(ctx, one.input, append(one.args, s.ghFlags(g.host)...)...); err != nil {
			one.kept.What = "perhaps " + one.kept.What
			return append(kept, one.kept), errors.Join(err, ctx.Err())
		}
		kept = append(kept, one.kept)
	}
	return kept, nil
}

// ghFlags name the place for gh.
func (s store) ghFlags(host string) []string {
	if !s.At.IsOrganization() {
		return []string{"--repo", host + "/" + s.At.Owner + "/" + s.At.Repository}
	}
	flags := []string{"--org", s.At.Owner, "--visibility", s.Visibility}
	if s.Visibility == "selected" {
		flags = append(flags, "--repos", strings.Join(s.Repositories, ","))
	}
	return flags
}

// kept returns what is stored in the end, and how to remove it.
func (s store) kept(host string) (key, id setup.Kept) {
	place := "--org " + s.At.Owner
	if !s.At.IsOrganization() {
		place = "--repo " + host + "/" + s.At.Owner + "/" + s.At.Repository
	} else if host != "github.com" {
		place += ", with GH_HOST=" + host
	}
	key = setup.Kept{What: "the key is the secret " + s.Secret, Remove: "gh secret delete " + s.Secret}
	id = setup.Kept{What: "the client id is the variable " + s.Variable, Remove: "gh variable delete " + s.Variable}
	for _, one := range []*setup.Kept{&key, &id} {
		one.What, one.Remove = one.What+" of "+s.At.String(), one.Remove+" "+place
	}
	return key, id
}
