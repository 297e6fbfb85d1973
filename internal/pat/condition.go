package pat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// conditions returns the conditions that a rule about a kind of token has.
// Rules for grants may ask those for requests.
func conditions(kind Kind, c *manifest.PATCondition, requests []rule) ([]condition, error) {
	b := &builder{kind: kind}
	b.add(c.Owner != "", "owner: "+c.Owner, owner(c.Owner))
	b.add(c.Team != "", "team: "+c.Team, team(c.Team))
	b.word("membership", c.Membership, []string{member, notAMember}, membership(c.Membership))
	b.repositories("repositories", c.Repositories, onlyThese)
	b.repositories("any-repository", c.AnyRepository, anyOfThese)
	b.word("selection", c.RepositoryScope, selections, selection(c.RepositoryScope))
	b.permissions("any-of", c.AnyOf, anyOf)
	b.permissions("at-most", c.AtMost, atMost)
	b.duration("expires-within", c.ExpiresWithin, expiresWithin)
	b.add(c.NeverExpires, "never-expires: true", neverExpires)
	b.duration("lifetime-over", c.LifetimeOver, lifetimeOver)
	b.duration("unused-for", c.UnusedFor, unusedFor)
	b.duration("granted-for", c.GrantedFor, grantedFor)
	b.duration("waiting-for", c.WaitingFor, waitingFor)
	b.reason(c.Reason)
	b.add(c.TokenName != "", "token-name: "+c.TokenName, tokenName(c.TokenName))
	b.wouldBe(c.WouldBe, requests)
	b.word("kind", c.Kind, credentialKinds, ofKind(c.Kind))
	b.add(c.Scopes != nil, "scopes: ["+strings.Join(c.Scopes, ", ")+"]", scopes(c.Scopes))
	return b.conditions, b.err
}

// builder collects the conditions of a rule, and what is wrong with them.
type builder struct {
	kind       Kind
	conditions []condition
	err        error
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("if: "+format, args...)
	}
}

func (b *builder) add(given bool, text string, a ask) {
	if given {
		b.conditions = append(b.conditions, condition{text, a})
	}
}

// word adds a condition that takes one of some words.
func (b *builder) word(key, word string, words []string, a ask) {
	if word != "" && !slices.Contains(words, word) {
		b.fail("%s: %q is none of %s", key, word, strings.Join(words, ", "))
	}
	b.add(word != "", key+": "+word, a)
}

func (b *builder) duration(key string, d time.Duration, of func(time.Duration) ask) {
	if d < 0 {
		b.fail("%s: a negative time", key)
	}
	b.add(d != 0, key+": "+duration(d), of(d))
}

func (b *builder) permissions(key string, p *manifest.PATPermissions, of func([]permissionLevel) ask) {
	if p == nil {
		return
	}
	list := Permissions(*p).list()
	if len(list) == 0 {
		b.fail("%s: no permission", key)
	}
	for _, l := range list {
		if rank(l.level) == 0 {
			b.fail("%s: %s: not a level", key, l.name)
		}
	}
	b.add(true, key+": "+Permissions(*p).String(), of(list))
}

func (b *builder) repositories(key string, s manifest.Selection, of func(manifest.Selection) ask) {
	if strings.Contains(s.String(), "topic:") {
		b.fail("%s: the topics of what a token opens are not known", key)
	}
	b.add(!s.Empty(), key+": ["+s.String()+"]", of(s))
}

func (b *builder) reason(text string) {
	if text == "" {
		return
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		b.fail("reason: %w", err)
		return
	}
	b.add(true, "reason: "+text, func(q *question) (Answer, string) {
		switch {
		case q.Kind != Request:
			return No, "only a request has one"
		case pattern.MatchString(q.Reason):
			return Yes, "the owner's reason has it: " + quoted(q.Reason)
		case q.Reason == "":
			return No, "the owner gave none"
		}
		return No, "the owner's reason does not: " + quoted(q.Reason)
	})
}

// wouldBe adds a condition over the rules for requests. They cannot have it
// themselves, since they would ask each other without an end.
func (b *builder) wouldBe(action string, requests []rule) {
	if action != "" && b.kind != Grant {
		b.fail("would-be: only a grant can be asked")
	}
	b.word("would-be", action, []string{string(Approve), string(Deny)}, wouldBe(requests, Action(action)))
}
