package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
)

// located returns m with the account of the installation, and an error if that
// is not the account that was asked for. If the two have different names it
// takes one more request, because GitHub redirects from the former names of an
// account.
func (m minted) located(ctx context.Context, r *actions.Runner, api *githubapp.API) (minted, error) {
	asked := m.Target.Owner + m.Target.Enterprise
	byID := m.InstallationID != 0
	if m.Installation.Account == "" {
		m.Installation.Account, m.Installation.Organization = m.Token.Owner(), m.Token.Organization
	}
	switch account := m.Installation.Account; {
	case account == "" && byID && m.Scope.AllRepositories:
		return m, actions.Fault{
			Input: "installation-id", Problem: "is of an installation, and GitHub does not say on which account",
			Hint: "leave it out, to have the installation of " + m.place() + " looked up",
		}
	case account == "": // it was found by its name, or sameScope will say that repositories are missing
		return m, nil
	case strings.EqualFold(account, asked) && (!byID || m.Installation.Enterprise == (m.Target.Enterprise != "")):
		return m, nil
	case byID:
		if err := m.sameAccount(ctx, api); err != nil {
			return m, err
		}
	}
	if err := m.sameRepositories(ctx, api); err != nil {
		return m, err
	}
	r.Notice("GitHub leads from %s to %s: the account was renamed, or its repositories were transferred. "+
		"Write the new name, before somebody else takes the old one", asked, m.Installation.Account)
	return m, nil
}

// sameAccount checks that the account that was named leads to the installation
// whose id was given.
func (m minted) sameAccount(ctx context.Context, api *githubapp.API) error {
	app, err := api.App(m.Issuer, m.Key)
	if err != nil {
		return err
	}
	same, err := app.HasInstallation(ctx, m.Target, m.Installation.ID)
	if err != nil || same {
		return err
	}
	input, found := "owner", githubapp.Target{Owner: m.Installation.Account}
	if m.Installation.Enterprise {
		input, found = "enterprise", githubapp.Target{Enterprise: m.Installation.Account}
	}
	asked := githubapp.Target{Owner: m.Target.Owner, Enterprise: m.Target.Enterprise}
	return actions.Fault{
		Input:   "installation-id",
		Problem: fmt.Sprintf("%d is the installation on %s, and the token was to be for %s", m.Installation.ID, found, asked),
		Hint: fmt.Sprintf("set %s to %s if that is meant, or leave installation-id out to have it looked up",
			input, m.Installation.Account),
	}
}

// maxMoved is how many repositories are looked up one by one.
const maxMoved = 20

// sameRepositories checks that the token opens the repositories that were
// meant. An account that was renamed keeps its repositories. But GitHub
// redirects in the same way from a repository that was transferred, and a mint
// names repositories without their owner, so the account that one of them went
// to may have others of the same names.
func (m minted) sameRepositories(ctx context.Context, api *githubapp.API) error {
	account, names := m.Installation.Account, m.Scope.Repositories
	if len(names) > maxMoved {
		return &fault.Error{
			Problem: fmt.Sprintf("GitHub leads from %s to %s, and %d repositories are too many to check whether each is the one meant",
				m.Target.Owner, account, len(names)),
			Hint: "the token was not handed out; if " + account + " is the new name of " + m.Target.Owner + ", set owner to it",
		}
	}
	for _, name := range names {
		full, err := api.FullName(ctx, m.Token.Value, m.Target.Owner, name)
		var e *githubapp.Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound {
			full, err = "not among those that the token opens", nil
		}
		if err != nil {
			return err
		}
		if want := account + "/" + name; !strings.EqualFold(full, want) {
			return &fault.Error{
				Problem: fmt.Sprintf("%s/%s is %s, and GitHub granted %s", m.Target.Owner, name, full, want),
				Hint:    "the token was not handed out; set owner and repositories to what they are called now",
			}
		}
	}
	return nil
}
