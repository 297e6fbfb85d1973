package apicall

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	type item struct {
		ID     int64      `json:"id"`
		Topics []string   `json:"topics,omitempty"`
		At     *time.Time `json:"at"`
		Ours   string
	}
	type list struct {
		Total int               `json:"total_count"`
		Items []*item           `json:"items"`
		Map   map[string]string `json:"map,omitempty"`
	}
	for text, want := range map[string]string{
		`{"total_count":1,"items":[{"id":1}]}`:                                      "",
		`{"total_count":1,"items":[{"id":1,"at":null,"topics":["a"],"more":null}]}`: "",
		`{"total_count":0,"items":[],"map":{"a":"b"}}`:                              "",
		`null`:                             ": it is null",
		` null `:                           ": it is null",
		`{}`:                               ": total_count is missing",
		`{"total_count":0}`:                ": items is missing",
		`{"total_count":null,"items":[]}`:  ": total_count is null",
		`{"total_count":0,"items":null}`:   ": items is null",
		`{"total_count":1,"items":[null]}`: ": items holds null",
		`{"total_count":1,"items":[{}]}`:   ": items[0].id is missing",
		`{"total_count":1,"items":[{"id":null}]}`:              ": items[0].id is null",
		`{"total_count":1,"items":[{"id":1,"topics":null}]}`:   ": items[0].topics is null",
		`{"total_count":1,"items":[{"id":1,"topics":[null]}]}`: ": items[0].topics holds null",
		`{"total_count":0,"items":[],"map":null}`:              ": map is null",
		`{"total_count":0,"items":[],"map":{"a":null}}`:        ": map holds null",
		`{"total_count":0,"items":{}}`:                         "",
		`{"total_count":"ghs_secret","items":[]}`:              "",
		`[]`: "",
		``:   "",
	} {
		var got list
		err := Decode([]byte(text), &got)
		good := strings.Contains(text, `"id":1}]`) || strings.Contains(text, `"more"`) || strings.Contains(text, `"a":"b"`)
		if (err == nil) != good || err != nil && err.Error() != "the answer is not what GitHub's API describes"+want {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// A time that is null never was; of a time that is missing, nobody knows.
func TestDecodeOfWhatMustBeTold(t *testing.T) {
	type item struct {
		Expires *time.Time `json:"expires_at" apicall:"present"`
	}
	for text, want := range map[string]string{
		`{"expires_at":null}`:                   "",
		`{"expires_at":"2026-11-20T00:00:00Z"}`: "",
		`{}`:                                    "the answer is not what GitHub's API describes: expires_at is missing",
	} {
		got := ""
		if err := Decode([]byte(text), new(item)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// A page of repositories, of which GitHub tells much that nobody asks for.
func BenchmarkDecode(b *testing.B) {
	type repository struct {
		ID     int64    `json:"id"`
		Name   string   `json:"full_name"`
		Topics []string `json:"topics,omitempty"`
	}
	var page strings.Builder
	page.WriteString(`{"total_count":100,"repositories":[`)
	for i := range 100 {
		fmt.Fprintf(&page, `{"id":%d,"full_name":"acme/r%d","topics":["a","b"]`, i, i)
		for j := range 70 {
			fmt.Fprintf(&page, `,"other_%d":"https://api.github.test/repos/acme/r%d/other{/name}"`, j, i)
		}
		page.WriteString("},")
	}
	data := []byte(strings.TrimSuffix(page.String(), ",") + "]}")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var got struct {
			Total        int          `json:"total_count"`
			Repositories []repository `json:"repositories"`
		}
		if err := Decode(data, &got); err != nil {
			b.Fatal(err)
		}
	}
}
