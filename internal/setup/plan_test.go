package setup

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/permission"
)

var acme = Plan{
	Website: "https://github.com", Organization: "acme", Name: "valetkey-mint-acme",
	Permissions: permission.Set{"contents": "write", "issues": "read"},
}

// The manifest asks for the permissions, and for nothing that nobody asked for.
func TestManifest(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(acme.manifest("http://127.0.0.1:1/x/made")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "valetkey-mint-acme", "url": homepage, "description": description, "redirect_url": "http://127.0.0.1:1/x/made",
		"public": false, "hook_attributes": map[string]any{"url": homepage, "active": false}, "default_events": []any{},
		"default_permissions": map[string]any{"contents": "write", "issues": "read"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The link fills in the same form for somebody else.
func TestLink(t *testing.T) {
	u, err := url.Parse(acme.Link())
	if err != nil || u.Host+u.Path != "github.com/organizations/acme/settings/apps/new" {
		t.Fatalf("%s, %v", u, err)
	}
	want := url.Values{
		"name": {"valetkey-mint-acme"}, "url": {homepage}, "description": {description}, "public": {"false"},
		"webhook_active": {"false"}, "contents": {"write"}, "issues": {"read"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Error(diff)
	}
}

func TestAddresses(t *testing.T) {
	server := Plan{Website: "https://ghes.test", Enterprise: true, Organization: "acme"}
	tenant := Plan{Website: "https://acme.ghe.com"}
	for _, c := range []struct{ got, want string }{
		{acme.formPage(), "https://github.com/organizations/acme/settings/apps/new"},
		{acme.deletePage("my-key"), "https://github.com/organizations/acme/settings/apps/my-key/advanced"},
		{acme.InstallPage("my-key"), "https://github.com/apps/my-key/installations/new"},
		{server.InstallPage("my-key"), "https://ghes.test/github-apps/my-key/installations/new"},
		{server.AppsPage(), "https://ghes.test/organizations/acme/settings/apps"},
		{tenant.formPage(), "https://acme.ghe.com/settings/apps/new"},
		{tenant.InstallPage("../x?y"), "https://acme.ghe.com/apps/..%2Fx%3Fy/installations/new"},
		{tenant.host(), "acme.ghe.com"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
