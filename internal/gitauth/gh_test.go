package gitauth

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestGH(t *testing.T) {
	for _, test := range []struct {
		server, host string
		want         []Pair
	}{
		{"https://github.com", "", []Pair{{"GH_TOKEN", someToken}}},
		{"https://octo.ghe.com", "", []Pair{{"GH_TOKEN", someToken}, {"GH_HOST", "octo.ghe.com"}}},
		{"https://ghes.example.com", "", []Pair{{"GH_ENTERPRISE_TOKEN", someToken}, {"GH_HOST", "ghes.example.com"}}},
		{"https://127.0.0.1:8443", "", []Pair{{"GH_ENTERPRISE_TOKEN", someToken}, {"GH_HOST", "127.0.0.1:8443"}}},
		{"https://notghe.com", "", []Pair{{"GH_ENTERPRISE_TOKEN", someToken}, {"GH_HOST", "notghe.com"}}},
		{"https://ghe.com", "", []Pair{{"GH_ENTERPRISE_TOKEN", someToken}, {"GH_HOST", "ghe.com"}}},
		{"https://github.com", "ghes.example.com", []Pair{{"GH_TOKEN", someToken}, {"GH_HOST", ""}}},
		{"https://ghes.example.com", "octo.ghe.com", []Pair{{"GH_ENTERPRISE_TOKEN", someToken}, {"GH_HOST", "ghes.example.com"}}},
	} {
		got, err := GH(test.server, redact.New(someToken), test.host)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s after %q: %v\n%s", test.server, test.host, err, diff)
		}
	}
	_, err := GH("octo.ghe.com", redact.New(someToken), "")
	wantError(t, err, errServer)
	_, err = GH("https://github.com", redact.New("ghs_1\nGH_HOST=evil"), "")
	wantError(t, err, errToken)
}
