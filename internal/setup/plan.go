// Package setup makes a GitHub App for a person at a browser: it serves one
// page on this machine that posts a manifest to GitHub, takes back the code
// that opens the new App's key, has the key kept, waits until the App is
// installed, and says at any moment what exists and how to remove it.
//
// It knows no runner, sends no request and stores no key: its caller provides
// functions for that. Only the page is served here, on the loopback, to one
// browser, once. Start at [Plan] and [Flow].
package setup

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/permission"
)

// Plan is the App that is to be made.
type Plan struct {
	Website      string // where people find GitHub: https://github.com, without a slash at the end
	Enterprise   bool   // it is a GitHub Enterprise Server, where Apps have other addresses
	Organization string // the owner; empty for the account of the person at the browser
	Name         string
	Permissions  permission.Set
}

// homepage is the address that an App shows as its own, and must have.
const homepage = "https://github.com/valetkey/valetkey"

const description = "Mints short-lived tokens in workflows, with valetkey."

// owner returns the owner in words.
func (p Plan) owner() string {
	if p.Organization == "" {
		return "your own account"
	}
	return p.Organization
}

// host returns the website's host, as people say it.
func (p Plan) host() string {
	_, host, _ := strings.Cut(p.Website, "://")
	return host
}

// settings returns the address of the owner's settings.
func (p Plan) settings() string {
	if p.Organization == "" {
		return p.Website + "/settings"
	}
	return p.Website + "/organizations/" + url.PathEscape(p.Organization) + "/settings"
}

func (p Plan) formPage() string { return p.settings() + "/apps/new" }

// AppsPage returns the address of the list of the owner's Apps.
func (p Plan) AppsPage() string { return p.settings() + "/apps" }

// SettingsPage returns the address where an App can be changed.
func (p Plan) SettingsPage(slug string) string { return p.AppsPage() + "/" + url.PathEscape(slug) }

// deletePage returns the address where an App can be deleted.
func (p Plan) deletePage(slug string) string { return p.SettingsPage(slug) + "/advanced" }

// InstallPage returns the address where an App can be installed.
func (p Plan) InstallPage(slug string) string {
	apps := "/apps/"
	if p.Enterprise {
		apps = "/github-apps/"
	}
	return p.Website + apps + url.PathEscape(slug) + "/installations/new"
}

// manifest returns the form that GitHub makes an App of. The App acts for no
// user, is told of no event, and only its owner can install it. It has no
// setup_url: GitHub would keep that, and send everybody who installs the App
// later to an address of this machine.
// https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
func (p Plan) manifest(redirect string) string {
	type hook struct {
		URL    string `json:"url"`
		Active bool   `json:"active"`
	}
	text, err := json.Marshal(struct {
		Name        string         `json:"name"`
		URL         string         `json:"url"`
		Description string         `json:"description"`
		RedirectURL string         `json:"redirect_url"`
		Public      bool           `json:"public"`
		Hook        hook           `json:"hook_attributes"`
		Permissions permission.Set `json:"default_permissions"`
		Events      []string       `json:"default_events"`
	}{p.Name, homepage, description, redirect, false, hook{homepage, false}, p.Permissions, []string{}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return string(text)
}

// Link returns the address of GitHub's form, filled in, for somebody who may
// make the App. It gives no key back.
// https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-using-url-parameters
func (p Plan) Link() string {
	query := url.Values{
		"name": {p.Name}, "url": {homepage}, "description": {description}, "public": {"false"}, "webhook_active": {"false"},
	}
	for name, level := range p.Permissions {
		query.Set(name, level)
	}
	return p.formPage() + "?" + query.Encode()
}
