package pat

import (
	"fmt"
	"strings"
)

// The words of membership.
const (
	member     = "member"
	notAMember = "not-a-member"
)

func owner(pattern string) ask {
	return func(q *question) (Answer, string) {
		return yes(matchesFold(pattern, q.Owner)), "the owner is " + shown(q.Owner)
	}
}

func tokenName(pattern string) ask {
	return func(q *question) (Answer, string) {
		if q.Name == "" {
			return Unknown, "GitHub does not say its name"
		}
		return yes(matches(pattern, q.Name)), "its name is " + quoted(q.Name)
	}
}

func membership(wanted string) ask {
	return func(q *question) (Answer, string) {
		login := strings.ToLower(q.Owner)
		belongs, known := q.facts.Members[login]
		switch {
		case !known:
			return Unknown, q.lacks(Fact{Member: login}, "whether "+shown(q.Owner)+" is a member")
		case belongs:
			return yes(wanted == member), shown(q.Owner) + " is a member"
		}
		return yes(wanted == notAMember), shown(q.Owner) + " is not a member"
	}
}

func team(slug string) ask {
	slug = strings.ToLower(slug)
	return func(q *question) (Answer, string) {
		members, known := q.facts.Teams[slug]
		switch {
		case !known:
			return Unknown, q.lacks(Fact{Team: slug}, "who belongs to team "+slug)
		case members[strings.ToLower(q.Owner)]:
			return Yes, shown(q.Owner) + " belongs to it"
		}
		return No, shown(q.Owner) + " does not belong to it"
	}
}

// wouldBe asks the rules for requests about a grant. What such a rule may do in
// its mode is of no matter.
func wouldBe(requests []rule, wanted Action) ask {
	return func(q *question) (Answer, string) {
		v := q.first(requests)
		switch {
		case v.answer == Unknown:
			return Unknown, v.doubt()
		case v.answer == No:
			return No, "no rule for requests matches it"
		}
		return yes(v.rule.action == wanted), fmt.Sprintf("rule %q would %s", v.rule.name, v.rule.action)
	}
}
