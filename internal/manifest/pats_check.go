package manifest

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// checkRule checks what a rule takes from the rest of its policy.
func (p *parser) checkRule(policy, rule *value) {
	missing := func(key string) bool { return policy.get(key) == nil && !slices.Contains(policy.likelyKeys, key) }
	tells := rule.get("notice")
	if do := rule.get("do"); do.textOrEmpty() == "notice" {
		tells = do
	}
	if tells != nil && missing("notices") {
		p.add(tells.at, "a notice, and no notices", "say where owners are told, such as notices: {repository: acme/token-desk}")
	}
	if would := rule.get("if").get("would-be"); would != nil && missing("requests") {
		p.add(would.at, "would-be without requests", "it is about the rules under requests:; write some, or take it out")
	}
}

// checkCondition looks for conditions that match everything, besides those that
// the table knows.
func (p *parser) checkCondition(v *value) {
	if metadata := v.get("any-of").get("repository").get("metadata"); metadata != nil {
		p.add(metadata.at, "every token has metadata, so this matches everything", "take it out")
	}
	if slices.Equal(v.keys, []string{"membership"}) && v.get("membership").text == "member" {
		p.add(v.get("membership").at, "membership: member alone matches everything",
			"hardly anybody else has tokens there; ask for more, or for not-a-member")
	}
	if reason := v.get("reason"); reason != nil && reason.valid {
		p.checkExpression(reason)
	}
}

// probes are texts that have next to nothing in common.
var probes = []string{"", " ", "7", "~", "é", "OPS-7", "\n", "nightly build of the website"}

// checkExpression checks a regular expression.
func (p *parser) checkExpression(v *value) {
	compiled, err := regexp.Compile(v.text)
	switch {
	case err != nil:
		problem := "reason: RE2 does not take this"
		if cause := (*syntax.Error)(nil); errors.As(err, &cause) { // its own text repeats the expression
			problem += ": " + cause.Code.String()
		}
		p.add(v.at, problem, "see https://github.com/google/re2/wiki/Syntax; single quotes keep its backslashes in YAML")
	case !slices.ContainsFunc(probes, func(probe string) bool { return !compiled.MatchString(probe) }):
		p.add(v.at, "reason: this expression matches everything", `ask for some text, such as "[A-Z]+-[0-9]+"; "." is any text but none`)
	}
}

// checkRepositories looks for entries that are about all repositories of an
// owner.
func (p *parser) checkRepositories(s Selection) {
	for _, e := range s.entries {
		excludes := func(other Entry) bool { return other.excluded && strings.EqualFold(other.owner, e.owner) }
		switch {
		case strings.Trim(e.name, "*?") != "":
		case e.excluded:
			p.add(e.Position, quote(e.String())+" excludes everything", "take it out, or exclude less")
		case !slices.ContainsFunc(s.entries, excludes):
			p.add(e.Position, quote(e.String())+" matches everything",
				"name some repositories, or exclude some, such as \"!"+e.owner+"/infra\"")
		}
	}
}
