package manifest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	daysHint       = "a number and d or w, such as 30d or 12w"
	everythingHint = "such a pattern has letters or digits next to * and ?; to ask for nothing, take it out"
	maxReason      = 1024 // characters that GitHub takes
)

var (
	days = &form{name: "a time in days or weeks", pattern: `^[1-9][0-9]{0,3}[dw]$`, hint: daysHint}
	// An idle time of days would end the tokens of people on holiday, or all of
	// them when a clock is wrong.
	idleTime = &form{
		name:    "a time of at least 7d",
		pattern: `^([1-9][0-9]{1,3}|[7-9])d$|^[1-9][0-9]{0,3}w$`,
		hint:    daysHint + "; with less than a week, a holiday or a wrong clock would end tokens that are in use",
	}
	noticeTime = &form{
		name:    "a time from 1d to 365d",
		pattern: `^([1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-5])d$|^([1-9]|[1-4][0-9]|5[0-2])w$`,
		hint:    daysHint,
	}
	ruleTitle = &form{
		name:    "the name of a rule",
		pattern: `^[^\x00-\x20\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,63}$`,
		never:   ` $`,
		hint:    "1 to 64 characters on one line, such as unused",
	}
	login = &form{
		name:    "a login",
		pattern: `^` + ownerPattern + `$`,
		hint:    "the name of a person's account as in github.com/NAME; no patterns here",
	}
	loginPattern = &form{
		name:    "a login or a pattern of logins",
		pattern: `^[A-Za-z0-9_*?][A-Za-z0-9_*?-]{0,99}$`,
		never:   `^[*?]+$|^not-a-member$`,
		hint:    "a name as in github.com/NAME, with * for any characters and ? for one, such as acme-bot-*",
		explain: explainLogin,
	}
	tokenNamePattern = &form{
		name:    "the name of a token or a pattern of names",
		pattern: `^[^\x00-\x1f\x7f-\x9f]{1,100}$`,
		never:   `^[*?]+$`,
		hint:    "up to 100 characters on one line, with * for any characters and ? for one, such as renovate*",
		explain: matchesEverything,
	}
	teamSlug = &form{
		name:    "the slug of a team",
		pattern: `^[a-z0-9_][a-z0-9_-]{0,254}$`,
		hint:    "as in github.com/orgs/ORGANIZATION/teams/SLUG, such as platform-team",
	}
	repositoryGlob = &form{
		name:    "a repository or a pattern",
		pattern: `^!?` + ownerPattern + `/` + namePattern + `$`,
		never:   `/\.{1,2}$`,
		hint:    `acme/api or acme/web-* (patterns in the name only; no topics here); "!" in front excludes`,
	}
	expression = &form{
		name:    "a regular expression",
		pattern: `^[^\x00-\x1f\x7f-\x9f]{1,200}$`,
		hint:    `up to 200 characters on one line, such as "[A-Z]+-[0-9]+"`,
	}
	scopeName = &form{
		name:    "a scope",
		pattern: `^[a-z][a-z_]{0,40}(:[a-z_]{1,40})?$`,
		hint:    "as GitHub writes it, such as admin:org or delete_repo",
	}
	percent = &form{pattern: `^([1-9][0-9]?|100)%$`}

	reasonTemplate = &form{
		name:    "a reason",
		pattern: `^([^{}\x00-\x09\x0b-\x1f\x7f-\x9f]|\{(` + strings.Join(placeholders, "|") + `)\})+$`,
		never:   `^[ \n]*$`,
		longest: maxReason,
		hint:    "up to 1,024 characters, such as: ask again with less than {permissions}",
		explain: explainTemplate,
	}
)

// placeholders are the words that a template may have in braces.
var placeholders = []string{"owner", "token", "permissions", "repositories", "expires", "rule"}

// matchesEverything tells of a pattern that asks for nothing.
func matchesEverything(text string) (problem, hint string) {
	if text != "" && strings.Trim(text, "*?") == "" {
		return quote(text) + " matches everything", everythingHint
	}
	return "", ""
}

// explainLogin tells of words that are not about a login.
func explainLogin(text string) (problem, hint string) {
	if text == "not-a-member" {
		return quote(text) + " is not a login", "write membership: not-a-member"
	}
	return matchesEverything(text)
}

// explainTemplate tells of the first thing in braces that is not a placeholder.
func explainTemplate(text string) (problem, hint string) {
	all := "{" + strings.Join(placeholders, "}, {") + "}"
	if n := utf8.RuneCountInString(text); n > maxReason {
		return fmt.Sprintf("%d characters", n), "GitHub takes 1,024 at most, and placeholders make it longer"
	}
	for text != "" {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			break
		}
		word, rest, closed := strings.Cut(text[i+1:], "}")
		if text[i] == '}' || !closed || strings.Contains(word, "{") {
			return "a brace that is not a placeholder's", "the placeholders are " + all
		}
		if !slices.Contains(placeholders, word) {
			if near := intended(word, placeholders); near != "" {
				return quote(word) + " is not a placeholder", "did you mean {" + near + "}? The placeholders are " + all
			}
			return quote(word) + " is not a placeholder", "the placeholders are " + all
		}
		text = rest
	}
	return "", ""
}
