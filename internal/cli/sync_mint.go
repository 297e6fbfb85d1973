package cli

import (
	"context"
	"fmt"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
)

// mintFresh makes the tokens that are the values of secrets. One that can't be
// had fails its targets and no others.
func (v *resolution) mintFresh(ctx context.Context) (tokens map[int]githubapp.Token) {
	tokens = map[int]githubapp.Token{}
	failed := map[int]bool{}
	for i, indexes := range v.mints {
		token, err := v.fleet.mintFor(ctx, *v.file.Secrets[i].Mint)
		if err == nil {
			tokens[i] = token
		}
		for _, w := range indexes {
			if v.wanted[w].Value = token.Value; err != nil {
				v.fail(v.wanted[w], err)
				failed[w] = true
			}
		}
	}
	kept := v.wanted[:0]
	for w := range v.wanted {
		if !failed[w] {
			kept = append(kept, v.wanted[w])
		}
	}
	v.wanted = kept
	return tokens
}

// ownerOf gives the one owner of a scope.
func (f *fleet) ownerOf(s *manifest.Scope) *fleetOwner { return f.owner(s.Repositories.Owners()[0]) }

// mintFor makes a token that others will use. It is not revoked when this step
// ends.
func (f *fleet) mintFor(ctx context.Context, s manifest.Scope) (githubapp.Token, error) {
	o := f.ownerOf(&s)
	scope := githubapp.Scope{Permissions: s.Permissions}
	if _, all := s.Repositories.All(); all {
		scope.AllRepositories = true
	} else {
		names, err := f.matching(ctx, o.name, s.Repositories)
		if err != nil {
			return githubapp.Token{}, err
		}
		switch scope.Repositories = names; {
		case len(names) == 0:
			return githubapp.Token{}, actions.Fault{Problem: s.Repositories.String() + " matches no repository", Cure: "a token for none can't be made: check the pattern"}
		case len(names) > githubapp.MaxRepositories:
			return githubapp.Token{}, actions.Fault{
				Problem: fmt.Sprintf("%s matches %d repositories, and GitHub lets a token name %d", s.Repositories, len(names), githubapp.MaxRepositories),
				Cure:    "take all of them with " + o.name + "/*, or fewer",
			}
		}
	}
	installation, err := f.installation(ctx, o)
	if err != nil {
		return githubapp.Token{}, err
	}
	token, err := o.app.Mint(ctx, *installation, scope)
	return token, notGranted(err, s.Permissions)
}

// unused revokes the tokens that no target took: nobody has them.
func (v *resolution) unused(ctx context.Context, tokens map[int]githubapp.Token, took map[wish]bool) {
	for key, i := range v.seen {
		if took[key] {
			delete(tokens, i)
		}
	}
	for i, token := range tokens {
		takeBack(ctx, v.r, v.fleet.ownerOf(v.file.Secrets[i].Mint).api, token)
	}
}
