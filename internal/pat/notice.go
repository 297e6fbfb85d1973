package pat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	// maxNotices is how many issues one run opens; the next one goes on. GitHub
	// lets one account write 500 in an hour.
	maxNotices = 300

	// longestPromise bounds how late an issue may say that a token ends.
	// Whoever may edit issues could put it off for ever otherwise.
	longestPromise = 366 * 24 * time.Hour
)

// desk is the repository where owners are told, with the issues that are open.
type desk struct {
	*Engine
	manifest.PATNotices
	people  []*person // in the order in which the lists have them
	byLogin map[string]*person
	byID    map[int64]*person
	damaged []int // numbers of issues of ours that nobody can read any more
	opened  int   // issues that this run opened
	halted  bool  // a write failed, so no other is tried
}

// person is an owner of tokens, and the issues that tell them.
type person struct {
	login  string
	id     int64    // zero: nobody says it
	listed bool     // a list of this run has the login; otherwise a marker does
	items  []*item  // all tokens of theirs that were judged
	issues []*issue // the first is the one that counts; two runs at once may have opened more
}

// consult finds out what owners were told before, and so which ends are due.
func (r *run) consult(ctx context.Context) {
	if !r.wantsDesk() {
		return
	}
	now := r.Now()
	var err error = errNoDesk
	if r.Policy.Notices != nil {
		r.desk, err = r.openDesk(ctx)
	}
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%w; nothing ends that needs a notice", err))
	}
	for _, o := range r.organizations {
		for _, it := range o.items {
			switch {
			case !it.tells():
			case err != nil && r.acts(&it.Decision):
				it.outcome, it.err = NotDone, errUnknownNotice
			case err == nil:
				r.date(it, now)
			}
		}
	}
}

var (
	errNoDesk        = fault.New("rules give notice, and the policy names no repository for it", "set notices: {repository: OWNER/NAME}")
	errUnknownNotice = errors.New("what its owner was told is not known")
)

// wantsDesk reports whether the open notices matter: because a decision needs
// one, or because one may have to be closed.
func (r *run) wantsDesk() bool {
	if !givesNotice(r.Policy, r.Sections, true) {
		return false
	}
	if r.Enforce && r.Policy.Enforce && r.Policy.Notices != nil {
		return true
	}
	for _, o := range r.organizations {
		if slices.ContainsFunc(o.items, (*item).tells) {
			return true
		}
	}
	return false
}

// tells reports whether the owner has to be told of a decision.
func (it *item) tells() bool { return it.Action == Notice || it.ends() && it.Notice > 0 }

// date finds out since when an owner knows of a decision, and when it is due.
func (r *run) date(it *item, now time.Time) {
	before := r.desk.find(it, now)
	if before == nil {
		it.begin(now)
		return
	}
	it.told, it.since = true, before.since
	if it.ends() { // a rule that became stricter does not break what was said
		it.due = latest(it.since.Add(it.Notice), before.until)
	}
}

// begin sets the times of a notice that begins now.
func (it *item) begin(now time.Time) {
	it.since = wholeMinute(now)
	if it.ends() {
		it.due = it.since.Add(it.Notice)
	}
}

// wholeMinute returns the next whole minute. A notice begins no earlier than its
// issue, which is opened some seconds later.
func wholeMinute(t time.Time) time.Time { return t.Add(time.Minute).Truncate(time.Minute) }

// openDesk reads the open notices, and finds out whose they are.
func (r *run) openDesk(ctx context.Context) (*desk, error) {
	d := &desk{Engine: r.Engine, PATNotices: *r.Policy.Notices, byLogin: map[string]*person{}, byID: map[int64]*person{}}
	issues, err := d.read(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range r.organizations {
		for _, it := range o.items {
			p := d.whose(it.Token.Owner, it.Token.OwnerID)
			p.login, p.listed = it.Token.Owner, true
			p.items = append(p.items, it)
		}
	}
	for _, one := range issues {
		p := d.whose(one.marker.Owner, one.marker.OwnerID)
		p.issues = append(p.issues, one)
	}
	if len(d.damaged) > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%s/%s: notices %s are not as they were written, and count for nothing: close them",
			d.Owner, d.Repository, wording.Names(numbered(d.damaged))))
	}
	return d, nil
}

// whose returns the person with an id; where one of the two ids is not known,
// the one with the login. Somebody who took over the login of another person
// has another id.
func (d *desk) whose(login string, id int64) *person {
	p := d.byID[id]
	if p == nil {
		p = d.byLogin[strings.ToLower(login)]
	}
	if p == nil || p.id != 0 && id != 0 && p.id != id {
		p = &person{login: login}
		d.people = append(d.people, p)
		d.byLogin[strings.ToLower(login)] = p
	}
	if id != 0 {
		p.id = id
		d.byID[id] = p
	}
	return p
}

// told is since when an owner knows of a decision, and until when the token was
// said to work; until is zero for a notice alone.
type told struct{ since, until time.Time }

// find returns what the owner was told of a decision before this run, or nil.
func (d *desk) find(it *item, now time.Time) *told {
	p := d.whose(it.Token.Owner, it.Token.OwnerID)
	if len(p.issues) == 0 {
		return nil
	}
	first := p.issues[0]
	for _, e := range first.marker.Tokens {
		if !e.isAbout(it) {
			continue
		}
		// Whoever may edit the issue may write any time. None makes a notice
		// shorter than the issue is old, and none puts an end off for ever.
		t := told{since: latest(first.CreatedAt, earliest(e.since(), wholeMinute(now))), until: e.until()}
		if t.until.Sub(t.since) > longestPromise {
			t.until = time.Time{}
		}
		return &t
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// issue is one issue as GitHub lists it.
type issue struct {
	Number    int64     `json:"number"`
	Title     string    `json:"title"`
	Body      *string   `json:"body"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	User      *struct {
		Login string `json:"login"`
	} `json:"user"`
	PullRequest *struct{} `json:"pull_request"`

	marker marker
}

// read returns the open issues that we wrote and that are notices, by number.
func (d *desk) read(ctx context.Context) ([]*issue, error) {
	if d.Author == "" {
		return nil, errors.New("read the notices: it is not known which login the App writes issues as")
	}
	req := d.request("list the open notices in "+d.Owner+"/"+d.Repository, "read", "")
	req.Path += "?" + url.Values{"state": {"open"}, "creator": {d.Author}, "sort": {"created"}, "direction": {"asc"}}.Encode()
	list, _, err := apicall.List(ctx, d.Call, req, "", func(i *issue) int64 { return i.Number })
	if err != nil {
		return nil, err
	}
	d.damaged = nil
	var ours []*issue
	for i := range list {
		if one := &list[i]; d.isOurs(one) {
			ours = append(ours, one)
		}
	}
	slices.SortFunc(ours, func(a, b *issue) int { return cmp.Compare(a.Number, b.Number) })
	return ours, nil
}

// isOurs reports whether an issue is an open notice that we wrote, and reads its
// marker. That GitHub was asked for our issues alone proves nothing.
func (d *desk) isOurs(one *issue) bool {
	if one.User == nil || !strings.EqualFold(one.User.Login, d.Author) || one.State != "open" || one.PullRequest != nil {
		return false
	}
	var isNotice bool
	var err error
	one.marker, isNotice, err = readMarker(orZero(one.Body))
	if err != nil {
		d.damaged = append(d.damaged, int(one.Number))
	}
	return isNotice && err == nil
}

func (d *desk) request(op, level, path string) apicall.Request {
	return apicall.Request{
		Owner: d.Owner, Repository: d.Repository, Permission: "issues", Level: level, Op: op, Method: http.MethodGet,
		Path: "repos/" + url.PathEscape(d.Owner) + "/" + url.PathEscape(d.Repository) + "/issues" + path,
	}
}
