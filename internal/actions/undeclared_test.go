package actions

import (
	"crypto/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var wide = &Schema{Inputs: []InputSchema{
	{Name: "app-id"},
	{Name: "git"},
	{Name: "owner"},
	{Name: "repositories"},
	{Name: "level-check", Default: "warn"},
	{Name: "level-contents"},
}}

func wideInputs(t *testing.T, env map[string]string) *Inputs {
	t.Helper()
	var environment []string
	for name, value := range env {
		environment = append(environment, name+"="+value)
	}
	r, _ := newRunner(t, env)
	return r.Inputs(wide, environment)
}

func TestUndeclared(t *testing.T) {
	got := wideInputs(t, map[string]string{
		"INPUT_OWNER": "acme", "INPUT_APP_ID": "7", "INPUT_app-id": "8", "INPUT_EMPTY": "",
		"INPUT_MY=": "x", "INPUT_": "y", "OUTPUT_X": "z",
	}).Undeclared()
	if diff := cmp.Diff([]Given{{"app-id", "8"}, {"app_id", "7"}, {"my", "=x"}}, got); diff != "" {
		t.Error(diff)
	}
	// On systems that ignore the case of variables, both are the same.
	got = wideInputs(t, map[string]string{"INPUT_OWNER": "acme", "INPUT_Owner": "acme"}).Undeclared()
	if len(got) != 0 {
		t.Errorf("of one variable in two cases: %v", got)
	}
}

func TestPrefixed(t *testing.T) {
	secret := "ghs_" + rand.Text()
	in := wideInputs(t, map[string]string{
		"INPUT_LEVEL-CONTENTS": " read ", "INPUT_LEVEL_CONTENTS": "write", "INPUT_LEVEL-NEW_THING": "read", "INPUT_LEVEL-CHECK": "strict",
		"INPUT_LEVEL_CHECK": "strict", "INPUT_LEVEL-OLD": "", "INPUT_LEVEL-BLANK": " ", "INPUT_LEVEL-" + secret: "\n", "INPUT_LEVELS": "x",
	})
	got := in.Prefixed("level-", "level-check")
	if diff := cmp.Diff([]Given{{"level-contents", "read"}, {"level-new_thing", "read"}, {"level_contents", "write"}}, got); diff != "" {
		t.Error(diff)
	}
	const want = "input level-blank: holds nothing but white space\ninput level-…: holds nothing but white space"
	if got := errorText(in.Err()); got != want {
		t.Errorf("faults:\n%s\nwant\n%s", got, want)
	}
}

func TestMeant(t *testing.T) {
	in := wideInputs(t, nil)
	for name, want := range map[string]string{
		"app_id": "app-id", "app id": "app-id", "appid": "app-id", "app-ids": "app-id", "ap_id": "app-id",
		"onwer": "owner", "owners": "owner", "owne": "owner", "own": "",
		"repositoires": "repositories", "repostories": "repositories", "reposotory": "", // three letters off
		"git_": "", "gits": "", "bit": "", "power": "", "tower": "", "version": "", "ref": "", "token": "",
		"level_contents": "level-contents", "": "",
	} {
		if got := in.Meant(name); got != want {
			t.Errorf("Meant(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestMuteNotices(t *testing.T) {
	r, out := newRunner(t, map[string]string{"GITHUB_ACTIONS": "true"})
	r.Notice("one")
	r.MuteNotices()
	r.Notice("two")
	r.Warning("three")
	if got := out.String(); got != "::notice::one\n::warning::three\n" {
		t.Errorf("the log is %q", got)
	}
}
