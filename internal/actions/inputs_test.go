package actions

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInputs(t *testing.T) {
	schema := &Schema{Inputs: []InputSchema{
		{Name: "plain"},
		{Name: "with default", Default: "red"},
		{Name: "flag", Default: "false"},
		{Name: "api", Default: "${{ github.api_url }}"},
	}}
	withDefault := func(in *Inputs) any { return in.String("with default") }
	api := func(in *Inputs) any { return in.String("api") }
	flag := func(in *Inputs) any { return in.Bool("flag") }
	const blank = "holds nothing but white space"
	for _, c := range []struct {
		name, variable, value string
		read                  func(*Inputs) any
		want                  any
		err                   string
	}{
		{"trimmed", "INPUT_PLAIN", " x \n", func(in *Inputs) any { return in.String("plain") }, "x", ""},
		{"space becomes underscore", "INPUT_WITH_DEFAULT", "x", withDefault, "x", ""},
		{"default", "", "", withDefault, "red", ""},
		{"default of an empty one", "INPUT_WITH_DEFAULT", "", withDefault, "red", ""},
		{
			"blank is not empty", "INPUT_WITH_DEFAULT", " \n",
			func(in *Inputs) any { in.String("with default"); return in.String("with default") }, "red", "input with default: " + blank,
		},
		{"a secret is not trimmed", "INPUT_PLAIN", " x \n", func(in *Inputs) any { return in.Secret("plain").Reveal() }, " x \n", ""},
		{"a blank secret", "INPUT_PLAIN", " \n", func(in *Inputs) any { return in.Secret("plain").Empty() }, true, "input plain: " + blank},
		{"a blank key", "INPUT_PLAIN", " \n", func(in *Inputs) any { return in.Key("plain").Empty() }, true, ""},
		{"a key as it is", "INPUT_PLAIN", " x\n", func(in *Inputs) any { return in.Key("plain").Reveal() }, " x\n", ""},
		{"expression", "GITHUB_API_URL", "https://ghes/api/v3", api, "https://ghes/api/v3", ""},
		{"expression without a runner", "", "", api, "", ""},
		{"true", "INPUT_FLAG", "TRUE", flag, true, ""},
		{"no boolean", "INPUT_FLAG", "yes", flag, false, `input flag: "yes" is not one of its values`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := newRunner(t, map[string]string{c.variable: c.value})
			in := r.Inputs(schema, nil)
			if diff := cmp.Diff(c.want, c.read(in)); diff != "" {
				t.Error(diff)
			}
			if got := errorText(in.Err()); got != c.err {
				t.Errorf("error %q, want %q", got, c.err)
			}
		})
	}
}

func TestQuoteNeverShowsASecret(t *testing.T) {
	for _, word := range []string{"acme", "acme/api", "https://x.test", "12x"} {
		if got := Quote(word); got != `"`+word+`"` {
			t.Errorf("Quote(%s) = %s", word, got)
		}
	}
	for kind, word := range map[string]string{
		"installation token": "ghs_" + rand.Text(), "classic": "ghp_" + rand.Text(), "fine-grained": "github_pat_" + rand.Text()[:20],
		"jwt": "eyJ" + rand.Text(), "pem": "-----BEGIN", "identity": "AGE-SECRET-KEY-1" + rand.Text()[:10],
		"long": strings.Repeat("a1", 20), "lines": "a\nb", "spaces": "a b", "command": "##[x]y",
	} {
		if got := Quote(word); strings.Contains(got, word) {
			t.Errorf("%s is shown: %s", kind, got)
		}
	}
}
