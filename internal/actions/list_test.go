package actions

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestList(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        []string
		problem     string
	}{
		{"list", "a, b\n c,,A b", []string{"a", "b", "c", "A"}, ""},
		{"no list", "", nil, ""},
		{"a list of nothing", " , ,\n", nil, "is given, but names nothing"},
		{"a blank list", "\n", nil, "holds nothing but white space"},
		{"a JSON array", ` [ "a", "b c",` + "\n" + `"a" ] `, []string{"a", "b c"}, ""},
		{"an empty JSON array", "[ ]", nil, "is given, but names nothing"},
		{"a broken JSON array", `["a", b]`, nil, "is not a JSON array of strings"},
		{"a JSON array of more than strings", `["a", 1]`, nil, "is not a JSON array of strings"},
		{"a JSON array with a hole", `["a", ""]`, nil, "has an empty entry in its JSON array"},
		{"a JSON array with null", `["a", null]`, nil, "has an empty entry in its JSON array"},
		{"a pattern is no array", "[ab]-*, c", []string{"[ab]-*", "c"}, ""},
		{"a list of YAML", "- a\n- b", nil, "is written as a YAML list, with dashes"},
		{"a dash in front of a name", "-a\nb-", []string{"-a", "b-"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := newRunner(t, map[string]string{"INPUT_PLAIN": c.value})
			in := r.Inputs(&Schema{Inputs: []InputSchema{{Name: "plain"}}}, nil)
			if diff := cmp.Diff(c.want, in.List("plain")); diff != "" {
				t.Error(diff)
			}
			var want string
			if c.problem != "" {
				want = "input plain: " + c.problem
			}
			if got := errorText(in.Err()); got != want {
				t.Errorf("error %q, want %q", got, want)
			}
		})
	}
}
