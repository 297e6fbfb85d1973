package githubapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
)

// For a renamed or transferred repository, GitHub answers with a redirect to
// the same call by the repository's id. A read follows it. A write has to be
// sent again, and the scope of a token accepts only the present name.

var (
	byName = pattern.Pattern{Text: `^repos/([^/]+/[^/]+)(?:/|$)`}
	byID   = pattern.Pattern{Text: `/repositories/([0-9]+)(?:/|$)`}
)

// repositoryID returns the id of the repository to which the request was
// redirected, or zero if it was not.
func (s answerHead) repositoryID() int64 {
	if !strings.Contains(s.path, "/repositories/") { // as in most answers
		return 0
	}
	if found := byID.Regexp().FindStringSubmatch(s.path); found != nil {
		id, _ := strconv.ParseInt(found[1], 10, 64)
		return id
	}
	return 0
}

// newNameHint returns the hint for a write that was redirected: the present
// name of the repository. It returns "" if the name can't be found.
func (a *API) newNameHint(ctx context.Context, who caller, path string) string {
	old := byName.Regexp().FindStringSubmatch(path)
	if old == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	var repository struct {
		FullName string `json:"full_name"`
	}
	err := a.call(ctx, who, "read the new name", http.MethodGet, "repos/"+old[1], nil, &repository)
	if err != nil || strings.EqualFold(repository.FullName, old[1]) {
		return ""
	}
	return useNewName(oneLine(old[1]), oneLine(repository.FullName))
}

func useNewName(from, to string) string {
	return fmt.Sprintf("%s was renamed: use its new name, %s", from, to)
}

// repositoryName returns the full name of the repository with a known id.
// Reading it takes a token, so it makes one that can only read names, and
// revokes it at once.
func (a *App) repositoryName(ctx context.Context, installation, repository int64) (string, error) {
	body := struct {
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}{[]int64{repository}, map[string]string{"metadata": "read"}}
	var g grant
	path := fmt.Sprintf("app/installations/%d/access_tokens", installation)
	err := a.api.call(ctx, a.client, "read the new name", http.MethodPost, path, body, &g)
	if value := g.Token.String; !value.Empty() {
		a.api.config.OnToken(value)
		a.api.forget(ctx, value)
	}
	if err == nil && len(g.Repositories) != 1 {
		err = errors.New("the answer names no repository")
	}
	if err != nil {
		return "", err
	}
	return oneLine(g.Repositories[0].FullName), nil
}

// formerID looks a repository up. It returns the id if the name is a former
// one, and zero if it is the present one.
func (a *App) formerID(ctx context.Context, t Target) (id int64, err error) {
	answer, err := a.api.exchange(ctx, a.client, "look up "+t.String(), http.MethodGet, t.path(), nil, nil)
	return answer.repositoryID(), err
}

// Renamed returns the hint for a former name of a repository. It returns "" for
// any other name, or if it can't find out. It takes one request, and three more
// for a former name.
func (a *App) Renamed(ctx context.Context, installation Installation, t Target) string {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	id, err := a.formerID(ctx, t)
	if err != nil || id == 0 {
		return ""
	}
	name, err := a.repositoryName(ctx, installation.ID, id)
	if err != nil {
		return ""
	}
	return useNewName(t.String(), name)
}
