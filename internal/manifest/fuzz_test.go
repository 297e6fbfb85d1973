package manifest

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// planted is a token as people paste it. It is made here because scanners look
// for tokens in files.
var planted = "ghp" + "_" + strings.Repeat("aZ09", 9)

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.yml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), 10)
		f.Add(string(text), len(text)/2)
	}
	f.Add(Example, 40)
	f.Fuzz(func(t *testing.T, text string, at int) {
		if len(text) > 1<<14 {
			return
		}
		if file, err := Parse("m.yml", []byte(text)); err == nil {
			hold(t, file, strings.Count(strings.ReplaceAll(text, "\r\n", "\n"), "\n")+strings.Count(text, "\r")+1)
		} else {
			report(t, err)
		}
		at = min(max(at, 0), len(text))
		file, err := Parse("m.yml", []byte(text[:at]+planted+text[at:]))
		for _, fault := range faultsOf(t, err) {
			if all := fault.Error() + fault.Hint; strings.Contains(all, planted) {
				t.Errorf("a token is shown: %s", all)
			}
		}
		if file != nil && strings.Contains(dump(file), planted) {
			t.Errorf("a token passes for something else: %s", dump(file))
		}
	})
}

// hold checks what every user of Parse relies on.
func hold(t *testing.T, f *File, lines int) {
	t.Helper()
	within := func(p Position) {
		if p.Line < 1 || p.Line > lines || p.Column < 1 {
			t.Errorf("position %v of %d lines", p, lines)
		}
	}
	must := func(ok bool, what string) {
		if !ok {
			t.Errorf("%s in\n%s", what, dump(f))
		}
	}
	scope := func(s *Scope) {
		if s != nil {
			within(s.Position)
			must(len(s.Repositories.Owners()) == 1 && len(s.Permissions) > 0, "a scope of not one owner, or of nothing")
		}
	}
	must(len(f.Secrets)+len(f.Rotations) > 0 || f.PATs != nil, "an empty file")
	holdPATs(f, within, must)
	for _, s := range f.Secrets {
		within(s.Position)
		scope(s.Mint)
		must(s.Name != "" && (s.Variable != "") == (s.Mint == nil) && len(s.To) > 0, "a secret from nowhere or to nowhere")
		for _, to := range s.To {
			within(to.Position)
			must(to.Repositories.Empty() == (to.Organization != ""), "not one target")
			must(len(to.Apps) > 0 && (len(to.Environments) == 0 || slices.Equal(to.Apps, []string{"actions"})), "apps")
			must(to.Selected.Empty() == (to.Visibility != "selected"), "selected")
		}
	}
	for _, r := range f.Rotations {
		within(r.Position)
		scope(r.InstallationToken)
		kinds := 0
		for _, there := range []bool{r.DeployKey != nil, r.InstallationToken != nil, r.Random != nil, r.Age} {
			if there {
				kinds++
			}
		}
		must(kinds == 1 && r.Every > 0 && len(r.Store) > 0, "a rotation of nothing, never, or to nowhere")
		for _, s := range r.Store {
			within(s.Position)
			must((s.Repository == "") == (s.Organization != "") && (s.Repository == "") == (s.Owner == ""), "not one store")
			must(len(s.Apps) > 0 && s.Secret != "" && (s.RecipientVariable == "" || r.Age), "a store")
			must(s.Selected.Empty() == (s.Visibility != "selected"), "selected")
		}
	}
}

// holdPATs checks what every user of a policy relies on.
func holdPATs(f *File, within func(Position), must func(ok bool, what string)) {
	p := f.PATs
	if p == nil {
		return
	}
	within(p.Position)
	must(len(p.Organizations) > 0, "nobody's policy")
	must(len(p.Requests)+len(p.Grants)+len(p.Authorizations) > 0 || p.Leaks != nil, "a policy without rules")
	must(p.Leaks == nil || len(p.Leaks.Kinds) > 0 && (p.Leaks.Revoke || !p.Leaks.Resolve), "leaks")
	must(p.Limits.Share >= 1 && p.Limits.Share <= 100, "a share")
	must(min(p.Limits.Approve, p.Limits.Deny, p.Limits.Revoke, p.Limits.Withdraw) >= 0, "limits")
	must(p.Notices == nil || p.Notices.Owner != "" && p.Notices.Repository != "", "notices nowhere")
	for words, rules := range map[string][]PATRule{
		"approve deny wait": p.Requests, "notice revoke keep": p.Grants, "notice withdraw keep": p.Authorizations,
	} {
		for _, r := range rules {
			within(r.Position)
			within(r.If.Position)
			must(r.Name != "" && slices.Contains(strings.Fields(words), r.Do), "a rule without a name or an end")
			must(r.Reason == "" || r.Do == "approve" || r.Do == "deny", "a reason for nothing")
			must(r.Notice == 0 || r.Do == "revoke" || r.Do == "withdraw", "a notice of nothing")
			must((r.Notice == 0 && r.Do != "notice") || p.Notices != nil, "a notice nowhere")
			must(!reflect.DeepEqual(r.If, PATCondition{Position: r.If.Position}), "an if that asks for nothing")
			must(r.If.UnusedFor == 0 || r.If.UnusedFor >= 7*24*time.Hour, "an idle time of days")
			must(strings.Trim(r.If.Owner, "*?") != "" || r.If.Owner == "", "an owner that is everybody")
			for _, s := range []Selection{r.If.Repositories, r.If.AnyRepository} {
				for _, owner := range s.Owners() {
					must(containsFold(p.Organizations, owner), "others' repositories")
				}
				_, all := s.All()
				must(!all, "a selection of everything")
			}
			for _, set := range []*PATPermissions{r.If.AnyOf, r.If.AtMost} {
				must(set == nil || len(set.Organization)+len(set.Repository)+len(set.Other) > 0, "no permissions")
			}
			_, err := regexp.Compile(r.If.Reason)
			must(err == nil, "an expression that does not compile")
		}
	}
}

func FuzzSelection(f *testing.F) {
	f.Add("acme/api, acme/web-*", "acme", "api")
	f.Add(`acme/[a-c]?, "!acme/b*", topic:x`, "ACME", "bb")
	f.Fuzz(func(t *testing.T, list, owner, name string) {
		file, err := Parse("m.yml", []byte("secrets: [{name: A, to: [{repositories: ["+list+"]}]}]"))
		if err != nil || len(file.Secrets[0].To) != 1 {
			return
		}
		s := file.Secrets[0].To[0].Repositories
		meant := func(owner, name string) bool {
			return len(s.Select(NewIndex(owner, []Repository{{Name: name}})).Repositories) > 0
		}
		if meant(owner, name) && !containsFold(s.Owners(), owner) {
			t.Errorf("%v means a repository of none of its owners", s)
		}
		if meant(owner, name) != meant(strings.ToUpper(owner), strings.ToUpper(name)) && isASCII(owner+name) {
			t.Errorf("%v minds case", s)
		}
		if s.Covers(owner, name) != meant(owner, name) && !strings.Contains(list, "topic:") {
			t.Errorf("%v covers %s/%s: %v", s, owner, name, s.Covers(owner, name))
		}
		if names, ok := s.Exact(); ok {
			for _, full := range names {
				o, n, _ := strings.Cut(full, "/")
				m := s.Select(NewIndex(o, nil))
				if !meant(o, n) || !containsFold(m.Absent, n) || len(m.Idle) > 0 {
					t.Errorf("%v has %s, but doesn't mean it", s, full)
				}
			}
		}
		if all, ok := s.All(); ok && !meant(all, name) && name != "" && !strings.Contains(name, "/") {
			t.Errorf("%v doesn't mean %q", s, name)
		}
		// A repository among many has the same meaning as alone.
		x := NewIndex(owner, []Repository{{Name: "a"}, {Name: name}, {Name: "web-1"}, {Name: "zz"}})
		among := containsFold(repositoryNames(s.Select(x).Repositories), name)
		if among != meant(owner, name) {
			t.Errorf("%v means %q: alone %v, among others %v", s, name, !among, among)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}
