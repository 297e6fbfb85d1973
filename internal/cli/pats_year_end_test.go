//go:build !race

package cli

import (
	"fmt"
	"slices"
	"time"
)

// settle lets everything run its course without any more trouble, and checks
// what is left.
func (y *patYear) settle() {
	y.policy.enforce, y.policy.limit = true, 1000
	for _, e := range slices.Clone(y.gone) {
		if e.invited {
			y.accept(e)
		}
	}
	y.publish()
	for range 2 {
		for _, r := range []*patRun{y.ofRequests(), y.nightly()} {
			r.calm = true
			r.inputs["INPUT_CONFIRM"] = "fleet"
			time.Sleep(time.Hour)
			y.together(r)
			if r.exit != exitOK {
				y.t.Errorf("a run without trouble failed:\n%s", r.logged())
			}
		}
	}
	y.checkTokens()
	y.checkDesk()
	for value := range y.leaked {
		if y.PersonalTokenWorks(value) {
			y.t.Error("a leaked token works")
		}
	}
	if n := y.Rejections(); n > 0 {
		y.t.Errorf("%d requests were over GitHub's limits", n)
	}
}

// checkTokens checks that nothing is left undone, and that all is there that the
// policy protects.
func (y *patYear) checkTokens() {
	now, there := y.now(), map[string]bool{}
	for id, t := range y.AccessRequests("fleet") {
		if v := y.policy.ofRequest(&t, y.staff[t.Owner], now); v.action != "" {
			y.t.Errorf("%s is left to do for request %d: %+v of %+v", v.action, id, t, *y.staff[t.Owner])
		}
		there[t.Name] = true
	}
	for id, t := range y.Grants("fleet") {
		y.checkLeft(fmt.Sprintf("grant %d: %+v", id, t), t.Name, y.policy.ofGrant(&t, y.staff[t.Owner], now))
		there[t.Name] = true
	}
	for _, c := range y.Authorizations("fleet") {
		y.checkLeft(fmt.Sprintf("%+v", c), c.Note, y.policy.ofCredential(&c, y.staff[c.Login], now))
		there[c.Note] = true
	}
	for name, h := range y.tokens {
		if h.protected && !there[name] {
			y.t.Errorf("%s of %s is protected, and gone", name, h.owner.login)
		}
	}
}

// checkLeft checks that a token which has to end, or is warned of, has one
// notice, and that this is not over.
func (y *patYear) checkLeft(what, name string, v ruling) {
	told, over := 0, v.action != "" && v.action != "notice" && v.notice == 0
	for n, p := range y.told {
		if n.token == name && n.rule == v.rule && y.closed[n.issue].IsZero() {
			told++
			over = over || !p.until.IsZero() && y.now().After(p.until.Add(slack))
		}
	}
	if over || (v.action != "") != (told == 1) {
		y.t.Errorf("%+v is left to do, told %d times (%s) for %s", v, told, y.toldOf(name), what)
	}
}

// checkDesk checks that each owner has one issue at most.
func (y *patYear) checkDesk() {
	titles := map[string]bool{}
	for _, i := range y.Issues("fleet", "desk") {
		if i.State != "open" || i.Author != bot || !y.closed[i.Number].IsZero() {
			continue
		}
		if titles[i.Title] {
			y.t.Errorf("a second one is open: %s", i.Title)
		}
		titles[i.Title] = true
	}
}

// checkCounts checks that everything happened that a year is for.
func (y *patYear) checkCounts() {
	for _, what := range []string{
		"approve", "deny", "revoke", "withdraw", "leaks ended", "alerts resolved", "issues opened", "runs", "killed", "refused",
		"lost", "lists cut short", "stopped by limits", "confirmed", "policies gone wrong", "pull requests", "laptops", "left",
		"came back", "renamed", "reviewed by hand", "interfered", "changed requests", "changed grants", "changed issues",
	} {
		if y.count[what] == 0 {
			y.t.Errorf("it never happened: %s", what)
		}
	}
	if len(y.tokens) < patsOfAYear {
		y.t.Errorf("there were %d tokens", len(y.tokens))
	}
}
