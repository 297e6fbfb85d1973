package permission

import (
	"fmt"
	"strings"
	"testing"
)

// markers are secrets in shapes that people have pasted into the wrong field.
var markers = []string{
	"ghs_" + "16C7e42F292c6912E7710c838347Ae178B4a",
	"github_pat_" + "11ABCDEFG0abcdefghijkl_1234567890",
	"MIIEpAIBAAKCAQEA7x2mN0tkQ9yJ",
	"AGE-SECRET-KEY-1QQPQQXYZ0",
	"s3cr3tvalue",
	"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2ln",
}

// leaks reports whether text holds the secret, in any case and spelling.
func leaks(text, secret string) bool { return strings.Contains(Name(text), Name(secret)) }

func TestNothingEchoesSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range markers {
		for _, form := range []string{
			"%s", "%s:", "%s: read", "%s: wrte", "contents: %s", "contents=%s,issues=x", "x\n%s=\ny", "%s=read,%[1]s=write",
			`{"%s": 1}`, `{"%s": "no"}`, `{"contents": "%s"}`, `{%s`, "-----BEGIN KEY-----\n%s",
		} {
			set, errs := Parse(fmt.Sprintf(form, secret))
			_, clash := Merge(set, Set{Name(secret): "admin"})
			missing, extra := Compare(set, Set{Name(secret): "admin"})
			all := texts(errs) + texts(clash) + strings.Join(append(append(Unknown(set), missing...), extra...), "\n")
			if leaks(all, secret) {
				t.Errorf("%s is repeated for %s:\n%s", secret, form, all)
			}
		}
	}
}
