//go:build !race

package cli

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// hire makes somebody a member, under a login or a new one.
func (y *patYear) hire(login string) *employee {
	if login == "" {
		y.serial++
		login = fmt.Sprintf("e%d", y.serial)
	}
	e := &employee{login: login, member: true}
	y.staff[login] = e
	y.AddMember("fleet", login)
	if y.often(0.7) && login[0] == 'e' {
		y.join(e)
	}
	y.count["hired"]++
	return e
}

func (y *patYear) join(e *employee) {
	e.platform = true
	y.AddTeam("fleet", "platform", e.login)
}

// somebody is a member that rules touch.
func (y *patYear) somebody() *employee {
	for {
		login := pick(y, slices.Sorted(maps.Keys(y.staff))...)
		if e := y.staff[login]; e.member && !e.exempt {
			return e
		}
	}
}

// leave takes somebody out of the organization.
func (y *patYear) leave(e *employee) {
	if !e.member || len(y.staff) < 15 {
		return
	}
	e.member, e.platform, e.invited = false, false, false
	y.RemoveMember("fleet", e.login)
	y.gone = append(y.gone, e)
	y.count["left"]++
}

// comeBack invites somebody who left, or lets one who was invited accept.
func (y *patYear) comeBack() {
	if len(y.gone) == 0 {
		return
	}
	e := pick(y, y.gone...)
	if !e.invited {
		e.invited = true
		y.Invite("fleet", e.login)
		return
	}
	y.accept(e)
}

// accept makes somebody who was invited a member.
func (y *patYear) accept(e *employee) {
	e.invited, e.member = false, true
	y.AddMember("fleet", e.login)
	y.gone = slices.DeleteFunc(y.gone, func(other *employee) bool { return other == e })
	y.count["came back"]++
}

// rename gives somebody another login.
func (y *patYear) rename() {
	e := y.somebody()
	y.serial++
	to := fmt.Sprintf("e%d", y.serial)
	y.RenameAccount(e.login, to)
	delete(y.staff, e.login)
	y.former[e.login] = e
	e.login = to
	y.staff[to] = e
	y.count["renamed"]++
}

// happen makes people do one thing.
func (y *patYear) happen() {
	switch y.chance.IntN(16) {
	case 0:
		y.hire("")
	case 1:
		y.leave(y.somebody())
	case 2, 3, 4:
		y.comeBack()
	case 5:
		if e := y.somebody(); e.platform {
			e.platform = false
			y.RemoveFromTeam("fleet", "platform", e.login)
		} else {
			y.join(e)
		}
	case 6, 7:
		y.ask()
	case 8, 9:
		y.touchRequest(y.AccessRequests("fleet"), 0)
	case 10, 11:
		y.touchGrant(y.Grants("fleet"), 0)
	case 12:
		y.authorize(0)
	case 13:
		y.leak()
	case 14:
		y.touchIssue(0)
	case 15:
		y.rename()
	}
}

// interfere makes people change what a run is about to look at again.
func (y *patYear) interfere(req *http.Request) {
	token, _ := strconv.ParseInt(req.URL.Query().Get("token_id[]"), 10, 64)
	issue := oneIssue.FindStringSubmatch(req.URL.Path)
	switch {
	case issue != nil:
		n, _ := strconv.Atoi(issue[1])
		y.touchIssue(n)
	case strings.HasSuffix(req.URL.Path, "-requests"):
		y.touchRequest(y.AccessRequests("fleet"), token)
	case token != 0:
		y.touchGrant(y.Grants("fleet"), token)
	}
	y.count["interfered"]++
}

// leak makes secret scanning find something.
func (y *patYear) leak() {
	value := "ghp_" + rand.Text() + rand.Text()
	names := slices.Sorted(maps.Keys(y.tokens))
	if h := y.tokens[pick(y, names...)]; h.value != "" && !h.protected && y.often(0.7) {
		value = h.value
	} else {
		y.AddPersonalToken(fakegithub.PersonalToken{Value: value, Login: y.somebody().login, Classic: true})
	}
	alert := fakegithub.Alert{Secret: value}
	switch y.chance.IntN(8) {
	case 0:
		alert.Validity = "unknown"
	case 1:
		alert.State = "resolved"
	case 2:
		alert.Type, alert.Validity = fakegithub.AppTokenSecret, "active"
	default:
		y.leaked[value] = true
		y.count["leaks"]++
	}
	y.AddAlert("fleet", pick(y, "web", "ci-1"), alert)
}

// The times in a marker.
var (
	markerSince = regexp.MustCompile(`"s":[0-9]+`)
	markerUntil = regexp.MustCompile(`"u":[0-9]+`)
)

// touchIssue makes somebody change an issue: the one with a number, or any.
func (y *patYear) touchIssue(number int) {
	open := slices.DeleteFunc(y.Issues("fleet", "desk"), func(i fakegithub.Issue) bool {
		return i.State != "open" || number != 0 && i.Number != number
	})
	if len(open) == 0 {
		return
	}
	one := pick(y, open...)
	edit := func(change func(i *fakegithub.Issue)) { y.EditIssue("fleet", "desk", one.Number, change) }
	switch kind := y.chance.IntN(8); kind {
	case 0:
		edit(func(i *fakegithub.Issue) { i.State = "closed" })
		y.closed[one.Number] = y.now()
	case 1:
		y.DeleteIssue("fleet", "desk", one.Number)
		y.closed[one.Number] = y.now()
	case 2:
		edit(func(i *fakegithub.Issue) { i.Body = "Hello. " + i.Body })
		y.closed[one.Number] = y.now() // it is no notice any more
	case 3, 4:
		y.tampered[one.Number] = true
		edit(func(i *fakegithub.Issue) {
			i.Body = markerSince.ReplaceAllString(i.Body, fmt.Sprintf(`"s":%d`, y.now().Add(-100*day).Unix()))
			if kind == 4 {
				i.Body = markerUntil.ReplaceAllString(i.Body, fmt.Sprintf(`"u":%d`, y.now().Add(-80*day).Unix()))
			}
		})
	case 5: // somebody writes one that looks like it
		one.Author, one.App = "mallory", ""
		one.Body = strings.ReplaceAll(one.Body, `"s":1`, `"s":`)
		y.AddIssue("fleet", "desk", one)
	default:
		edit(func(i *fakegithub.Issue) { i.Body, i.Title = i.Body+"\n\nPlease wait.", "Tokens" })
	}
	y.count["changed issues"]++
}
