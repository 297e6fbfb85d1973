package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestPageIsCompact(t *testing.T) {
	t.Parallel()
	if text := read(t, "../../../docs/permissions.md"); len(text) > 60<<10 {
		t.Errorf("docs/permissions.md has %d bytes", len(text))
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	two := map[string]string{"b": "read", "a": "write"}
	for name, c := range map[string]struct {
		endpoint    endpoint
		permissions string
		notes       string
	}{
		"one": {endpoint{Permissions: map[string]string{"a": "read"}, Token: "app"}, "a=read", ""},
		"any": {endpoint{Permissions: two, Token: "app+user", Additional: true, Combine: "any"}, "a=write;b=read", ""},
		"all": {
			endpoint{Permissions: two, Token: "app+user", Additional: true, Combine: "all", Cloud: true},
			"a=write,b=read",
			"cloud",
		},
		"not known": {
			endpoint{Permissions: two, Token: "app+user", Additional: true, Combine: "unknown"}, "a=write,b=read", "unsure",
		},
		"and metadata": {
			endpoint{Permissions: map[string]string{"a": "write"}, Token: "app", Combine: "all+metadata:read"},
			"a=write,metadata=read", "",
		},
		"workflow files": {endpoint{
			Permissions: map[string]string{"contents": "write", "workflows": "write"}, Token: "app",
			Combine: "contents, plus workflows when it may",
		}, "contents=write", "workflows"},
		"of a person":     {endpoint{Permissions: map[string]string{"me": "write"}, Token: "user"}, "me=write", "user"},
		"over an account": {endpoint{Permissions: map[string]string{"me": "read"}, Token: "app+user"}, "me=read", "account"},
		"account and another": {
			endpoint{Permissions: map[string]string{"me": "read", "a": "read"}, Token: "app+user", Combine: "unknown"},
			"a=read",
			"unsure",
		},
	} {
		before := maps.Clone(c.endpoint.Permissions)
		permissions, notes, err := c.endpoint.row(map[string]bool{"me": true})
		if err != nil || permissions != c.permissions || strings.Join(notes, " ") != c.notes {
			t.Errorf("%s: got %q, %q, %v", name, permissions, notes, err)
		}
		if !maps.Equal(before, c.endpoint.Permissions) {
			t.Errorf("%s: the facts were changed", name)
		}
	}
	for name, e := range map[string]endpoint{
		"two, no rule":  {Permissions: two, Token: "app"},
		"another rule":  {Permissions: two, Token: "app", Combine: "some"},
		"another token": {Permissions: map[string]string{"a": "read"}, Token: "robot"},
	} {
		if _, _, err := e.row(nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	permissions := []byte(`[{"name":"a","scope":"repository","levels":["read"],"description":"A."}]`)
	got, err := operations([]byte(`{
		"endpoints": {"GET /x/{one}": {"perms": {"a": "read"}, "token": "app"},
			"DELETE /x/{one}": {"perms": {"a": "read"}, "token": "user"}},
		"jwt_only": ["GET /app"],
		"no_permission_listed": ["GET /x/{a}...{b}", "GET /"]
	}`), permissions)
	want := head + "GET\t/\t\tunlisted\nGET\t/app\t\tjwt\nDELETE\t/x/{one}\ta=read\tuser\nGET\t/x/{one}\ta=read\t\n"
	if err != nil || string(got) != want {
		t.Errorf("got\n%s%v\nwant\n%s", got, err, want)
	}
	list, err := readOperations(got, permissions)
	if err != nil || len(list) != 4 || list[0].usable() || list[2].usable() || !list[3].usable() {
		t.Errorf("got %v, %v", list, err)
	}
	for name, lines := range map[string]string{
		"out of order":     "GET\t/b\ta=read\t\nGET\t/a\ta=read\t\n",
		"twice":            "GET\t/b\ta=read\t\nGET\t/b\ta=read\t\n",
		"no such level":    "GET\t/b\ta=admin\t\n",
		"no such name":     "GET\t/b\tb=read\t\n",
		"no such note":     "GET\t/b\ta=read\tnote\n",
		"no permissions":   "GET\t/b\t\t\n",
		"another method":   "FETCH\t/b\ta=read\t\n",
		"a field too few":  "GET\t/b\ta=read\n",
		"a query":          "GET\t/b?c\ta=read\t\n",
		"a field too many": "GET\t/b\ta=read\t\t\n",
	} {
		if _, err := readOperations([]byte(head+lines), permissions); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := readOperations([]byte("GET\t/b\ta=read\t\n"), permissions); err == nil {
		t.Error("without its head: no error")
	}
}

func TestPackKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	first, err := pack([]byte("text"), nil)
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(first)
	other[4]++ // the time in the header: other bytes that unpack to the same
	if again, err := pack([]byte("text"), other); err != nil || !slices.Equal(again, other) {
		t.Errorf("got other bytes, %v", err)
	}
	if changed, err := pack([]byte("texts"), first); err != nil || slices.Equal(changed, first) {
		t.Errorf("got the same bytes, %v", err)
	}
}

func TestRefreshScopes(t *testing.T) {
	t.Parallel()
	got, err := refreshScopes([]byte(`{
		"s": {"grants": "Theirs.", "permissions": {"a": "read"}, "presets": {"p": {"a": "read"}}, "partial": "Part.", "note": "Note."},
		"n": {"grants": "New.", "permissions": {}, "unsupported": "Never."}
	}`), []byte(`[{"name":"s","grants":"Ours.","permissions":{"a":"write"},"notice":"Our notice."}]`))
	want := `[
{"name":"n","grants":"New.","permissions":{},"why":"no App can have it","instead":"Never."},
{"name":"s","grants":"Ours.","permissions":{"a":"read"},"notice":"Our notice."},
{"name":"s:p","preset":true,"grants":"One job of s.","permissions":{"a":"read"}}
]
`
	if err != nil || string(got) != want {
		t.Errorf("got\n%s%v\nwant\n%s", got, err, want)
	}
}

func TestTablesRefuse(t *testing.T) {
	t.Parallel()
	permissions := []byte(`[{"name":"a","scope":"repository","levels":["read"],"description":"A."}]`)
	const good = `{"name":"s","grants":"S.","permissions":{"a":"read"},"notice":"N."}`
	if _, err := readScopes([]byte(`[`+good+`]`), permissions); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no JSON":             `[`,
		"unknown field":       `[{"nmae":"b"}]`,
		"twice":               `[` + good + `,` + good + `]`,
		"no permissions":      strings.Replace(`[`+good+`]`, `"a":"read"`, ``, 1),
		"no such level":       strings.Replace(`[`+good+`]`, `read`, `write`, 1),
		"no sentence":         strings.Replace(`[`+good+`]`, `S.`, `S`, 1),
		"no sentence, notice": strings.Replace(`[`+good+`]`, `N.`, `N`, 1),
		"both":                strings.Replace(`[`+good+`]`, `notice`, `instead`, 1),
		"instead without why": `[{"name":"s","grants":"S.","permissions":{},"instead":"No."}]`,
		"why without instead": `[{"name":"s","grants":"S.","permissions":{"a":"read"},"why":"No."}]`,
	} {
		if _, err := readScopes([]byte(text), permissions); err == nil {
			t.Errorf("scopes, %s: no error", name)
		}
	}
	for name, text := range map[string]string{
		"out of order":  "git b\ta=read\t\ngit a\ta=read\t\n",
		"no such level": "git a\ta=write\t\n",
		"no such note":  "git a\ta=read\tgrpahql\n",
		"nothing":       "git a\n",
		"no notes":      "git a\ta=read\n",
	} {
		if _, err := readCommands([]byte(text), permissions); err == nil {
			t.Errorf("commands, %s: no error", name)
		}
	}
}
