package fakegithub

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// htmlPage is the body of an answer that is a page for people.
type htmlPage string

// webPage is an answer with a page of GitHub's website.
func (c *call) webPage(status int, title, body string) answer {
	return answer{status: status, body: document(title, body)}
}

func document(title, body string) htmlPage {
	title = html.EscapeString(title)
	return htmlPage(`<!doctype html><html lang="en"><meta charset="utf-8"><title>` + title + "</title>\n<h1>" + title + "</h1>\n" +
		body + "</html>\n")
}

func paragraph(text string) string { return "<p>" + html.EscapeString(text) + "</p>" }

// installPage is where a person installs an App. It is private to its owner, as
// every App is that was made here. On a GitHub Enterprise Server it has another
// path.
func installPage(c *call) answer {
	app := c.appBySlug(c.params["slug"])
	if app == nil || strings.HasPrefix(c.path, "/github-apps/") != c.config.EnterpriseServer {
		return c.webPage(http.StatusNotFound, "Page not found", "")
	}
	for _, in := range c.installations {
		if in.AppID == app.ID && in.Account == app.Owner {
			return c.seeInstallation(in, "")
		}
	}
	if c.r.Method != http.MethodPost {
		return c.webPage(http.StatusOK, "Install "+app.Name, c.installForm(app))
	}
	form, err := url.ParseQuery(string(c.body))
	wanted := Installation{AppID: app.ID, Account: app.Owner, All: form.Get("target") == "all", Repositories: form["repository"]}
	for _, name := range wanted.Repositories {
		if c.repositoryNamed(app.Owner, name) == nil {
			return c.webPage(http.StatusUnprocessableEntity, "No such repository", "")
		}
	}
	if err != nil || !wanted.All && len(wanted.Repositories) == 0 {
		return c.webPage(http.StatusUnprocessableEntity, "Select at least one repository", c.installForm(app))
	}
	return c.seeInstallation(c.install(wanted), app.setupURL)
}

// installForm asks for all repositories or some of them.
func (c *call) installForm(app *App) string {
	var b strings.Builder
	b.WriteString(`<form method="post"><label><input type="radio" name="target" value="all"> All repositories</label> ` +
		`<label><input type="radio" name="target" value="selected" checked> Only select repositories</label>`)
	for _, repo := range c.holdingsOf(app.Owner).byID {
		name := html.EscapeString(repo.Name)
		fmt.Fprintf(&b, ` <label><input type="checkbox" name="repository" value="%s"> %s</label>`, name, name)
	}
	b.WriteString(" <button>Install</button></form>")
	return b.String()
}

// seeInstallation leads to the settings of an installation, or to the App's own
// page after an installation.
func (c *call) seeInstallation(in *installation, setup string) answer {
	to := c.installationBody(in)["html_url"].(string)
	if u, err := url.Parse(setup); err == nil && setup != "" {
		query := u.Query()
		query.Set("installation_id", strconv.FormatInt(in.ID, 10))
		query.Set("setup_action", "install")
		u.RawQuery = query.Encode()
		to = u.String()
	}
	return answer{status: http.StatusFound, header: map[string]string{"Location": to}, body: document("Redirecting", "")}
}

func (c *call) appBySlug(slug string) *App {
	for _, app := range c.apps {
		if app.Slug == slug {
			return app
		}
	}
	return nil
}
