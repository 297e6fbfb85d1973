package fakegithub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// maxAppName is the length of an App's name (unconfirmed).
const maxAppName = 34

// manifest describes an App to be made, as far as it is served here
// (https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest#github-app-manifest-parameters).
type manifest struct {
	Name           string            `json:"name"`
	URL            string            `json:"url"`
	Description    string            `json:"description"`
	RedirectURL    string            `json:"redirect_url"`
	SetupURL       string            `json:"setup_url"`
	SetupOnUpdate  bool              `json:"setup_on_update"`
	CallbackURLs   []string          `json:"callback_urls"`
	RequestOAuth   bool              `json:"request_oauth_on_install"`
	Public         bool              `json:"public"`
	HookAttributes *hookAttributes   `json:"hook_attributes"`
	Events         []string          `json:"default_events"`
	Permissions    map[string]string `json:"default_permissions"`
}

type hookAttributes struct {
	URL    string `json:"url"`
	Active *bool  `json:"active"`
}

// parseManifest returns what is wrong with a manifest, or "". A key that GitHub
// does not document is a mistake of ours, and so it is refused here.
func parseManifest(text string) (m manifest, problem string) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() {
		return m, "The manifest is not a JSON object of the documented keys."
	}
	addresses := map[string]string{"url": m.URL, "redirect_url": m.RedirectURL}
	if m.HookAttributes != nil {
		addresses["hook_attributes.url"] = m.HookAttributes.URL
	}
	if m.SetupURL != "" {
		addresses["setup_url"] = m.SetupURL
	}
	for _, key := range slices.Sorted(maps.Keys(addresses)) {
		if u, err := url.Parse(addresses[key]); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return m, fmt.Sprintf("%s must be a URL.", key)
		}
	}
	if m.HookAttributes == nil && len(m.Events) > 0 {
		return m, "Events need a webhook."
	}
	for _, name := range slices.Sorted(maps.Keys(m.Permissions)) {
		if !isPermission(name) || levels[m.Permissions[name]] == 0 {
			return m, fmt.Sprintf("Default permission %s: %s is not a permission.", name, m.Permissions[name])
		}
	}
	return m, ""
}

// isPermission reports whether an App can have a permission. Those of
// organizations and enterprises are judged by their beginning.
func isPermission(name string) bool {
	return slices.Contains(repositoryPermissions, name) || name == "members" ||
		strings.HasPrefix(name, "organization_") || strings.HasPrefix(name, "enterprise_")
}

// confirmation is the form with which the person makes the App.
func (m manifest) confirmation(id string) string {
	var b strings.Builder
	b.WriteString("<ul>")
	for _, name := range slices.Sorted(maps.Keys(m.Permissions)) {
		b.WriteString("<li>" + html.EscapeString(name+": "+m.Permissions[name]) + "</li>")
	}
	fmt.Fprintf(&b, `</ul><form method="post" action="/settings/apps/manifest"><input type="hidden" name="confirmation" value="%s">`+
		`<label>GitHub App name <input name="name" value="%s"></label> <button>Create GitHub App</button></form>`,
		html.EscapeString(id), html.EscapeString(m.Name))
	return b.String()
}
