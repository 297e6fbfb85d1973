package pat

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// ending returns a token that ends, and that its owner is told of.
func ending(kind Kind, change ...func(*Token)) *item {
	it := &item{
		Decision:   Decision{Token: *token(kind, change...), Action: Revoke, Rule: "unused", Notice: 14 * day},
		conditions: []string{"unused-for: 90d", "granted-for: 30d"}, since: noon, due: noon.Add(14 * day),
	}
	if kind == Authorization {
		it.Action = Withdraw
	}
	return it
}

func warning(kind Kind, change ...func(*Token)) *item {
	it := ending(kind, change...)
	it.Action, it.Rule, it.Notice, it.due, it.conditions = Notice, "no end", 0, time.Time{}, []string{"never-expires: true"}
	return it
}

func noticeFor(items ...*item) *notice {
	n := &notice{person: &person{login: "monalisa", id: 9, listed: true}, mention: true}
	n.fill(items)
	return n
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestBody(t *testing.T) {
	n := noticeFor(
		ending(Grant),
		ending(Grant, func(t *Token) { t.ID, t.Name, t.LastUsed = 26, "old one", time.Time{} }),
		ending(Authorization, func(t *Token) { t.Name, t.Expires = "laptop", time.Time{} }),
		warning(Grant, func(t *Token) { t.ID, t.Name, t.Expires = 27, "for ever", time.Time{} }),
	)
	n.kept = []entry{entryOf(ending(Grant, func(t *Token) { t.Organization = "beta" }))}
	golden(t, "notice.md", n.body(func(t *Token) string {
		if t.Kind == Authorization {
			return ""
		}
		return "```yaml\n- uses: valetkey/valetkey@v1\n```"
	}))
	n.listed = false // the login is what a marker says
	if body := n.body(nil); strings.Contains(body, "@monalisa") {
		t.Errorf("somebody is called by a marker:\n%s", body)
	}
}

// Whatever others write, it is shown as code on its line, and calls nobody.
func TestBodyOfHostileTexts(t *testing.T) {
	hostile := "x` @mallory [click](https://evil.example) <img src=x> --> <!-- #1\n\n# Heading\n- item \u202e www.evil.example"
	it := ending(Authorization, func(t *Token) {
		t.Name, t.Owner, t.Credential = hostile, hostile, hostile
	})
	it.Rule, it.conditions = hostile, []string{hostile}
	n := noticeFor(it)
	n.login = hostile
	golden(t, "notice_hostile.md", n.title()+"\n"+n.body(nil))
}

// A value that somebody took for a name is shown to nobody.
func TestBodyHidesWhatLooksLikeASecret(t *testing.T) {
	value := "ghp" + "_" + strings.Repeat("a1B2", 9)
	if body := noticeFor(ending(Grant, func(t *Token) { t.Name = value })).body(nil); strings.Contains(body, value) {
		t.Error(body)
	}
}

// A login from a list or a marker is called only if GitHub could have made it.
func TestWhoIsCalled(t *testing.T) {
	for login, want := range map[string]bool{
		"monalisa": true, "mona-lisa": true, "monalisa_acme": true, "Mona1": true,
		"acme/platform": false, "mona lisa": false, "renovate[bot]": false, "möna": false, "": false, "a@b": false, "ab\u212a": false,
	} {
		n := noticeFor(ending(Grant))
		n.login = login
		if got := strings.Contains(n.body(nil), "\n@"); got != want {
			t.Errorf("%q: called is %v", login, got)
		}
	}
}

func TestMarker(t *testing.T) {
	m := marker{Owner: "monalisa", OwnerID: 9, Tokens: []entry{
		{Organization: "acme", Kind: Grant, ID: 25, TokenID: 7, Rule: "no end --> <!-- @all", Since: 1795176060},
		{Organization: "acme", Kind: Authorization, ID: 26, Rule: "unused", Since: 1795176060, Until: 1796385660},
	}}
	text := m.String()
	if strings.Count(text, "-->") != 1 || strings.Contains(text, "@") {
		t.Error(text)
	}
	strange := m
	strange.Tokens = append(slices.Clone(m.Tokens), entry{Organization: "acme", Kind: Request, ID: 1, Rule: "r", Since: 1})
	if got, isNotice, err := readMarker(strange.String()); err != nil || !isNotice || len(got.Tokens) > 0 {
		t.Errorf("%+v, %v, %v", got, isNotice, err)
	}
	got, isNotice, err := readMarker(text + "\n\nHello.")
	if err != nil || !isNotice || !reflect.DeepEqual(got, m) {
		t.Errorf("%+v, %v, %v", got, isNotice, err)
	}
}

// The marker is always whole, however long names and rules are, and the body
// stays below what GitHub takes.
func TestBodyIsBounded(t *testing.T) {
	for name, long := range map[string]string{
		"long":          strings.Repeat("x", 300),
		"escaped":       strings.Repeat("<", 300),
		"of backticks":  strings.Repeat("`", 300),
		"of many bytes": strings.Repeat("𝕏", 300),
	} {
		var items []*item
		for i := range 2 * maxTold {
			it := ending(Grant, func(t *Token) { t.ID, t.Name, t.Organization = int64(i+1), long, long })
			it.Rule, it.conditions = long, []string{long, long, long}
			items = append(items, it)
		}
		n := noticeFor(items...)
		body := n.body(func(t *Token) string { return strings.Repeat("y", 5000) + t.name() })
		m, isNotice, err := readMarker(body)
		if err != nil || !isNotice || len(m.Tokens) != len(n.told) || len(n.told) == 0 || len(n.told)+len(n.left) != len(items) {
			t.Errorf("%s: %d of %d in the marker, %d left, %v", name, len(m.Tokens), len(n.told), len(n.left), err)
		}
		if !utf8.ValidString(body) || len(body) > maxBody {
			t.Errorf("%s: %d bytes", name, len(body))
		}
		shown := strings.Count(body, "loses its access")
		if rest := regexp.MustCompile(`… and (\d+) more`).FindStringSubmatch(body); shown < len(n.told) && rest == nil {
			t.Errorf("%s: %d are shown, and no word about %d", name, shown, len(n.told)-shown)
		}
	}
}

// Those that were told of before stay, and ends come before warnings.
func TestWhoFindsRoom(t *testing.T) {
	var items []*item
	for i := range maxTold {
		items = append(items, warning(Grant, func(t *Token) { t.ID = int64(i + 1) }))
		items[i].told = true
	}
	items = append(items, ending(Grant, func(t *Token) { t.ID = 1000 }), ending(Grant, func(t *Token) { t.ID = 1001 }))
	items[maxTold+1].told = true
	n := noticeFor(items...)
	if n.told[0].Token.ID != 1001 || n.told[1].Token.ID != 1000 || len(n.left) != 2 || n.left[0].ends() {
		t.Errorf("%d, %d, and %d are left", n.told[0].Token.ID, n.told[1].Token.ID, len(n.left))
	}
}

// A body, whatever it is, is a notice of ours or none, and never more than it
// says.
func FuzzReadMarker(f *testing.F) {
	f.Add(marker{Owner: "monalisa", Tokens: []entry{{Organization: "acme", Kind: Grant, ID: 1, Rule: "r", Since: 1}}}.String())
	f.Add(markerBegin + `{"owner":"a","tokens":[{"o":"acme","k":"grant","i":9223372036854775807,"r":"r","s":-1}]}` + markerEnd)
	f.Fuzz(func(t *testing.T, body string) {
		m, isNotice, err := readMarker(body)
		if isNotice != strings.HasPrefix(body, markerBegin) || err != nil && len(m.Tokens) > 0 {
			t.Errorf("%v, %v, %v", m, isNotice, err)
		}
		for _, e := range m.Tokens {
			if e.isStrange() {
				t.Errorf("%+v", e)
			}
		}
	})
}
