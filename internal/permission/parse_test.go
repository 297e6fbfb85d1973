package permission

import (
	"maps"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	both := Set{"contents": "read", "pull_requests": "write"}
	for name, c := range map[string]struct {
		text string
		want Set
	}{
		"nothing":             {"", Set{}},
		"blank and comments":  {"\n  # contents: write\n\t\n", Set{}},
		"lines":               {"contents: read\npull_requests: write\n", both},
		"dashes and case":     {"Contents: READ\nPull-Requests: Write", both},
		"CRLF":                {"contents: read\r\npull_requests: write\r\n", both},
		"CR":                  {"contents: read\rpull_requests: write", both},
		"indented":            {"  contents:read\n  pull_requests :  write", both},
		"comments":            {"contents: read # code\n# more\npull_requests: write\t#x", both},
		"quotes":              {"\"contents\": 'read'\n'pull_requests': \"write\"", both},
		"commas":              {"contents: read, pull-requests: write,", both},
		"equals":              {"contents=read,pull_requests=write", both},
		"commas and lines":    {"contents: read,\npull_requests: write", both},
		"the same twice":      {"contents: read\ncontents: read\npull-requests: write\npull_requests: write", both},
		"JSON":                {` {"contents": "read", "pull-requests": "Write"} `, both},
		"JSON, empty":         {"{}", Set{}},
		"unknown name":        {"new_thing2: admin", Set{"new_thing2": "admin"}},
		"longest name":        {strings.Repeat("a", 64) + ": read", Set{strings.Repeat("a", 64): "read"}},
		"level not seen yet":  {"codespaces_secrets: read", Set{"codespaces_secrets": "read"}},
		"admin where it is":   {"organization_projects: admin", Set{"organization_projects": "admin"}},
		"write where it only": {"workflows: write", Set{"workflows": "write"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, errs := Parse(c.text)
			if len(errs) > 0 || !maps.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, errs, c.want)
			}
		})
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	const shape = "hint: it takes a name and a level, such as contents: read"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"misspelled level": {
			"contents: wrte", []string{`contents: "wrte" is not a level; hint: one of read, write (did you mean write?)`},
		},
		"no level like it": {"contents: maybe", []string{`contents: "maybe" is not a level; hint: one of read, write`}},
		"level it lacks":   {"workflows: read", []string{`workflows: "read" is not one of its levels; hint: its only level is write`}},
		"admin it lacks":   {"contents: admin", []string{`contents: "admin" is not one of its levels; hint: one of read, write`}},
		"none": {
			"contents: none",
			[]string{`contents: "none" cannot be granted; hint: leave it out and name what is needed, a token gets only what is named`},
		},
		"no level":    {"contents", []string{"contents: no level given; hint: one of read, write"}},
		"empty level": {"foo:", []string{"foo: no level given; hint: one of read, write, admin"}},
		"two levels": {
			"contents: read\ncontents: write", []string{"contents: both read and write are asked for; hint: keep one of them"},
		},
		"two spellings": {
			"pull-requests=read, pull_requests=write",
			[]string{"pull_requests: both read and write are asked for; hint: keep one of them"},
		},
		"unspeakable level": {"contents: hunter2!", []string{"contents: the given text is not a level; hint: one of read, write"}},
		"long level":        {"contents: abcdefghijkl", []string{"contents: the given text is not a level; hint: one of read, write"}},
		"malformed name":    {"contents: read\n\nn\u00e4me: read", []string{"line 3: not a permission name; " + shape}},
		"malformed entry":   {"contents: read, 2fa: read", []string{"entry 2: not a permission name; " + shape}},
		"line and entry":    {"contents: read\nissues: read, a b: read", []string{"line 2, entry 2: not a permission name; " + shape}},
		"YAML list": {"- contents: read\n- issues: read", []string{
			"line 1: begins with a dash, as in a list of YAML; hint: write it without, such as contents: read",
			"line 2: begins with a dash, as in a list of YAML; hint: write it without, such as contents: read",
		}},
		"name too long":       {strings.Repeat("a", 65) + ": read", []string{"entry 1: not a permission name; " + shape}},
		"long name, no level": {strings.Repeat("a", 41), []string{"entry 1: no level given; hint: one of read, write, admin"}},
		"token": {
			"ghs_" + "abcdefghijklmnopqrstuvwxyzabcdefghij",
			[]string{"entry 1: looks like a token; hint: take it out and revoke it, permissions need no secret"},
		},
		"token as name": {
			"GHP-abc: read", []string{"entry 1: looks like a token; hint: take it out and revoke it, permissions need no secret"},
		},
		"token with dashes as name": {
			"glpat-abcdef: read", []string{"entry 1: looks like a token; hint: take it out and revoke it, permissions need no secret"},
		},
		"key as name": {
			"age-secret-key-1abc: read",
			[]string{"entry 1: looks like a token; hint: take it out and revoke it, permissions need no secret"},
		},
		"token as level": {
			"contents: github_pat_abc",
			[]string{"contents: looks like a token; hint: take it out and revoke it, permissions need no secret"},
		},
		"key": {
			"contents: read\n-----BEGIN RSA PRIVATE KEY-----\nabc",
			[]string{"a PEM block, such as a private key, is not a list of permissions; hint: pass the key as private-key, and " + example},
		},
		"JSON, no string": {`{"contents": true, "issues": {"a": ["read"]}}`, []string{
			"contents: the level is not a string; hint: one of read, write",
			"issues: the level is not a string; hint: one of read, write",
		}},
		"JSON, twice": {
			`{"contents": "read", "contents": "read"}`, []string{"contents: the key appears twice; hint: keep one of them"},
		},
		"JSON, two spellings": {
			`{"pull-requests": "read", "pull_requests": "read"}`,
			[]string{"pull_requests: the key appears twice; hint: keep one of them"},
		},
		"JSON, odd key": {`{"contents": "read", "": "read"}`, []string{"entry 2: not a permission name; " + shape}},
		"JSON, broken":  {`{contents: read}`, []string{`no valid JSON object near byte 1; hint: {"contents": "read"}, or ` + example}},
		"JSON, open":    {`{"contents": "read"`, []string{`no valid JSON object near byte 19; hint: {"contents": "read"}, or ` + example}},
		"JSON, more": {
			`{"contents": "read"} x`, []string{`no valid JSON object near byte 21; hint: {"contents": "read"}, or ` + example},
		},
		"too long": {strings.Repeat(" ", maxText+1), []string{"more than 64 KiB of text; hint: " + example}},
		"all at once": {"contents: wrte\nworkflows: read\nissues: read\n!", []string{
			`contents: "wrte" is not a level; hint: one of read, write (did you mean write?)`,
			`workflows: "read" is not one of its levels; hint: its only level is write`,
			"line 4: not a permission name; " + shape,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs := Parse(c.text)
			if got, want := texts(errs), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A misspelt name, a word of GitHub's settings page and a word of the
// workflow's own token are errors that name the right one. A name that could be
// new goes to GitHub.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	const job = "not a permission of an App, but a word of the workflow's own token; hint: " +
		"it goes under the job's permissions:, and here each permission has its name and level, such as contents: read"
	for name, want := range map[string]string{
		"content":                     "did you mean contents?",
		"contnets":                    "did you mean contents?",
		"issue":                       "did you mean issues?",
		"key":                         "did you mean keys?",
		"pull-request":                "did you mean pull_requests?",
		"pullrequests":                "did you mean pull_requests?",
		"Pull requests":               "did you mean pull_requests?",
		"organisation_administration": "did you mean organization_administration?",
		"Commit statuses":             "did you mean statuses?",
		"commit_status":               "did you mean statuses?",
		"dependabot-alerts":           "did you mean vulnerability_alerts?",
		"Code scanning alerts":        "did you mean security_events?",
		"Secret scanning alerts":      "did you mean secret_scanning_alerts?",
		"variables":                   "did you mean actions_variables, or organization_actions_variables for an organization's?",
		"webhook":                     "did you mean repository_hooks, or organization_hooks for an organization's?",
		"projects":                    "did you mean repository_projects, or organization_projects for an organization's?",
		"code":                        "did you mean contents?",
		"page":                        "did you mean pages?",
		"Merge queues":                "did you mean merge_queues?",
		"self-hosted-runners":         "did you mean organization_self_hosted_runners?",
		"id-token":                    job,
		"models":                      job,
		"read-all":                    job,
		"write_all":                   job,
		"future_feature":              "",
		"codespaces_usage":            "", // as near to codespaces_secrets as new names are to old ones
		"organization_copilot_memory": "",
	} {
		err := Check(name, "read")
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.HasSuffix(fault.Line(err), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	for word := range pageWords {
		if _, known := Lookup(word); known {
			t.Errorf("%s is a name: the word of the page would never be looked at", word)
		}
		for _, name := range pageWords[word] {
			if _, known := Lookup(name); !known {
				t.Errorf("%s leads to %s, which is no name", word, name)
			}
		}
	}
	_, errs := Parse("read-all")
	if got := texts(errs); got != "read_all: "+job {
		t.Errorf("alone: got %s", got)
	}
	for _, level := range []string{"read", "Write", "admin", "none"} {
		if _, errs := Parse(level); !strings.HasSuffix(texts(errs),
			": a level without a name; hint: it takes both for each permission, such as contents: read") {
			t.Errorf("%s alone: got %v", level, errs)
		}
	}
	if _, errs := Parse("all: read"); !strings.Contains(texts(errs), "write all alone") {
		t.Errorf("all with a level: got %v", errs)
	}
}

func TestParseKeepsTheRest(t *testing.T) {
	t.Parallel()
	got, errs := Parse("contents: read\nissues: wrong\npages: write")
	if want := (Set{"contents": "read", "pages": "write"}); len(errs) != 1 || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v and one error", got, errs, want)
	}
}

func TestParseManyFaults(t *testing.T) {
	t.Parallel()
	_, errs := Parse(strings.Repeat("contents: wrte\n", 25))
	if len(errs) != maxFaults+1 {
		t.Fatalf("got %d errors, want %d", len(errs), maxFaults+1)
	}
	if got, want := fault.Line(errs[maxFaults]), "15 more faults; hint: fix the first 10, then try again"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, level, want string }{
		{"contents", "read", ""},
		{"Pull-Requests", " Write ", ""},
		{"new_thing", "admin", ""},
		{"copilot_agent_settings", "write", ""},
		{"workflows", "read", `workflows: "read" is not one of its levels; hint: its only level is write`},
		{"new_thing", "reed", `new_thing: "reed" is not a level; hint: one of read, write, admin (did you mean read?)`},
		{"contents", "", "contents: no level given; hint: one of read, write"},
		{"a.b", "read", "the name: not a permission name; hint: it takes a name and a level, such as contents: read"},
	} {
		got := ""
		if err := Check(c.name, c.level); err != nil {
			got = fault.Line(err)
		}
		if got != c.want {
			t.Errorf("Check(%q, %q) = %q, want %q", c.name, c.level, got, c.want)
		}
	}
}

func texts(errs []error) string {
	var all []string
	for _, err := range errs {
		all = append(all, fault.Line(err))
	}
	return strings.Join(all, "\n")
}
