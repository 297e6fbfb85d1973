package cli

import (
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/actions"
)

func TestWebsite(t *testing.T) {
	env := map[string]string{"GITHUB_API_URL": "https://ghes.test/api/v3", "GITHUB_SERVER_URL": "https://www.ghes.test"}
	r := actions.New(&strings.Builder{}, func(name string) string { return env[name] })
	for api, want := range map[string]string{
		"https://ghes.test/api/v3/": "https://www.ghes.test", // the runner's own
		"https://api.github.com":    "https://github.com",
		"https://api.octo.ghe.com":  "https://octo.ghe.com",
		"https://other.test/api/v3": "https://other.test",
		"https://api.other.test":    "https://api.other.test",
		"http://127.0.0.1:8080/":    "http://127.0.0.1:8080",
		"no address":                "",
	} {
		if got := website(r, api); got != want {
			t.Errorf("%s: got %s, want %s", api, got, want)
		}
	}
}
