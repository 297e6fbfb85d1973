package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
)

func TestSchemaGolden(t *testing.T) {
	golden(t, "testdata/schema.json", string(Schema()))
}

func TestReference(t *testing.T) {
	golden(t, "../../docs/manifest.md", Reference())
}

func TestExample(t *testing.T) {
	f, err := Parse("example.yml", []byte(Example))
	if err != nil {
		t.Fatal(report(t, err))
	}
	golden(t, "testdata/example.out", dump(f))
}

// judge validates documents as editors do, all by the same schema. The
// validator compiles a schema for each call, so they come as one list.
func judge(t testing.TB, schema any, docs ...any) error {
	t.Helper()
	var list openapi3.Schema
	text, err := json.Marshal(map[string]any{"type": "array", "items": schema})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(docs)
	if err != nil {
		t.Fatal(err)
	}
	var clean any
	if err := json.Unmarshal(text, &clean); err != nil {
		t.Fatal(err)
	}
	return list.VisitJSON(clean, openapi3.EnableJSONSchema2020())
}

func exampleDoc(t testing.TB) any {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(Example), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// The forms of the table match what they should, and each example in it is
// valid.
func TestTable(t *testing.T) {
	for _, s := range shapes() {
		for _, f := range s.fields {
			if f.about == "" || f.example == "" {
				t.Errorf("%s: %s is not described", s.name, f.key)
			}
			if f.form != nil && f.kind == text && !f.form.matches(f.example) {
				t.Errorf("%s: %s: the example %s is not of the form", s.name, f.key, f.example)
			}
			if f.defaultText != "" && len(f.words) > 0 && !slices.Contains(f.words, f.defaultText) {
				t.Errorf("%s: %s: the default is none of the words", s.name, f.key)
			}
		}
	}
}

// beyond holds the errors that the parser finds and the schema can't express.
var beyond = []string{
	"a repository that is not", "a list that only excludes", "a topic of nobody", "repositories of ",
	"another rotation has this name", "a token lives for an hour", "is stored twice", "recipient-variable without age",
	"allow-empty without a list",
	"retire-after is longer than every",
	"a repository of none of the organizations", "another rule of ", "RE2 does not take", "a notice, and no notices",
	"would-be without requests", "so this matches everything", "alone matches everything", "expression matches everything",
	`/*" matches everything`, "excludes everything",
}

// Parser and schema both accept a mutated example, or both refuse it.
func TestSchemaAgrees(t *testing.T) {
	schema := json.RawMessage(Schema())
	not := map[string]any{"not": schema}
	var taken, refused []any
	names := map[string]string{}
	try := func(doc any, what string) {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		names[string(text)] = what
		if _, err = Parse("m.yml", text); onlyBeyond(t, err) {
			taken = append(taken, json.RawMessage(text))
		} else {
			refused = append(refused, json.RawMessage(text))
		}
	}
	for section, content := range exampleDoc(t).(map[string]any) { // one at a time, because each document is judged whole
		mutate(map[string]any{section: content}, try)
	}
	if len(taken) < 500 || len(refused) < 8000 {
		t.Errorf("%d taken and %d refused test little", len(taken), len(refused))
	}
	for _, group := range []struct {
		schema any
		docs   []any
		fault  string
	}{{schema, taken, "the schema alone refuses"}, {not, refused, "the parser alone refuses"}} {
		if judge(t, group.schema, group.docs...) == nil {
			continue
		}
		for _, doc := range group.docs {
			if err := judge(t, group.schema, doc); err != nil {
				_, fault := Parse("m.yml", doc.(json.RawMessage))
				t.Errorf("%s the example %s: %.300v\n%v", group.fault, names[string(doc.(json.RawMessage))], err, fault)
			}
		}
	}
}

func onlyBeyond(t testing.TB, err error) bool {
	t.Helper()
	return !slices.ContainsFunc(faultsOf(t, err), func(f *Fault) bool {
		return !slices.ContainsFunc(beyond, func(b string) bool { return strings.Contains(f.Problem, b) })
	})
}

// mutate calls try with every document that differs from doc in one place.
func mutate(doc any, try func(doc any, what string)) {
	var walk func(node any, path string, set func(any))
	walk = func(node any, path string, set func(any)) {
		for _, other := range []any{
			nil, true, 7, 32, 0.5, "", "x", "a/b", "mint", "selected", "all", "read", "1d", "45m", "Ünï", "GITHUB_X", "topic:acme/x",
			"a/..", "[a-b", "a/[a-b]", "*", "a b", "acme/*", "admin:org", "10%", "6d", "366d", "{owner}", "{x}",
			[]any{7, 7},
			[]any{},
			[]any{"acme/a"},
			[]any{"actions"},
			[]any{"actions", "agents"},
			[]any{"agents", "agents"},
			[]any{nil},
			map[string]any{},
			map[string]any{"contents": "read"},
		} {
			set(other)
			try(doc, fmt.Sprintf("%s = %v", path, other))
		}
		set(node)
		switch n := node.(type) {
		case map[string]any:
			keys := slices.Sorted(maps.Keys(n))
			for _, key := range keys {
				old := n[key]
				delete(n, key)
				try(doc, "without "+path+"."+key)
				n[key] = old
				walk(old, path+"."+key, func(v any) { n[key] = v })
			}
			for key, v := range allKeys() {
				if _, there := n[key]; !there {
					n[key] = v
					try(doc, "with "+path+"."+key)
					delete(n, key)
				}
			}
		case []any:
			for i, old := range n {
				walk(old, fmt.Sprintf("%s[%d]", path, i), func(v any) { n[i] = v })
			}
		}
	}
	root := doc
	walk(root, "", func(v any) { doc = v })
}

// allKeys returns a document with a good value for every key of the table.
func allKeys() map[string]any {
	all := map[string]any{"other": "x"}
	for _, s := range shapes() {
		for _, f := range s.fields {
			var v any
			if err := yaml.Unmarshal([]byte(strings.ReplaceAll(f.example, "acme/*", "acme/x")), &v); err != nil {
				panic(err)
			}
			all[f.key] = v
		}
	}
	return all
}

func TestSchemaOfFiles(t *testing.T) {
	text, err := os.ReadFile("testdata/ok/defaults.yml")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if err := judge(t, json.RawMessage(Schema()), doc, exampleDoc(t)); err != nil {
		t.Error(err)
	}
}
