package pat

import (
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// noon is the time of most decisions.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// repositories returns a list of repositories as a manifest has it.
func repositories(t testing.TB, list string) manifest.Selection {
	t.Helper()
	f, err := manifest.Parse("m.yml", []byte("secrets: [{name: A, to: [{repositories: ["+list+"]}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	return f.Secrets[0].To[0].Repositories
}

// compile returns a policy of acme that enforces these rules.
func compile(t testing.TB, kind Kind, rules ...manifest.PATRule) *Policy {
	t.Helper()
	source := manifest.PATs{Organizations: []string{"acme"}, Enforce: true}
	*listOf(&source, kind) = rules
	p, err := Compile(&source)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listOf(source *manifest.PATs, kind Kind) *[]manifest.PATRule {
	return map[Kind]*[]manifest.PATRule{
		Request: &source.Requests, Grant: &source.Grants, Authorization: &source.Authorizations,
	}[kind]
}

// token returns one that is as good as any.
func token(kind Kind, change ...func(*Token)) *Token {
	t := &Token{
		Kind: kind, Organization: "acme", ID: 25, TokenID: 98716, Name: "report bot", Owner: "Monalisa", OwnerID: 9,
		Since: noon.Add(-100 * day), Expires: noon.Add(100 * day), LastUsed: noon.Add(-10 * day),
	}
	if kind == Authorization {
		t.OwnerID, t.Credential, t.Scopes = 0, "personal access token", []string{"repo", "read:org"}
	} else {
		t.Selection = "subset"
		t.Permissions.Repository = map[string]string{"metadata": "read", "contents": "write"}
	}
	if kind == Request {
		t.Reason = "nightly report, OPS-12"
	}
	for _, c := range change {
		c(t)
	}
	return t
}

// does is what the rule of a test does.
var does = map[Kind]string{Request: "approve", Grant: "revoke", Authorization: "withdraw"}
