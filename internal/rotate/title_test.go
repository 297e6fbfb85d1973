package rotate

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func FuzzATitleIsOursOnlyInOurForm(f *testing.F) {
	for _, seed := range []string{
		"ci", "ci (valetkey 1a2b3c4d5e6f 2026-11-21T03:49:05Z 7f3a2c)", "ci (valetkey 1a2b3c4d5e6f 2026-11-21T03:49:05Z 7F3A2C)",
		"ci (valetkey 1A2B3C4D5E6F 2026-11-21T03:49:05Z 7f3a2c)", "ci (valetkey 2026-11-21T03:49:05Z 7f3a2c)",
		"ci (valetkey 1a2b3c4d5e6f 2026-13-21T03:49:05Z 7f3a2c)", " (valetkey 1a2b3c4d5e6f 2026-02-30T03:49:05Z 7f3a2c)",
		"ci (valetkey 1a2b3c4d5e6f 2026-11-21T03:49:05Z 7f3a2c) ", "ci (valetkey 1a2b3c4d5e6f 2026-11-21T03:49:05Z 7f3a2c) (valetkey )",
	} {
		f.Add("ci", seed)
	}
	form := regexp.MustCompile(`^(?s:.+) \(valetkey ([0-9a-f]{12}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) [0-9a-f]{6}\)$`)
	id := testOrigin.id("infra")
	f.Fuzz(func(t *testing.T, title, full string) {
		made := newTitle(title, id, noon)
		if got := idIn(made); title != "" && got != id {
			t.Errorf("%q is not taken for ours", made)
		}
		for _, other := range []string{made + " ", made + "x", strings.ToUpper(made), strings.Replace(made, id, id[1:], 1)} {
			if idIn(other) == id && other != made {
				t.Errorf("%q is taken for ours", other)
			}
		}
		got := idIn(full)
		if got == "" {
			return
		}
		parts := form.FindStringSubmatch(full)
		if parts == nil || parts[1] != got {
			t.Fatalf("%q is taken for a title of ours", full)
		}
		if when, err := time.Parse(time.RFC3339, parts[2]); err != nil || when.Format(stamp) != parts[2] {
			t.Errorf("%q has a time that there is not", full)
		}
	})
}

func TestWhoseAKeyIs(t *testing.T) {
	const name = "infra"
	same := []Origin{testOrigin, {"GitHub.com", "1", testOrigin.Path}}
	others := []Origin{
		{"github.com", "2", testOrigin.Path},
		{"github.com", "acme/app", testOrigin.Path},
		{"github.com", "1", ".github/staging.yml"},
		{"github.com", "1", ".github/Valetkey.yml"},
		{"github.example.com", "1", testOrigin.Path},
	}
	for _, o := range same {
		if o.id(name) != testOrigin.id(name) || o.id("INFRA") != testOrigin.id(name) || o.id("infra2") == testOrigin.id(name) {
			t.Errorf("%+v has the id %s", o, o.id(name))
		}
	}
	seen := map[string]bool{testOrigin.id(name): true}
	for _, o := range others {
		if id := o.id(name); len(id) != 2*idBytes || seen[id] {
			t.Errorf("%+v has the id %q", o, id)
		}
		seen[o.id(name)] = true
	}
	if a, b := (Origin{"github.com", "Acme/App", "m"}), (Origin{"github.com", "acme/app", "m"}); a.id(name) != b.id(name) {
		t.Error("the case of a name counts")
	}
	for _, o := range []Origin{{}, {"github.com", "", "m"}, {"github.com", "1", ""}, {"", "1", "m"}} {
		if id := o.id(name); id != "" {
			t.Errorf("%+v has the id %s", o, id)
		}
	}
	// Without an id nothing is done, and no key counts as ours.
	inBubble(t, "unknown", func(t *testing.T, f *fixture) {
		f.addByHand()
		e := f.engine(nil)
		e.Origin.Repository = ""
		f.ResetRequests()
		if got := f.run(e, keyRotation(0))[0]; got.Outcome != Failed || got.Err != error(errOrigin) || len(f.Requests()) != 0 {
			t.Errorf("%+v after %d requests", got, len(f.Requests()))
		}
	})
}
