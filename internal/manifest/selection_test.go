package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// selectionOf parses a list as the manifest has it.
func selectionOf(t testing.TB, list string) Selection {
	t.Helper()
	f, err := Parse("m.yml", []byte("secrets: [{name: A, to: [{repositories: ["+list+"]}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	return f.Secrets[0].To[0].Repositories
}

func TestSelection(t *testing.T) {
	for _, tt := range []struct {
		list   string
		owners string
		exact  string // "no" when it isn't
		all    string
		text   string
	}{
		{"acme/api", "acme", "acme/api", "", "acme/api"},
		{"acme/api, ACME/API, acme/web", "acme", "acme/api acme/web", "", "acme/api, ACME/API, acme/web"},
		{"acme/api, other/api", "acme other", "acme/api other/api", "", "acme/api, other/api"},
		{`"acme/*"`, "acme", "no", "acme", "acme/*"},
		{`"acme/*", acme/api`, "acme", "no", "", "acme/*, acme/api"},
		{`"acme/**"`, "acme", "no", "", "acme/**"},
		{
			`acme/web-*, "!acme/web-old", acme/web-old, acme/web-new`, "acme", "no", "",
			"acme/web-*, !acme/web-old, acme/web-old, acme/web-new",
		},
		{`acme/a, "!ACME/[a-b]", acme/c`, "acme", "no", "", "acme/a, !ACME/[a-b], acme/c"},
		{`topic:acme/pay`, "acme", "no", "", "topic:acme/pay"},
		{
			`acme/x, other/y, topic:pay, "!topic:old"`, "acme other", "no", "",
			"acme/x, other/y, topic:acme/pay, topic:other/pay, !topic:acme/old, !topic:other/old",
		},
	} {
		t.Run(tt.list, func(t *testing.T) {
			s := selectionOf(t, tt.list)
			names, ok := s.Exact()
			exact := strings.Join(names, " ")
			if !ok {
				exact = "no"
			}
			all, ok := s.All()
			got := []string{strings.Join(s.Owners(), " "), exact, all, s.String()}
			want := []string{tt.owners, tt.exact, tt.all, tt.text}
			if diff := cmp.Diff(want, got); diff != "" || ok != (tt.all != "") || s.Empty() {
				t.Errorf("%v %s", ok, diff)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	pay := []string{"go", "pay"}
	for _, tt := range []struct {
		list, repository string
		topics           []string
		archived, want   bool
	}{
		{"acme/api", "acme/api", nil, false, true},
		{"acme/api", "Acme/API", nil, true, true},
		{"acme/api", "acme/api2", nil, false, false},
		{"acme/api", "other/api", nil, false, false},
		{`"acme/*"`, "acme/.github", nil, false, true},
		{`"acme/*"`, "acme/api", nil, true, false},
		{`"acme/*", acme/api`, "acme/api", nil, true, true},
		{"acme/Web-?", "acme/wEB-1", nil, false, true},
		{"acme/web-?", "acme/web-12", nil, false, false},
		{`"acme/web-[A-C]"`, "acme/web-b", nil, false, true},
		{`"acme/web-[^a-c]"`, "acme/web-b", nil, false, false},
		{`acme/web-*, "!acme/web-old"`, "acme/WEB-old", nil, false, false},
		{`"!acme/web-old", acme/web-old`, "acme/web-old", nil, false, false},
		{"topic:acme/pay", "acme/x", pay, false, true},
		{"topic:acme/pay", "acme/x", pay, true, false},
		{"topic:acme/pay", "acme/x", []string{"payments"}, false, false},
		{"topic:acme/pay", "other/x", pay, false, false},
		{`"acme/*", "!topic:pay"`, "acme/x", pay, false, false},
		{`acme/x, "!topic:pay"`, "acme/x", pay, false, false},
		{`acme/x, "!topic:pay"`, "acme/x", nil, false, true},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			owner, name, _ := strings.Cut(tt.repository, "/")
			x := NewIndex(owner, []Repository{{Name: name, Topics: tt.topics, Archived: tt.archived}})
			if got := len(selectionOf(t, tt.list).Select(x).Repositories) == 1; got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		list, repository string
		want             bool
	}{
		{"acme/api", "ACME/Api", true},
		{"acme/API", "acme/api", true},
		{"acme/api", "acme/api2", false},
		{"acme/api", "other/api", false},
		{"acme/api, other/web", "other/web", true},
		{"acme/web-*", "acme/WEB-1", true},
		{"acme/web-*", "other/web-1", false},
		{`acme/web-*, "!acme/web-old"`, "acme/web-1", true},
		{`acme/web-*, "!acme/web-old"`, "acme/Web-OLD", false},
		{`"!acme/web-o*", acme/web-old`, "acme/web-old", false},
		{`acme/web-*, other/x, "!other/web-1"`, "acme/web-1", true},
		{"topic:acme/web", "acme/web", false},
		{`"acme/*", "!topic:acme/web"`, "acme/web", true},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			owner, name, _ := strings.Cut(tt.repository, "/")
			if got := selectionOf(t, tt.list).Covers(owner, name); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestEmptySelection(t *testing.T) {
	var s Selection
	_, exact := s.Exact()
	_, all := s.All()
	if !s.Empty() || exact || all || s.Covers("", "") || s.Covers("acme", "api") || s.String() != "" || s.Owners() != nil {
		t.Error("an empty selection means something")
	}
	if m := s.Select(NewIndex("acme", []Repository{{Name: "api"}})); m.Repositories != nil || m.Absent != nil || m.Idle != nil {
		t.Errorf("an empty selection means %+v", m)
	}
}

// The selected of an organization are its own, so a topic needs no owner.
func TestSelectedTopic(t *testing.T) {
	f, err := Parse("m.yml", []byte("secrets: [{name: A, to: [{organization: acme, visibility: selected, selected: [topic:pay]}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Secrets[0].To[0].Selected.String(); got != "topic:acme/pay" {
		t.Error(got)
	}
}
