package apicall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

type item struct {
	ID int `json:"id"`
}

// server answers with pages of a list that changes meanwhile.
type server struct {
	mu      sync.Mutex
	ids     []int
	bare    bool           // without total_count
	count   func(page int) // told before each page is made
	asked   []string
	total   func(int) int // what total_count says; nil: the truth
	rewrite func(body string) string
	fail    int // the page that fails
}

func (s *server) call(_ context.Context, req Request) (Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req.Path)
	page := 1
	if _, after, ok := strings.Cut(req.Path, "&page="); ok {
		_, _ = fmt.Sscan(after, &page)
	}
	if page == s.fail {
		return Answer{Status: 502}, errors.New("GitHub answered 502")
	}
	if s.count != nil {
		s.count(page)
	}
	from, to := min((page-1)*perPage, len(s.ids)), min(page*perPage, len(s.ids))
	items := make([]item, 0, perPage)
	for _, id := range s.ids[from:to] {
		items = append(items, item{id})
	}
	list, err := json.Marshal(items)
	if err != nil {
		return Answer{}, err
	}
	body := string(list)
	if !s.bare {
		total := len(s.ids)
		if s.total != nil {
			total = s.total(page)
		}
		body = fmt.Sprintf(`{"total_count":%d,"items":%s}`, total, list)
	}
	if s.rewrite != nil {
		body = s.rewrite(body)
	}
	answer := Answer{Status: 200}
	if to < len(s.ids) {
		answer.Next = fmt.Sprintf("organizations/7/things?per_page=100&page=%d", page+1)
	}
	return answer, json.Unmarshal([]byte(body), req.Result)
}

func (s *server) list(t *testing.T) ([]int, Answer, error) {
	t.Helper()
	key := "items"
	if s.bare {
		key = ""
	}
	got, answer, err := List(t.Context(), s.call, Request{Op: "list things", Path: "orgs/acme/things"}, key,
		func(i *item) int { return i.ID })
	var ids []int
	for _, i := range got {
		ids = append(ids, i.ID)
	}
	return ids, answer, err
}

func numbers(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

func TestListReadsEveryPage(t *testing.T) {
	for _, bare := range []bool{false, true} {
		for _, n := range []int{0, 1, 99, 100, 101, 200, 250, 1234, perPage * maxPages} {
			s := &server{ids: numbers(n), bare: bare}
			got, _, err := s.list(t)
			if err != nil || !slices.Equal(got, s.ids) && n > 0 {
				t.Errorf("%d items, bare %v: got %d, %v", n, bare, len(got), err)
			}
			pages := max(1, (n+perPage-1)/perPage)
			if bare && pages > 1 {
				pages *= 2 // two readings have to agree
			}
			if len(s.asked) != pages || s.asked[0] != "orgs/acme/things?per_page=100" {
				t.Errorf("%d items, bare %v: asked %d times: %q …", n, bare, len(s.asked), s.asked[0])
			}
			if n > perPage && s.asked[1] != "organizations/7/things?per_page=100&page=2" && bare {
				t.Errorf("the next page is not where GitHub said: %s", s.asked[1])
			}
		}
	}
}

// An item that is deleted from an earlier page moves the later ones up: another
// one falls between two pages and must not pass for deleted.
func TestListReadsAgainWhatMoved(t *testing.T) {
	for _, bare := range []bool{false, true} {
		s := &server{ids: numbers(250), bare: bare}
		changed := false
		s.count = func(page int) {
			if page == 2 && !changed {
				changed, s.ids = true, s.ids[1:]
			}
		}
		got, _, err := s.list(t)
		if err != nil || len(got) != 249 || got[99] != 101 {
			t.Errorf("bare %v: %d items, %v", bare, len(got), err)
		}
	}
}

func TestListSeesAnItemTwice(t *testing.T) {
	s := &server{ids: numbers(250)}
	added := false
	s.count = func(page int) {
		if page == 2 && !added { // one comes, one goes: the count stays
			added = true
			s.ids = slices.Insert(s.ids[:249], 0, 1000)
		}
	}
	got, _, err := s.list(t)
	if err != nil || len(got) != 250 || got[0] != 1000 || slices.Contains(got, 250) {
		t.Errorf("%d items, %v", len(got), err)
	}
}

func TestListThatDoesNotComeOutEven(t *testing.T) {
	for name, s := range map[string]*server{
		"fewer than the count":        {ids: numbers(5), total: func(int) int { return 6 }},
		"more than the count":         {ids: numbers(5), total: func(int) int { return 4 }},
		"no next page, and more said": {ids: numbers(100), total: func(int) int { return 150 }},
		"a count that moves":          {ids: numbers(150), total: func(page int) int { return 150 + page - 1 }},
		"the same item twice":         {ids: []int{1, 2, 2}},
	} {
		got, _, err := s.list(t)
		if err == nil || got != nil {
			t.Errorf("%s: %d items, %v", name, len(got), err)
		} else if !strings.HasPrefix(err.Error(), "list things: the list was different each of the 3 times") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListOfABareArrayThatAlwaysMoves(t *testing.T) {
	s := &server{ids: numbers(250), bare: true}
	s.count = func(page int) {
		if page == 2 {
			s.ids = s.ids[1:]
		}
	}
	if got, _, err := s.list(t); err == nil {
		t.Errorf("%d items", len(got))
	}
}

func TestListFails(t *testing.T) {
	for _, bare := range []bool{false, true} {
		for page := 1; page <= 3; page++ {
			s := &server{ids: numbers(250), bare: bare, fail: page}
			if got, answer, err := s.list(t); err == nil || got != nil || answer.Status != 502 {
				t.Errorf("page %d, bare %v: %d items, %d, %v", page, bare, len(got), answer.Status, err)
			}
		}
	}
	endless := &server{ids: numbers(100*maxPages + 1), bare: true}
	if _, _, err := endless.list(t); err == nil || !strings.Contains(err.Error(), "more than 1000 pages") {
		t.Errorf("a list without an end: %v", err)
	}
	endless.bare = false
	if _, _, err := endless.list(t); err == nil || !strings.Contains(err.Error(), "more than 1000 pages") {
		t.Errorf("a list without an end: %v", err)
	}
}

// The pages of a long list are read several at once, and no more than that.
func TestListReadsSomePagesAtOnce(t *testing.T) {
	s := &server{ids: numbers(4000)}
	under := make(chan struct{}, pagesAtOnce) // full when as many are under way as may be
	all := make(chan struct{})                // closed when that was so
	var once sync.Once
	call := func(ctx context.Context, req Request) (Answer, error) {
		select {
		case under <- struct{}{}:
		default:
			t.Error("more pages at once than may be")
			return Answer{}, errors.New("too many")
		}
		defer func() { <-under }()
		if strings.Contains(req.Path, "&page=") {
			if len(under) == pagesAtOnce {
				once.Do(func() { close(all) })
			}
			<-all
		}
		return s.call(ctx, req)
	}
	got, _, err := List(t.Context(), call, Request{Path: "orgs/acme/things"}, "items", func(i *item) int { return i.ID })
	if err != nil || len(got) != len(s.ids) {
		t.Errorf("%d items, %v", len(got), err)
	}
}

// An answer that is not a list must not pass for an empty one.
func TestListOfAnotherShape(t *testing.T) {
	for _, body := range []string{
		`null`, `{}`, `[]`, `"items"`, `{"items":[]}`,
		`{"total_count":0}`, `{"total_count":null,"items":[]}`, `{"total_count":0,"items":null}`,
		`{"total_count":-1,"items":[]}`, `{"total_count":1,"items":[null]}`, `{"total_count":1,"items":["a"]}`,
		`{"total_count":"1","items":[]}`,
	} {
		s := &server{rewrite: func(string) string { return body }}
		if got, _, err := s.list(t); err == nil || !strings.HasPrefix(err.Error(), "list things: the answer is not a list") {
			t.Errorf("%s: %d items, %v", body, len(got), err)
		}
	}
	for _, body := range []string{`null`, `{}`, `[null]`, `{"total_count":0,"items":[]}`} {
		s := &server{bare: true, rewrite: func(string) string { return body }}
		if got, _, err := s.list(t); err == nil {
			t.Errorf("%s: %d items", body, len(got))
		}
	}
}

func TestNumbered(t *testing.T) {
	for second, third := range map[string]string{
		"x?page=2":                  "x?page=3",
		"x?per_page=100&page=2":     "x?per_page=100&page=3",
		"x?page=2&per_page=20":      "x?page=3&per_page=20",
		"x?per_page=20&page=2&a=bc": "x?per_page=20&page=3&a=bc",
		"x?page=20":                 "",
		"x?after=abc":               "",
		"x?per_page=2":              "",
	} {
		path, ok := pagePaths(second)
		got := ""
		if ok {
			got = path(3)
		}
		if got != third {
			t.Errorf("%s: %q, want %q", second, got, third)
		}
	}
}
