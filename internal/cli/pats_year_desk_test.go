//go:build !race

package cli

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// notice is what an issue tells an owner: of a token, by a rule.
type notice struct {
	issue       int
	token, rule string
}

// promise is since when a notice is there, and what it says.
type promise struct {
	since time.Time
	until time.Time // the token works until then; zero: it does not end
}

// bot is whose issues are notices.
const bot = "keeper[bot]"

// noticeLine is one token in an issue, as its owner reads it.
var noticeLine = regexp.MustCompile("(?m)^- `([tc][0-9]+)` \\([^,]+, in `fleet`\\) " +
	`(?:loses its (?:access|authorization for single sign-on) on \*\*([0-9-]+ [0-9:]+) UTC\*\*|stays for now).*\.$` + "\n  Rule `([^`]+)`")

// slack is how much later than its time an issue may be written: one attempt,
// and a few waits before it.
const slack = 2 * time.Minute

// judgeIssue judges what a run writes for an owner.
func (y *patYear) judgeIssue(r *patRun, number string) (done func()) {
	n, _ := strconv.Atoi(number)
	if number != "" {
		if before := y.Issues("fleet", "desk"); y.issue(n, before).Author != bot {
			y.t.Errorf("issue %d is of somebody else", n)
		}
		_ = r.moments()
	}
	return func() {
		all := y.Issues("fleet", "desk")
		if number == "" {
			n = all[len(all)-1].Number
			y.count["issues opened"]++
		}
		is := y.issue(n, all)
		login := strings.TrimPrefix(is.Title, "Personal access tokens of ")
		lines := map[notice]bool{}
		if is.State == "closed" {
			maps.DeleteFunc(y.told, func(what notice, _ *promise) bool { return what.issue == n })
			return
		}
		for _, line := range noticeLine.FindAllStringSubmatch(is.Body, -1) {
			what := notice{n, line[1], line[3]}
			lines[what] = true
			y.judgeLine(r, is, login, what, line[2])
		}
		if strings.Count(is.Body, "\n- `") != len(lines) {
			y.t.Errorf("issue %d is not understood: %s", n, is.Body)
		}
		maps.DeleteFunc(y.told, func(what notice, _ *promise) bool {
			return what.issue == n && !lines[what] && !strings.Contains(is.Body, "What was said before")
		})
	}
}

// judgeLine judges one token in an issue.
func (y *patYear) judgeLine(r *patRun, is fakegithub.Issue, login string, what notice, end string) {
	t := y.tokens[what.token]
	if t == nil || t.owner.login != login && t.owner != y.former[login] || t.owner.exempt {
		y.t.Errorf("issue %d for %s tells of %s of %+v", is.Number, login, what.token, t)
		return
	}
	notices := map[string]time.Duration{"unused": r.policy.idleNotice, "no end": 30 * day, "broad": 14 * day}
	until, err := time.Time{}, error(nil)
	if end != "" {
		until, err = time.Parse("2006-01-02 15:04", end)
	}
	ends := notices[what.rule] > 0 && !(what.rule == "unused" && what.token[0] == 'c')
	if err != nil || ends != !until.IsZero() || what.rule == "left" || what.rule == "tried out" {
		y.t.Errorf("issue %d says %+v, ends %q", is.Number, what, end)
	}
	p := y.told[what]
	if p == nil && !y.lost[what.token].Before(r.started) {
		return // it was there when the run looked
	}
	if p == nil {
		p = &promise{since: y.now()}
		y.told[what] = p
	}
	since := p.since
	if y.tampered[is.Number] {
		since = is.CreatedAt
	}
	if ends && until.Before(since.Add(notices[what.rule]-slack)) {
		y.t.Errorf("issue %d gives %v less than %s: %s is told since %s", is.Number, what, notices[what.rule], end, p.since.UTC())
	}
	p.until = until
}

// wasTold reports whether the owner of a token was told by a rule so long ago
// that it may end. Where others have changed the times in an issue, its age
// counts.
func (y *patYear) wasTold(r *patRun, token, rule string, before time.Duration) bool {
	if before == 0 {
		return true
	}
	for what, p := range y.told {
		shut := y.closed[what.issue]
		if what.token != token || what.rule != rule || !shut.IsZero() && shut.Before(r.started) {
			continue
		}
		since := p.since
		if y.tampered[what.issue] {
			since = y.issue(what.issue, y.Issues("fleet", "desk")).CreatedAt
		} else if y.now().Before(p.until) {
			continue
		}
		if !y.now().Before(since.Add(before - slack)) {
			return true
		}
	}
	return false
}

func (y *patYear) issue(number int, all []fakegithub.Issue) fakegithub.Issue {
	for _, one := range all {
		if one.Number == number {
			return one
		}
	}
	return fakegithub.Issue{}
}

// forget forgets what was said of a token, since its access has ended.
func (y *patYear) forget(token string) {
	y.lost[token] = y.now()
	maps.DeleteFunc(y.told, func(what notice, _ *promise) bool { return what.token == token })
}

// toldOf tells what was said of a token.
func (y *patYear) toldOf(token string) string {
	var b strings.Builder
	for what, p := range y.told {
		if what.token == token {
			fmt.Fprintf(&b, "%+v since %s until %s, ", what, p.since.UTC(), p.until)
		}
	}
	return b.String()
}
