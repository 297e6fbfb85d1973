package permission

import (
	"maps"
	"strings"
	"testing"
)

func FuzzOperations(f *testing.F) {
	fuzzNeeds(f, []string{
		"", "GET /repos/{owner}/{repo}/issues\ngit push", "/repos/acme/api/isues?x=y", "https://h/api/v3/zen", "gh api -X post /x",
		"GET /user\r\nPUT //", "git\x00", "://", "/repos/o/r/contents/a//b",
	}, Operations)
}

func FuzzScopes(f *testing.F) {
	texts := []string{"", "repo, read:org\nrepo:push", "(no scope)", "gist\tuser # x", "'repo'\x00", "(no  scope),"}
	fuzzNeeds(f, texts, func(text string, _ Set) ([]Need, []error) { return Scopes(text) })
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "contents: read\npull-requests: write # why", "contents=read, issues=write", `{"contents":"read"}`,
		"contents: none", "workflows: read\n'a': \"b\"", "contents: read\r\n\x00", `{"a":{"b":[1]}`, "contents: \u212aread",
	} {
		for i := range markers {
			f.Add(text, uint(i), uint(len(text)/2))
		}
	}
	f.Fuzz(func(t *testing.T, text string, which, at uint) {
		set, errs := Parse(text)
		if len(errs) == 0 {
			again, errs := Parse(set.YAML())
			if len(errs) > 0 || !maps.Equal(set, again) {
				t.Errorf("%q: got %v and, from its YAML, %v, %v", text, set, again, errs)
			}
		}
		for name, level := range set {
			if err := Check(name, level); err != nil {
				t.Errorf("%q: Parse takes what Check refuses: %v", text, err)
			}
		}

		// The same text with a secret somewhere in it.
		secret := markers[which%uint(len(markers))]
		i := int(at % uint(len(text)+1))
		if leaks(text, secret) {
			return
		}
		set, errs = Parse(text[:i] + secret + text[i:])
		if all := texts(errs) + "\n" + strings.Join(Unknown(set), "\n"); leaks(all, secret) {
			t.Errorf("%q with a secret at %d:\n%s", text, i, all)
		}
	})
}

// fuzzNeeds checks that a need, read from a text, is read from its own name as
// well, and that no secret in the text is repeated.
func fuzzNeeds(f *testing.F, texts []string, read func(text string, chosen Set) ([]Need, []error)) {
	for _, text := range texts {
		for i := range markers {
			f.Add(text, uint(i), uint(len(text)/2))
		}
	}
	f.Fuzz(func(t *testing.T, text string, which, at uint) {
		needs, errs := read(text, nil)
		for _, n := range needs {
			again, errs := read(n.From, n.Permissions)
			if len(errs) > 0 || len(again) != 1 || !maps.Equal(n.Permissions, again[0].Permissions) || !known(n.Permissions) {
				t.Errorf("%q: got %v and, from its name, %v, %v", text, n, again, errs)
			}
		}
		secret := markers[which%uint(len(markers))]
		if leaks(joinedTexts(needs, errs), secret) {
			return
		}
		i := int(at % uint(len(text)+1))
		if all := joinedTexts(read(text[:i]+secret+text[i:], nil)); leaks(all, secret) {
			t.Errorf("%q with a secret at %d:\n%s", text, i, all)
		}
	})
}
