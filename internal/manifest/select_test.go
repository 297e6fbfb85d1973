package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func repositoryNames(list []Repository) []string {
	var names []string
	for _, r := range list {
		names = append(names, r.Name)
	}
	return names
}

// acme has seven repositories, one of them archived.
func acme() *Index {
	return NewIndex("acme", []Repository{
		{ID: 5, Name: "web-old", Archived: true},
		{ID: 1, Name: "api", Topics: []string{"Pay"}},
		{ID: 2, Name: "API-internal"},
		{ID: 3, Name: "payments", Topics: []string{"pay", "pci"}},
		{ID: 4, Name: "web-1"},
		{ID: 6, Name: "web-2"},
		{ID: 7, Name: ".github"},
	})
}

// Each entry of a list stands for itself: one that selects nothing is reported,
// whatever the others select.
func TestSelectTellsOfEachEntry(t *testing.T) {
	for _, tt := range []struct{ list, names, absent, idle string }{
		{"acme/api", "api", "", ""},
		{`"acme/*"`, ".github api API-internal payments web-1 web-2", "", ""},
		{`"acme/*", "!acme/paymnets"`, ".github api API-internal payments web-1 web-2", "", "!acme/paymnets"},
		{`"acme/*", "!acme/Payments"`, ".github api API-internal web-1 web-2", "", ""},
		{"acme/web-*, acme/zzz-*", "web-1 web-2", "", "acme/zzz-*"},
		{"acme/web-o*", "", "", "acme/web-o* (1 archived)"},
		{"acme/web-old", "web-old", "", ""},
		{`acme/web-*, "!acme/web-o*"`, "web-1 web-2", "", ""},
		{"topic:acme/pay", "api payments", "", ""},
		{`topic:acme/pay, "!topic:pci"`, "api", "", ""},
		{"topic:acme/payy, acme/api", "api", "", "topic:acme/payy"},
		{`acme/api, "!topic:pic"`, "api", "", "!topic:acme/pic"},
		{"acme/web-1, acme/wbe-2, acme/zz?", "web-1", "wbe-2", "acme/zz?"},
		{`acme/nowhere, acme/api, "!topic:pci"`, "api", "nowhere", ""},
		{"acme/z, acme/y, acme/x, acme/w, acme/v, acme/u, acme/api", "api", "u v w x y z", ""},
		{`acme/nowhere, acme/api, "!acme/no*"`, "api", "", "!acme/no*"},
		{`"acme/[wp]*"`, "payments web-1 web-2", "", ""},
		{`"acme/?pi"`, "api", "", ""},
	} {
		t.Run(tt.list, func(t *testing.T) {
			s := selectionOf(t, tt.list)
			m := s.Select(acme())
			var idle []string
			for _, e := range s.Idle([]Meaning{m}) {
				text := e.String()
				if e.Archived > 0 {
					text += fmt.Sprintf(" (%d archived)", e.Archived)
				}
				idle = append(idle, text)
			}
			got := []string{strings.Join(repositoryNames(m.Repositories), " "), strings.Join(m.Absent, " "), strings.Join(idle, " ")}
			if diff := cmp.Diff([]string{tt.names, tt.absent, tt.idle}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A topic without an owner is about each owner of the list, and may be known to
// one of them alone.
func TestIdleOverSeveralOwners(t *testing.T) {
	other := NewIndex("other", []Repository{{Name: "y", Topics: []string{"old"}}})
	s := selectionOf(t, `acme/api, "other/*", topic:pay, "!topic:gone", "!topic:old"`)
	idle := s.Idle([]Meaning{s.Select(acme()), s.Select(other)})
	if len(idle) != 1 || idle[0].String() != "!topic:other/gone" || idle[0].Line != 1 {
		t.Errorf("%v", idle)
	}
	s.AllowEmpty = true
	if idle := s.Idle([]Meaning{s.Select(acme()), s.Select(other)}); idle != nil {
		t.Errorf("allowed, and yet %v", idle)
	}
}

func TestIdleHasItsPlace(t *testing.T) {
	f, err := Parse("m.yml",
		[]byte("secrets:\n  - name: A\n    to:\n      - repositories:\n          - acme/api\n          - acme/zzz-*\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Secrets[0].To[0].Repositories
	idle := s.Idle([]Meaning{s.Select(acme())})
	if len(idle) != 1 || idle[0].Position != (Position{6, 13}) {
		t.Errorf("%+v", idle)
	}
}

func TestWritable(t *testing.T) {
	x := NewIndex("acme", []Repository{{Name: "a"}, {Name: "b", Archived: true}, {Name: "c", Disabled: true}, {Name: "d"}, {Name: "e"}})
	if x.Writable() != 3 || x.Len() != 5 {
		t.Errorf("%d of %d", x.Writable(), x.Len())
	}
}

func TestFind(t *testing.T) {
	if r, ok := acme().Find("Web-OLD"); !ok || r.ID != 5 {
		t.Errorf("%+v, %v", r, ok)
	}
	if _, ok := acme().Find("web"); ok {
		t.Error("found what is not there")
	}
}

func BenchmarkSelect5000(b *testing.B) {
	var repositories []Repository
	var list []string
	for i := range 5000 {
		name := fmt.Sprintf("service-%04d", i)
		repositories = append(repositories, Repository{ID: int64(i), Name: name, Topics: []string{"t" + fmt.Sprint(i%50)}})
		list = append(list, "acme/"+name)
	}
	s := selectionOf(b, strings.Join(list, ", ")+`, acme/service-*, topic:acme/t7, "!acme/service-00[0-4]*"`)
	for b.Loop() {
		if m := s.Select(NewIndex("acme", repositories)); len(m.Repositories) != 4950 {
			b.Fatal(len(m.Repositories))
		}
	}
}
