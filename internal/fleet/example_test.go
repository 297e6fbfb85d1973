package fleet_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fleet"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/secret"
)

// This program lists the secrets of some organizations, with a token for each
// that can do nothing else. It has no runner.
func Example() {
	github, key := someGitHub()
	defer github.Close()
	ctx := context.Background()
	api, err := githubapp.New(githubapp.Config{URL: github.URL, UserAgent: "example"})
	if err != nil {
		panic(err)
	}
	f, err := fleet.New(fleet.Config{
		API: api, Issuer: "917", Key: key, Points: githubapp.PointsPerMinute,
		Warning: func(err error) { fmt.Println("warning:", err) },
	})
	if err != nil {
		panic(err)
	}
	defer f.Close(ctx)

	var places []secret.Place
	for _, organization := range []string{"acme", "globex", "hooli"} {
		places = append(places, secret.Place{Owner: organization, App: "actions"})
	}
	for _, at := range places { // before the first call, so that each token opens what all calls take
		f.Need(at.Owner, at.Repository, at.Permission())
	}
	for _, at := range places {
		secrets, _, err := secret.List(ctx, f.Call, at)
		var refused *githubapp.Error
		switch {
		case errors.As(err, &refused):
			fmt.Printf("%s: GitHub answered %d to the question %q\n", at, refused.Status, refused.Op)
		case err != nil:
			fmt.Printf("%s: %v\n", at, err)
		}
		for _, s := range secrets {
			fmt.Printf("%s has %s for %s repositories\n", at, s.Name, s.Visibility)
		}
	}
	// Output:
	// organization acme has NPM_TOKEN for all repositories
	// organization globex: the installation on globex lacks organization_secrets: write
	// organization hooli: GitHub answered 404 to the question "find the installation for hooli"
}

// someGitHub is a GitHub with an App on two organizations, and the App's key.
func someGitHub() (*httptest.Server, *rsa.PrivateKey) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	github := fakegithub.New(fakegithub.Config{}, fakegithub.Secrets)
	github.AddApp(fakegithub.App{ID: 917, Slug: "keeper", Owner: "acme", PublicKey: &key.PublicKey})
	for organization, permissions := range map[string]map[string]string{
		"acme": {"organization_secrets": "write"}, "globex": {"members": "read"},
	} {
		github.AddAccount(fakegithub.Account{Login: organization, Type: "Organization"})
		github.Install(fakegithub.Installation{AppID: 917, Account: organization, All: true, Permissions: permissions})
	}
	github.SetSecret(fakegithub.Place{Owner: "acme"}, fakegithub.Secret{Name: "NPM_TOKEN", Value: "opensesame", Visibility: "all"})
	return httptest.NewServer(github), key
}
