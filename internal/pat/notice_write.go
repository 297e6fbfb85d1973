package pat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var (
	errNoticeFull    = fmt.Errorf("the issue of its owner tells of %d tokens already; this one comes when there is room", maxTold)
	errNoticesPause  = fmt.Errorf("this run has opened %d issues, which is enough for GitHub; the next one goes on", maxNotices)
	errNoticeFailed  = errors.New("another notice could not be written")
	errNoticeChanged = errors.New("its owner's issue was changed while this run went on; the next one looks again")
)

// giveNotice brings every issue to what its owner has to know now: it opens the
// ones that are missing, writes anew what has changed, and closes what is done.
func (r *run) giveNotice(ctx context.Context) {
	if r.desk == nil || !r.Enforce || !r.Policy.Enforce {
		return
	}
	for _, p := range r.desk.people {
		n := r.planNotice(p)
		for _, it := range n.left {
			it.settle(NotDone, errNoticeFull)
		}
		err := ctx.Err()
		if err == nil && r.desk.halted {
			err = errNoticeFailed
		}
		if err == nil {
			err = r.desk.bring(ctx, n)
		}
		n.settle(err)
		if err != nil && r.desk.failed(err) {
			r.errs = append(r.errs, err)
		}
	}
}

// failed reports whether an error of a notice is one of GitHub's, after which no
// other notice is tried.
func (d *desk) failed(err error) bool {
	for _, harmless := range []error{errNoticesPause, errNoticeFailed, errNoticeChanged, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, harmless) {
			return false
		}
	}
	d.halted = true
	return true
}

// settle notes what became of a decision, unless that is known already.
func (it *item) settle(outcome Outcome, err error) {
	if it.outcome == "" {
		it.outcome, it.err = outcome, err
	}
}

// settle notes whether the owner was told. Those who knew before still do when
// the issue could not be brought up to date.
func (n *notice) settle(err error) {
	for _, it := range n.told {
		switch {
		case err == nil, it.told:
			it.settle(Noticed, nil)
		case errors.Is(err, errNoticesPause), errors.Is(err, errNoticeFailed), errors.Is(err, errNoticeChanged), isOver(err):
			it.settle(NotDone, err)
		default:
			it.settle(Failed, err)
		}
	}
}

func isOver(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// planNotice returns what the issue of a person is to say.
func (r *run) planNotice(p *person) *notice {
	n := &notice{person: p, mention: r.Policy.Notices.Mention}
	var wanted []*item
	for _, it := range p.items {
		if it.tells() && r.acts(&it.Decision) && it.outcome != Done && it.outcome != Gone {
			if !it.told { // the run may have had to wait since it was judged
				it.begin(r.Now())
			}
			wanted = append(wanted, it)
		}
	}
	if len(p.issues) > 0 {
		for _, e := range p.issues[0].marker.Tokens {
			if r.isOpen(&e, p) {
				n.kept = append(n.kept, e)
			}
		}
	}
	n.fill(wanted)
	return n
}

// isOpen reports whether this run can't say what becomes of a token that its
// owner was told of: its list was not read, or a rule may apply to it.
func (r *run) isOpen(e *entry, p *person) bool {
	for _, it := range p.items {
		if e.isOf(&it.Token) {
			return it.Action == Wait
		}
	}
	for _, o := range r.organizations {
		if strings.EqualFold(o.name, e.Organization) {
			return !o.read[e.Kind]
		}
	}
	return true // another policy may have it
}

// bring makes an issue say what it is to say.
func (d *desk) bring(ctx context.Context, n *notice) error {
	nothing := len(n.told)+len(n.kept) == 0
	switch {
	case len(n.issues) == 0 && nothing:
		return nil
	case len(n.issues) == 0:
		return d.open(ctx, n)
	}
	for _, extra := range n.issues[1:] {
		if err := d.change(ctx, extra, map[string]any{"state": "closed", "state_reason": "duplicate"}); err != nil {
			return err
		}
		d.info("closed issue %d of %s/%s, a second one for %s", extra.Number, d.Owner, d.Repository, shown(n.login))
	}
	first := n.issues[0]
	change := map[string]any{}
	if title := n.title(); title != first.Title {
		change["title"] = title
	}
	if body := n.body(d.Replacement); body != normal(orZero(first.Body)) && !n.isSaid(first) {
		change["body"] = body
	}
	if nothing {
		change["state"], change["state_reason"] = "closed", "completed"
	}
	if len(change) == 0 {
		return nil
	}
	err := d.change(ctx, first, change)
	switch {
	case err == nil && nothing:
		d.info("closed issue %d of %s/%s: nothing is left for %s", first.Number, d.Owner, d.Repository, shown(n.login))
	case err == nil:
		d.info("wrote issue %d of %s/%s anew for %s", first.Number, d.Owner, d.Repository, shown(n.login))
	}
	return err
}

// isSaid reports whether an issue tells of just these tokens, some of which this
// run did not look at. It says more of those than this run could.
func (n *notice) isSaid(one *issue) bool {
	tokens := n.marker().Tokens
	return len(n.kept) > 0 && len(tokens) == len(one.marker.Tokens) &&
		!slices.ContainsFunc(tokens, func(e entry) bool { return !slices.Contains(one.marker.Tokens, e) })
}

// normal returns a body as we write it; GitHub's editor ends lines otherwise.
func normal(body string) string { return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")) }

// change changes an issue, after a look at whether it still is as it was.
func (d *desk) change(ctx context.Context, one *issue, change map[string]any) error {
	for look := 1; ; look++ {
		late, err := d.lookAndChange(ctx, one, change)
		if !late || look == maxLooks {
			return err
		}
	}
}

// lookAndChange is one try of change. It reports late as soon does.
func (d *desk) lookAndChange(ctx context.Context, one *issue, change map[string]any) (late bool, err error) {
	path := fmt.Sprintf("/%d", one.Number)
	op := fmt.Sprintf("issue %d of %s/%s", one.Number, d.Owner, d.Repository)
	var now issue
	read := d.request("read "+op, "read", path)
	read.Result = &now
	answer, err := d.Call(ctx, read)
	if err != nil && (answer.Status == http.StatusNotFound || answer.Status == http.StatusGone) {
		return false, errNoticeChanged // deleted
	}
	if err != nil {
		return false, err
	}
	if now.Number != one.Number || !d.isOurs(&now) || orZero(now.Body) != orZero(one.Body) {
		return false, errNoticeChanged
	}
	write := d.request("change "+op, "write", path)
	write.Method, write.Body = http.MethodPatch, change
	_, late, err = d.soon(ctx, write)
	return late, err
}

// open opens an issue. Before the first one of a run it looks whether another
// run was faster.
func (d *desk) open(ctx context.Context, n *notice) error {
	if d.opened >= maxNotices {
		return errNoticesPause
	}
	if d.opened == 0 {
		if err := d.readAgain(ctx); err != nil {
			return err
		}
	}
	if len(n.issues) > 0 {
		return errNoticeChanged
	}
	d.opened++
	write := d.request("open a notice in "+d.Owner+"/"+d.Repository, "write", "")
	write.Method, write.Body = http.MethodPost, map[string]any{"title": n.title(), "body": n.body(d.Replacement)}
	var made struct {
		Number int64 `json:"number"`
	}
	write.Result = &made
	if _, err := d.Call(ctx, write); err != nil {
		return err
	}
	d.info("opened issue %d of %s/%s for %s", made.Number, d.Owner, d.Repository, shown(n.login))
	return nil
}

// readAgain reads the open notices once more, and gives those that are new to
// the people that had none.
func (d *desk) readAgain(ctx context.Context) error {
	issues, err := d.read(ctx)
	if err != nil {
		return err
	}
	for _, one := range issues {
		if p := d.whose(one.marker.Owner, one.marker.OwnerID); len(p.issues) == 0 {
			p.issues = append(p.issues, one)
		}
	}
	return nil
}
