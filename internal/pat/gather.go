package pat

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
)

const (
	// fewPeople is up to how many people are asked for one by one; with more,
	// everybody in the organization or team is listed.
	fewPeople = 20

	// atOnce is how many requests are sent at once where their order does not
	// matter.
	atOnce = 8
)

// inquiry finds out about the people and the repositories of one organization,
// and judges tokens by that.
type inquiry struct {
	*Engine
	organization string
	only         string // the one login that matters, in lower case; empty: many do
	facts        *Facts
	known        string  // the login of somebody who is a member; empty: nobody is known yet
	errs         []error // for the report: what could not be found out
}

func (e *Engine) inquire(organization string) *inquiry {
	return &inquiry{Engine: e, organization: organization, facts: &Facts{
		Members: map[string]bool{}, Teams: map[string]map[string]bool{}, Repositories: map[Listed][]string{}, Failed: map[Fact]string{},
	}}
}

// decide judges tokens, and finds out what the rules want to know about them.
// Each rule may want to know more than the ones before it. Every round finds
// out all that is missing, or that it can't be known, so that there is an end.
func (q *inquiry) decide(ctx context.Context, policy *Policy, tokens []Token) []Decision {
	decisions := make([]Decision, len(tokens))
	open := make([]int, len(tokens))
	for i := range open {
		open[i] = i
	}
	for len(open) > 0 {
		now, left := q.Now(), []int(nil)
		missing := map[Fact]bool{}
		for _, i := range open {
			decisions[i] = policy.Decide(q.Protection, &tokens[i], q.facts, now)
			for _, fact := range decisions[i].Missing {
				missing[fact] = true
			}
			if len(decisions[i].Missing) > 0 {
				left = append(left, i)
			}
		}
		open = left
		q.gather(ctx, missing)
	}
	return decisions
}

// gather finds out facts. What could not be found out is in Failed afterwards.
func (q *inquiry) gather(ctx context.Context, missing map[Fact]bool) {
	var logins, teams []string
	var places []Listed
	for fact := range missing {
		switch {
		case fact.Member != "":
			logins = append(logins, fact.Member)
		case fact.Team != "":
			teams = append(teams, fact.Team)
		default:
			places = append(places, fact.Repositories)
		}
	}
	slices.Sort(logins)
	slices.Sort(teams)
	slices.SortFunc(places, func(a, b Listed) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	if len(logins) > 0 {
		q.findMembers(ctx, logins)
	}
	for _, slug := range teams {
		q.findTeam(ctx, slug)
	}
	q.findRepositories(ctx, places)
}

// fail notes that facts could not be found out.
func (q *inquiry) fail(err error, facts ...Fact) {
	for _, fact := range facts {
		q.facts.Failed[fact] = err.Error()
	}
	q.errs = append(q.errs, err)
}

// findMembers finds out who belongs to the organization. That somebody is not
// in the list of members is no proof: each of them is asked for, and counts as
// gone only when GitHub answers 404, and afterwards still tells of somebody who
// is there. An App that lost its permission gets 404 about everybody.
//
// Memberships are asked for rather than members, because GitHub answers about a
// member with a redirect to the public ones when it thinks that an outsider
// asks.
func (q *inquiry) findMembers(ctx context.Context, logins []string) {
	unknown := logins
	if len(logins) > fewPeople {
		members, err := q.people(ctx, "members", "list the members of "+q.organization)
		if err != nil {
			q.fail(err, memberFacts(logins)...)
			return
		}
		unknown = nil
		for _, login := range logins {
			if members[login] {
				q.facts.Members[login], q.known = true, login
			} else {
				unknown = append(unknown, login)
			}
		}
	}
	belongs, errs := make([]bool, len(unknown)), make([]error, len(unknown))
	apicall.Each(len(unknown), atOnce, func(i int) {
		belongs[i], errs[i] = q.membership(ctx, "", unknown[i])
	})
	var gone []string
	for i, login := range unknown {
		switch {
		case errs[i] != nil:
			q.fail(errs[i], Fact{Member: login})
		case belongs[i]:
			q.facts.Members[login] = true
		default:
			gone = append(gone, login)
		}
	}
	if len(gone) == 0 {
		return
	}
	if err := q.checkSight(ctx); err != nil {
		q.fail(err, memberFacts(gone)...)
		return
	}
	for _, login := range gone {
		q.facts.Members[login] = false
	}
}

func memberFacts(logins []string) []Fact {
	facts := make([]Fact, len(logins))
	for i, login := range logins {
		facts[i].Member = login
	}
	return facts
}

// checkSight returns an error unless GitHub tells of somebody who is a member
// for certain. That person may have left since; the next one counts then.
func (q *inquiry) checkSight(ctx context.Context) error {
	for range 2 {
		if q.known == "" {
			if err := q.findSomebody(ctx); err != nil {
				return err
			}
		}
		if there, err := q.membership(ctx, "", q.known); there || err != nil {
			return err
		}
		q.known = ""
	}
	return fault.New("GitHub answers that a member of "+q.organization+" is none, so nobody counts as gone",
		"run again; if it stays, check that the App has members: read")
}

// findSomebody finds a member of the organization, whoever it is.
func (q *inquiry) findSomebody(ctx context.Context) error {
	var some []wirePerson
	req := q.aboutPeople("members?per_page=1", "find a member of "+q.organization)
	req.Method, req.Result = http.MethodGet, &some
	if _, err := q.Call(ctx, req); err != nil {
		return err
	}
	if len(some) == 0 || some[0].Login == "" {
		return fault.New(q.organization+" has no members that GitHub would show", "give the App members: read")
	}
	q.known = some[0].Login
	return nil
}

// membership reports whether somebody belongs to a team, or to the organization
// where the slug is empty. Of somebody who was invited that is not known.
func (q *inquiry) membership(ctx context.Context, slug, login string) (bool, error) {
	path, of := "memberships/"+url.PathEscape(login), q.organization
	if slug != "" {
		path, of = "teams/"+url.PathEscape(slug)+"/"+path, "team "+slug+" of "+q.organization
	}
	var membership struct {
		State string `json:"state"`
	}
	req := q.aboutPeople(path, "look whether "+shown(login)+" belongs to "+of)
	req.Method, req.Result = http.MethodGet, &membership
	answer, err := q.Call(ctx, req)
	switch {
	case err != nil && answer.Status == http.StatusNotFound:
		return false, nil
	case err != nil:
		return false, err
	case membership.State != "active":
		return false, fmt.Errorf("%s: the invitation was not accepted yet", req.Op)
	}
	return true, nil
}

// findTeam finds out who belongs to a team. A team that does not exist is an
// error, not a team without members.
func (q *inquiry) findTeam(ctx context.Context, slug string) {
	var members map[string]bool
	var err error
	if q.only != "" {
		var belongs bool
		belongs, err = q.membership(ctx, slug, q.only)
		members = map[string]bool{q.only: belongs}
	} else {
		members, err = q.people(ctx, "teams/"+url.PathEscape(slug)+"/members", "list the members of team "+slug+" of "+q.organization)
	}
	if err != nil {
		q.fail(err, Fact{Team: slug})
		return
	}
	q.facts.Teams[slug] = members
}

type wirePerson struct {
	Login string `json:"login"`
}

// people reads a list of people, as their logins in lower case.
func (q *inquiry) people(ctx context.Context, path, op string) (map[string]bool, error) {
	login := func(p *wirePerson) string { return strings.ToLower(p.Login) }
	list, _, err := apicall.List(ctx, q.Call, q.aboutPeople(path, op), "", login)
	if err != nil {
		return nil, err
	}
	people := make(map[string]bool, len(list))
	for i := range list {
		people[login(&list[i])] = true
	}
	return people, nil
}

func (q *inquiry) aboutPeople(path, op string) apicall.Request {
	return apicall.Request{
		Owner: q.organization, Permission: "members", Level: "read", Op: op, Path: "orgs/" + url.PathEscape(q.organization) + "/" + path,
	}
}

// findRepositories finds out what tokens open.
func (q *inquiry) findRepositories(ctx context.Context, places []Listed) {
	names, answers, errs := make([][]string, len(places)), make([]apicall.Answer, len(places)), make([]error, len(places))
	apicall.Each(len(places), atOnce, func(i int) {
		names[i], answers[i], errs[i] = q.repositories(ctx, places[i])
	})
	for i, place := range places {
		switch {
		case errs[i] == nil:
			q.facts.Repositories[place] = names[i]
		case answers[i].Status == http.StatusNotFound: // it was decided on or withdrawn meanwhile
			q.facts.Failed[Fact{Repositories: place}] = errs[i].Error()
		default:
			q.fail(errs[i], Fact{Repositories: place})
		}
	}
}

func (q *inquiry) repositories(ctx context.Context, of Listed) ([]string, apicall.Answer, error) {
	type repository struct {
		ID   int64  `json:"id"`
		Name string `json:"full_name"`
	}
	from := sources[of.Kind]
	req := apicall.Request{
		Owner: q.organization, Permission: from.permission, Level: "read",
		Op:   fmt.Sprintf("list the repositories of %s %d in %s", of.Kind, of.ID, q.organization),
		Path: fmt.Sprintf("orgs/%s/%s/%d/repositories", url.PathEscape(q.organization), from.path, of.ID),
	}
	list, answer, err := apicall.List(ctx, q.Call, req, "", func(r *repository) int64 { return r.ID })
	if err != nil {
		return nil, answer, err
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	slices.Sort(names)
	return names, answer, nil
}
