package githubapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// GitHub answers a renamed or transferred repository with a redirect to the same call
// by the repository's id. Reading goes on there; a write has to be made anew, and the
// scope of a token takes nothing but the present name.

var (
	byName = regexp.MustCompile(`^repos/([^/]+/[^/]+)(?:/|$)`)
	byID   = regexp.MustCompile(`/repositories/([0-9]+)(?:/|$)`)
)

// movedTo gives the id of the repository that an answer came from, when that is
// another address than the one that was asked; else zero.
func (s answered) movedTo() int64 {
	if found := byID.FindStringSubmatch(s.path); found != nil {
		id, _ := strconv.ParseInt(found[1], 10, 64)
		return id
	}
	return 0
}

// moved is the hint of a write that was redirected: the name that the repository has
// now. Empty when that can't be found out.
func (a *API) moved(ctx context.Context, who caller, path string) string {
	old := byName.FindStringSubmatch(path)
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
	return renamed(oneLine(old[1]), oneLine(repository.FullName))
}

func renamed(from, to string) string {
	return fmt.Sprintf("%s was renamed: use its new name, %s", from, to)
}

// nameOf gives the full name of a repository that is known by its id. Only a token
// may read it, so one is made that opens nothing but the name, and revoked at once.
func (a *App) nameOf(ctx context.Context, installation, repository int64) (string, error) {
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

// whereIs looks a repository up; id is that of the one which had the name once, and
// zero where the name is the present one.
func (a *App) whereIs(ctx context.Context, t Target) (id int64, err error) {
	answer, err := a.api.exchange(ctx, a.client, "look up "+t.String(), http.MethodGet, t.path(), nil, nil)
	return answer.movedTo(), err
}

// Renamed gives the hint for an old name of a repository; empty when it is not one, or
// when that can't be found out. It takes a request, and three more for an old name.
func (a *App) Renamed(ctx context.Context, installation Installation, t Target) string {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	id, err := a.whereIs(ctx, t)
	if err != nil || id == 0 {
		return ""
	}
	name, err := a.nameOf(ctx, installation.ID, id)
	if err != nil {
		return ""
	}
	return renamed(t.String(), name)
}
