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
	for _, c := range []struct {
		name string
		env  map[string]string
		read func(*Inputs) any
		want any
		err  string
	}{
		{"trimmed", map[string]string{"INPUT_PLAIN": " x \n"}, func(in *Inputs) any { return in.String("plain") }, "x", ""},
		{
			"a secret is not trimmed",
			map[string]string{"INPUT_PLAIN": " x \n"},
			func(in *Inputs) any { return in.Secret("plain").Reveal() }, " x \n", "",
		},
		{
			"space becomes underscore",
			map[string]string{"INPUT_WITH_DEFAULT": "x"},
			func(in *Inputs) any { return in.String("with default") }, "x", "",
		},
		{"default", nil, func(in *Inputs) any { return in.String("with default") }, "red", ""},
		{
			"default of an empty one",
			map[string]string{"INPUT_WITH_DEFAULT": ""},
			func(in *Inputs) any { return in.String("with default") }, "red", "",
		},
		{
			"blank is not empty",
			map[string]string{"INPUT_WITH_DEFAULT": " \n"},
			func(in *Inputs) any { in.String("with default"); return in.String("with default") }, "red",
			"input with default: holds nothing but white space",
		},
		{
			"a blank secret",
			map[string]string{"INPUT_PLAIN": " \n"},
			func(in *Inputs) any { return in.Secret("plain").Empty() }, true,
			"input plain: holds nothing but white space",
		},
		{"a blank key", map[string]string{"INPUT_PLAIN": " \n"}, func(in *Inputs) any { return in.Key("plain").Empty() }, true, ""},
		{"a key as it is", map[string]string{"INPUT_PLAIN": " x\n"}, func(in *Inputs) any { return in.Key("plain").Reveal() }, " x\n", ""},
		{
			"expression",
			map[string]string{"GITHUB_API_URL": "https://ghes/api/v3"},
			func(in *Inputs) any { return in.String("api") },
			"https://ghes/api/v3", "",
		},
		{"expression without a runner", nil, func(in *Inputs) any { return in.String("api") }, "", ""},
		{"true", map[string]string{"INPUT_FLAG": "TRUE"}, func(in *Inputs) any { return in.Bool("flag") }, true, ""},
		{
			"no boolean",
			map[string]string{"INPUT_FLAG": "yes"},
			func(in *Inputs) any { return in.Bool("flag") }, false,
			`input flag: "yes" is not one of its values`,
		},
		{
			"list",
			map[string]string{"INPUT_PLAIN": "a, b\n c,,A b"},
			func(in *Inputs) any { return in.List("plain") },
			[]string{"a", "b", "c", "A"},
			"",
		},
		{"no list", nil, func(in *Inputs) any { return in.List("plain") }, []string(nil), ""},
		{
			"a list of nothing",
			map[string]string{"INPUT_PLAIN": " , ,\n"},
			func(in *Inputs) any { return in.List("plain") },
			[]string(nil), "input plain: is given, but names nothing",
		},
		{
			"a blank list",
			map[string]string{"INPUT_PLAIN": "\n"},
			func(in *Inputs) any { return in.List("plain") }, []string(nil),
			"input plain: holds nothing but white space",
		},
		{
			"a JSON array",
			map[string]string{"INPUT_PLAIN": ` [ "a", "b c",` + "\n" + `"a" ] `},
			func(in *Inputs) any { return in.List("plain") },
			[]string{"a", "b c"},
			"",
		},
		{
			"an empty JSON array",
			map[string]string{"INPUT_PLAIN": "[ ]"},
			func(in *Inputs) any { return in.List("plain") },
			[]string(nil), "input plain: is given, but names nothing",
		},
		{
			"a broken JSON array",
			map[string]string{"INPUT_PLAIN": `["a", b]`},
			func(in *Inputs) any { return in.List("plain") },
			[]string(nil), "input plain: is no JSON array of texts",
		},
		{
			"a JSON array of more than texts",
			map[string]string{"INPUT_PLAIN": `["a", 1]`},
			func(in *Inputs) any { return in.List("plain") }, []string(nil), "input plain: is no JSON array of texts",
		},
		{
			"a JSON array with a hole",
			map[string]string{"INPUT_PLAIN": `["a", ""]`},
			func(in *Inputs) any { return in.List("plain") },
			[]string(nil), "input plain: has an empty entry in its JSON array",
		},
		{
			"a JSON array with null",
			map[string]string{"INPUT_PLAIN": `["a", null]`},
			func(in *Inputs) any { return in.List("plain") },
			[]string(nil), "input plain: has an empty entry in its JSON array",
		},
		{
			"a pattern is no array",
			map[string]string{"INPUT_PLAIN": "[ab]-*, c"},
			func(in *Inputs) any { return in.List("plain") },
			[]string{"[ab]-*", "c"},
			"",
		},
		{
			"a list of YAML",
			map[string]string{"INPUT_PLAIN": "- a\n- b"},
			func(in *Inputs) any { return in.List("plain") },
			[]string(nil), "input plain: is written as a list of YAML, with dashes",
		},
		{
			"a dash in front of a name",
			map[string]string{"INPUT_PLAIN": "-a\nb-"},
			func(in *Inputs) any { return in.List("plain") },
			[]string{"-a", "b-"},
			"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := newRunner(t, c.env)
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
