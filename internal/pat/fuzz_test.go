package pat

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/manifest"
)

// FuzzDecide makes rules, a token and facts of the input, and checks what holds
// for all of them.
func FuzzDecide(f *testing.F) {
	f.Add([]byte("a few rules and a token"), "monalisa", "report bot", "{token} of {owner}: {permissions} on {repositories}")
	f.Add([]byte{2, 0xff, 7, 1, 0x80, 3, 9, 200, 41, 5}, "Hubot", "\u202e\n\x1b[2J", strings.Repeat("{repositories} ", 60))
	f.Add([]byte{1, 3, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233}, "acme-bot", strings.Repeat("é ", 900), "{expires}{rule}{nothing}")
	random := rand.New(rand.NewPCG(16, 7)) // the same every time
	for range 2000 {
		data := make([]byte, 100)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data, []string{"monalisa", "hubot", "acme-bot", "monalisa"}[random.IntN(4)], "ci 7", "{permissions} on {repositories}")
	}
	ci := repositories(f, `"acme/ci-*", "!acme/ci-old"`)
	f.Fuzz(func(t *testing.T, data []byte, login, name, template string) {
		m := &maker{data: data, ci: ci, template: template}
		source, subject, facts := m.policy(), m.token(login, name), m.facts()
		p, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		protection := Protection{Owners: map[string]string{"hubot": "it started this run"}}
		d := p.Decide(protection, subject, facts, noon)
		sound(t, source, &d)
		if strings.EqualFold(login, "hubot") && d.Action != Skip {
			t.Errorf("protected, and yet: %s", d)
		}
		inOrder(t, source, subject, facts, &d)
		inBothModes(t, source, subject, facts, protection, &d)
		for rounds := 0; d.Missing != nil; rounds++ {
			if rounds > 20 {
				t.Fatalf("still missing %v", d.Missing)
			}
			m.find(t, facts, d.Missing)
			d = p.Decide(protection, subject, facts, noon)
			sound(t, source, &d)
		}
		m.findMore(facts)
		if again := p.Decide(protection, subject, facts, noon); !same(again, d) {
			t.Errorf("what does not matter turns %s into %s", d, again)
		}
	})
}

// same reports whether two decisions are the same, but for what was asked on
// the way.
func same(a, b Decision) bool {
	a.Steps, b.Steps = nil, nil
	return reflect.DeepEqual(a, b)
}

// sound checks a decision by itself: only a rule acts, and does what it says.
func sound(t *testing.T, source *manifest.PATs, d *Decision) {
	t.Helper()
	if d.Rule == "" && !slices.Contains([]Action{Wait, Keep, Skip}, d.Action) || d.Missing != nil && (d.Action != Wait || d.Rule != "") {
		t.Errorf("no rule decides: %s", d)
	}
	if d.Rule != "" {
		rules := *listOf(source, d.Token.Kind)
		i := slices.IndexFunc(rules, func(r manifest.PATRule) bool { return r.Name == d.Rule })
		if i < 0 || Action(rules[i].Do) != d.Action || d.Steps[len(d.Steps)-1].Rule != d.Rule || len(d.Steps) != i+1 {
			t.Errorf("not what the rule says: %s", d)
		}
		for n, step := range d.Steps {
			if last := n == len(d.Steps)-1; step.Answer != yes(last) {
				t.Errorf("step %d of %s is %s", n, d, step.Answer)
			}
		}
	}
	if d.Rule == "" && d.Reason == "" {
		t.Errorf("no reason: %s", d)
	}
	if d.Rule != "" && utf8.RuneCountInString(d.Reason) > maxReason || strings.ContainsAny(d.Reason, "\n\r\x1b\u202e") {
		t.Errorf("no reason that GitHub takes: %q", d.Reason)
	}
}

// inOrder checks that the rule that decides or stops is the first that by
// itself does not leave the token alone.
func inOrder(t *testing.T, source *manifest.PATs, subject *Token, facts *Facts, d *Decision) {
	t.Helper()
	if d.Action == Skip || len(d.Steps) == 0 {
		return
	}
	for i, r := range *listOf(source, subject.Kind) {
		alone := *source
		*listOf(&alone, subject.Kind) = []manifest.PATRule{r}
		p, err := Compile(&alone)
		if err != nil {
			t.Fatal(err)
		}
		one := p.Decide(Protection{}, subject, facts, noon)
		if one.Rule == "" && one.Missing == nil && one.Steps[0].Answer == No {
			continue
		}
		one.Steps = nil
		if !same(one, *d) || len(d.Steps) != i+1 {
			t.Errorf("rule %d comes first: %s, but: %s", i, one, d)
		}
		return
	}
	if d.Reason != "no rule matches it" || d.Missing != nil {
		t.Errorf("no rule by itself does: %s", d)
	}
}

// inBothModes checks that audit mode decides as enforce mode does.
func inBothModes(t *testing.T, source *manifest.PATs, subject *Token, facts *Facts, protection Protection, d *Decision) {
	t.Helper()
	other := *source
	other.Enforce = !source.Enforce
	for kind := range may {
		list := slices.Clone(*listOf(source, kind))
		for i := range list {
			list[i].Audit = !list[i].Audit
		}
		*listOf(&other, kind) = list
	}
	p, err := Compile(&other)
	if err != nil {
		t.Fatal(err)
	}
	in := p.Decide(protection, subject, facts, noon)
	if d.Rule == "" && in.Audit == d.Audit {
		t.Errorf("both have audit %v: %s", d.Audit, d)
	}
	if in.Audit = d.Audit; !reflect.DeepEqual(in, *d) {
		t.Errorf("in one mode %s, in the other %s", d, in)
	}
}

// maker makes things of the bytes of an input; without any left, of zeros.
type maker struct {
	data     []byte
	ci       manifest.Selection
	template string
}

func (m *maker) n(below int) int {
	if len(m.data) == 0 {
		return 0
	}
	n := int(m.data[0]) % below
	m.data = m.data[1:]
	return n
}

func pick[T any](m *maker, list ...T) T { return list[m.n(len(list))] }

func (m *maker) policy() *manifest.PATs {
	source := &manifest.PATs{Organizations: []string{"acme"}, Enforce: m.n(2) == 1}
	for _, kind := range []Kind{Request, Grant, Authorization} {
		for i := range m.n(7) {
			r := manifest.PATRule{
				Name: fmt.Sprintf("rule %d", i), Do: string(pick(m, may[kind]...)), Audit: m.n(3) == 0, If: m.condition(kind),
			}
			if kind == Request {
				r.Reason = m.template
			}
			*listOf(source, kind) = append(*listOf(source, kind), r)
		}
	}
	return source
}

func (m *maker) condition(kind Kind) manifest.PATCondition {
	var c manifest.PATCondition
	set := []func(){
		func() { c.Owner = pick(m, "mona*", "*-bot", "hubot") },
		func() { c.Team = pick(m, "platform", "web") },
		func() { c.Membership = pick(m, member, notAMember) },
		func() { c.Repositories = m.ci },
		func() { c.AnyRepository = m.ci },
		func() { c.RepositoryScope = pick(m, selections...) },
		func() { c.AnyOf = m.permissions() },
		func() { c.AtMost = m.permissions() },
		func() { c.ExpiresWithin = pick(m, day, 90*day) },
		func() { c.NeverExpires = true },
		func() { c.LifetimeOver = pick(m, day, 90*day) },
		func() { c.UnusedFor = pick(m, 7*day, 90*day) },
		func() { c.GrantedFor = pick(m, day, 90*day) },
		func() { c.WaitingFor = pick(m, time.Hour, 90*day) },
		func() { c.Reason = "[0-9]" },
		func() { c.TokenName = pick(m, "*b*", "??") },
		func() { c.Kind = pick(m, credentialKinds...) },
		func() { c.Scopes = []string{pick(m, "repo", "gist")} },
		func() { c.WouldBe = pick(m, "approve", "deny") },
	}
	if kind != Grant {
		set = set[:len(set)-1]
	}
	for range 1 + m.n(2) {
		set[m.n(len(set))]()
	}
	return c
}

func (m *maker) permissions() *manifest.PATPermissions {
	one := map[string]string{pick(m, "contents", "issues"): pick(m, "read", "write", "admin")}
	p := pick(m, manifest.PATPermissions{Repository: one}, manifest.PATPermissions{Organization: one}, manifest.PATPermissions{Other: one})
	return &p
}

func (m *maker) token(login, name string) *Token {
	at := func(rare ...time.Time) time.Time {
		return pick(m, append(rare, noon.Add(-100*day), noon.Add(-95*day), noon.Add(-8*day), noon.Add(-time.Hour), noon.Add(time.Hour))...)
	}
	never := time.Time{}
	s := token(pick(m, Request, Grant, Authorization))
	s.Owner, s.Name, s.Reason = login, name, name
	s.Since, s.LastUsed, s.Expires, s.Expired = at(never), at(never), at(never, noon.Add(50*day)), m.n(5) == 1
	s.Selection = pick(m, "subset", "all", "none", "novel")
	s.Credential = pick(m, "personal access token", "SSH key", "novel")
	s.Scopes = pick(m, []string{"repo"}, nil, []string{})
	one := map[string]string{pick(m, "contents", "issues"): pick(m, "read", "write", "novel")}
	s.Permissions = pick(m, Permissions{Repository: one}, Permissions{Organization: one}, Permissions{})
	return s
}

// facts are few or none; all maps are there, to be added to.
func (m *maker) facts() *Facts {
	f := &Facts{
		Members: map[string]bool{}, Teams: map[string]map[string]bool{}, Repositories: map[Listed][]string{}, Failed: map[Fact]string{},
	}
	if m.n(3) == 1 {
		f.Failed[Fact{Team: "platform"}] = "404"
	}
	return f
}

// find finds out facts, or fails to. None of them may be there already.
func (m *maker) find(t *testing.T, f *Facts, wanted []Fact) {
	for _, w := range wanted {
		if _, failed := f.Failed[w]; failed || f.knows(w) {
			t.Fatalf("%v was asked for, and is there", w)
		}
		if m.n(4) == 3 {
			f.Failed[w] = "502"
			continue
		}
		m.learn(f, w)
	}
}

// findMore finds out all the rest, but for what has failed.
func (m *maker) findMore(f *Facts) {
	rest := []Fact{{Team: "platform"}, {Team: "web"}, {Member: "monalisa"}, {Member: "acme-bot"}}
	for _, kind := range []Kind{Request, Grant} {
		rest = append(rest, Fact{Repositories: Listed{kind, 25}})
	}
	for _, w := range rest {
		if _, failed := f.Failed[w]; !failed && !f.knows(w) {
			m.learn(f, w)
		}
	}
}

func (f *Facts) knows(w Fact) bool {
	_, member := f.Members[w.Member]
	_, team := f.Teams[w.Team]
	_, opened := f.Repositories[w.Repositories]
	return member || team || opened
}

func (m *maker) learn(f *Facts, w Fact) {
	switch {
	case w.Member != "":
		f.Members[w.Member] = m.n(2) == 1
	case w.Team != "":
		f.Teams[w.Team] = pick(m, nil, map[string]bool{"monalisa": true, "acme-bot": true}, maps.Clone(f.Members))
	default:
		f.Repositories[w.Repositories] = pick(m, nil, []string{"acme/ci-a"}, []string{"acme/ci-a", "acme/api"}, []string{"odd"})
	}
}
