package fakegithub

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// codeLifetime is how long the code that a browser brings back opens the key
// (https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest).
const codeLifetime = time.Hour

// registrationRoutes are the pages on which a person makes an App and installs
// it, and the operation that takes it over. Whoever visits them is signed in
// as an owner of every account. Answers about manifests that GitHub refuses are
// unconfirmed.
func registrationRoutes() []route {
	const settings = "/organizations/{account}/settings"
	pages := onPage("", website,
		route{method: "POST", pattern: settings + "/apps/new", serve: showManifest},
		route{method: "POST", pattern: "/settings/apps/new", serve: showManifest},
		route{method: "POST", pattern: "/settings/apps/manifest", serve: registerApp},
		route{method: "GET", pattern: settings + "/installations/{installation}", serve: showInstallation},
		route{method: "GET", pattern: "/settings/installations/{installation}", serve: showInstallation},
	)
	for _, method := range []string{"GET", "POST"} {
		for _, path := range []string{"/apps/{slug}/installations/new", "/github-apps/{slug}/installations/new"} {
			pages = append(pages, route{method: method, pattern: path, auth: website, serve: installPage})
		}
	}
	return append(pages, onPage("apps/apps", public, route{
		method: "POST", pattern: "/app-manifests/{code}/conversions", doc: "create-a-github-app-from-a-manifest", serve: convertManifest,
	})...)
}

// registrations are Apps on their way from a manifest to a key.
type registrations struct {
	asked map[string]*registration // by the id of the confirmation that is shown
	codes map[string]*registration
}

type registration struct {
	owner    *Account
	manifest manifest
	state    string
	app      *App
	key      *rsa.PrivateKey
	expires  time.Time // of the code
}

// showManifest is the page that a manifest is posted to: it shows what would be
// made, and lets the person change the name.
func showManifest(c *call) answer {
	owner := c.visitor()
	if name, named := c.params["account"]; named {
		if owner = c.accounts[strings.ToLower(name)]; owner == nil || owner.Type != "Organization" {
			return c.webPage(http.StatusNotFound, "Page not found", "")
		}
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil || form.Get("manifest") == "" {
		return c.webPage(http.StatusUnprocessableEntity, "No manifest was posted", "")
	}
	m, problem := parseManifest(form.Get("manifest"))
	if problem != "" {
		return c.webPage(http.StatusUnprocessableEntity, "Invalid GitHub App configuration", paragraph(problem))
	}
	id := randomString(base62, 24)
	c.registrations.asked[id] = &registration{owner: owner, manifest: m, state: c.r.URL.Query().Get("state")}
	return c.webPage(http.StatusOK, "Create GitHub App for "+owner.Login, m.confirmation(id))
}

// visitor is the person who looks at the pages, where they are about nobody
// else.
func (c *call) visitor() *Account { return c.addAccount(Account{Login: "octocat", Type: "User"}) }

// registerApp makes the App that the person confirmed, and sends the browser
// back with the code.
func registerApp(c *call) answer {
	form, err := url.ParseQuery(string(c.body))
	asked := c.registrations.asked[form.Get("confirmation")]
	if err != nil || asked == nil {
		return c.webPage(http.StatusNotFound, "Page not found", "")
	}
	name := strings.TrimSpace(form.Get("name"))
	slug := slugOf(name)
	for _, app := range c.apps {
		if strings.EqualFold(app.Name, name) || app.Slug == slug {
			return c.webPage(http.StatusUnprocessableEntity, "Name is already taken", asked.manifest.confirmation(form.Get("confirmation")))
		}
	}
	if slug == "" || len(name) > maxAppName {
		return c.webPage(http.StatusUnprocessableEntity, "Name is invalid", asked.manifest.confirmation(form.Get("confirmation")))
	}
	delete(c.registrations.asked, form.Get("confirmation"))
	if asked.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return c.fail(http.StatusInternalServerError, "Server Error")
	}
	asked.app = c.addApp(App{
		Slug: slug, Name: name, Owner: asked.owner.Login, PublicKey: &asked.key.PublicKey, Permissions: asked.manifest.Permissions,
		setupURL: asked.manifest.SetupURL,
	})
	code := randomString("0123456789abcdef", 40)
	asked.expires = c.now.Add(codeLifetime)
	c.registrations.codes[code] = asked
	back, err := url.Parse(asked.manifest.RedirectURL)
	if err != nil { // it was parsed before
		return c.fail(http.StatusInternalServerError, "Server Error")
	}
	query := back.Query()
	query.Set("code", code)
	if asked.state != "" {
		query.Set("state", asked.state)
	}
	back.RawQuery = query.Encode()
	return answer{status: http.StatusFound, header: map[string]string{"Location": back.String()}, body: document("Redirecting", "")}
}

// slugOf returns the App's name for addresses.
func slugOf(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// convertManifest is POST /app-manifests/{code}/conversions. It needs no
// credential, and works once.
func convertManifest(c *call) answer {
	made := c.registrations.codes[c.params["code"]]
	if made == nil || !c.now.Before(made.expires) {
		return c.notFound()
	}
	delete(c.registrations.codes, c.params["code"])
	c.caller.app = made.app
	body := getApp(c).body.(map[string]any)
	c.caller.app = nil
	body["client_secret"] = randomString("0123456789abcdef", 40)
	body["webhook_secret"] = nil
	body["pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(made.key)}))
	return answer{status: http.StatusCreated, body: body}
}

// showInstallation is the page of an installation's settings.
func showInstallation(c *call) answer {
	id, err := strconv.ParseInt(c.params["installation"], 10, 64)
	in := c.installations[id]
	if err != nil || in == nil {
		return c.webPage(http.StatusNotFound, "Page not found", "")
	}
	return c.webPage(http.StatusOK, c.apps[in.AppID].Name+" is installed on "+in.Account, paragraph("Repository access: "+in.selection()))
}
