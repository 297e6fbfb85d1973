package manifest

import (
	"strings"
	"testing"
	"time"
)

// policyFault returns the first line of the first error of a policy with one
// rule for requests, or "".
func policyFault(t *testing.T, rule string) string {
	t.Helper()
	_, err := Parse("m.yml", []byte("pats: {organizations: [acme], requests: ["+rule+"]}"))
	all := faultsOf(t, err)
	if len(all) == 0 {
		return ""
	}
	return all[0].Problem
}

// Lengths are of characters, as GitHub counts them.
func TestPolicyLengths(t *testing.T) {
	for _, tt := range []struct{ name, rule, want string }{
		{"name", "{name: '" + strings.Repeat("é", 64) + "', if: {team: a}, do: wait}", ""},
		{
			"long name", "{name: '" + strings.Repeat("é", 65) + "', if: {team: a}, do: wait}",
			"name: a text of 65 characters is not the name of a rule",
		},
		{"reason", "{name: a, if: {team: a}, do: deny, reason: '" + strings.Repeat("é", 1024) + "'}", ""},
		{"long reason", "{name: a, if: {team: a}, do: deny, reason: '" + strings.Repeat("é", 1025) + "'}", "reason: 1025 characters"},
		{"expression", "{name: a, if: {reason: '" + strings.Repeat("é", 200) + "'}, do: deny}", ""},
		{
			"long expression", "{name: a, if: {reason: '" + strings.Repeat("é", 201) + "'}, do: deny}",
			"reason: a text of 201 characters is not a regular expression",
		},
		{
			"endless expression", "{name: a, if: {reason: '((x{999}){999}){999}'}, do: deny}",
			"reason: RE2 does not take this: invalid repeat count",
		},
		{"token name", "{name: a, if: {token-name: '" + strings.Repeat("é", 100) + "'}, do: deny}", ""},
		{
			"long token name", "{name: a, if: {token-name: '" + strings.Repeat("é", 101) + "'}, do: deny}",
			"token-name: a text of 101 characters is not the name of a token or a pattern of names",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := policyFault(t, tt.rule); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A token that somebody pasted passes for no text of a policy.
func TestPolicyTakesNoSecrets(t *testing.T) {
	for _, rule := range []string{
		"{name: S, if: {team: a}, do: deny}",
		"{name: 'my S token', if: {team: a}, do: deny}",
		"{name: a, if: {team: a}, do: deny, reason: 'ask {owner} for S'}",
		"{name: a, if: {reason: S}, do: deny}",
		"{name: a, if: {owner: S}, do: deny}",
		"{name: a, if: {token-name: 'x S'}, do: deny}",
		"{name: a, if: {any-of: {repository: {S: read}}}, do: deny}",
		"{name: a, if: {repositories: [acme/S]}, do: deny}",
	} {
		_, err := Parse("m.yml", []byte("pats: {organizations: [acme], requests: ["+strings.ReplaceAll(rule, "S", planted)+"]}"))
		all := faultsOf(t, err)
		if len(all) == 0 || all[0].Problem != "this looks like a token or a key" || strings.Contains(report(t, err), planted) {
			t.Errorf("%s:\n%v", rule, err)
		}
	}
}

func TestPolicyTimes(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		key, good string // times that are taken
		least     time.Duration
		bad       string
	}{
		{"unused-for", "7d 1w 8d 10d 99d 9999d 9999w", 7 * day, "6d 0w 0d 07d 24h 10080m 10000d 1d1d"},
		{"granted-for", "1d 1w 9999w", day, "0d 24h 1440m 01d"},
		{"expires-within", "1d 1w 9999w", day, "0d 24h 1440m -1d"},
		{"lifetime-over", "1d 1w 9999w", day, "0d 24h 1440m 1.5d"},
	} {
		parse := func(text string) (*File, error) {
			return Parse("m.yml", []byte("pats: {organizations: [acme], grants: [{name: a, if: {"+tt.key+": "+text+"}, do: keep}]}"))
		}
		for _, text := range strings.Fields(tt.good) {
			f, err := parse(text)
			if err != nil {
				t.Errorf("%s: %s: %v", tt.key, text, err)
				continue
			}
			c := f.PATs.Grants[0].If
			if got := c.UnusedFor + c.GrantedFor + c.ExpiresWithin + c.LifetimeOver; got < tt.least || got != parseInterval(text) {
				t.Errorf("%s: %s is %v", tt.key, text, got)
			}
		}
		for _, text := range strings.Fields(tt.bad) {
			if _, err := parse(text); err == nil {
				t.Errorf("%s: %s is taken", tt.key, text)
			}
		}
	}
}

func TestNoticeTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1d": 24 * time.Hour, "14d": 336 * time.Hour, "99d": 99 * 24 * time.Hour, "299d": 299 * 24 * time.Hour, "365d": 8760 * time.Hour,
		"1w": 168 * time.Hour, "52w": 8736 * time.Hour, "0d": 0, "366d": 0, "370d": 0, "400d": 0, "1000d": 0, "53w": 0, "60w": 0, "24h": 0,
	} {
		f, err := Parse("m.yml", []byte("pats: {organizations: [acme], notices: {repository: acme/desk}, "+
			"grants: [{name: a, if: {unused-for: 90d}, do: revoke, notice: "+text+"}]}"))
		switch {
		case (err == nil) != (want > 0):
			t.Errorf("%s: %v", text, err)
		case err == nil && f.PATs.Grants[0].Notice != want:
			t.Errorf("%s is %v", text, f.PATs.Grants[0].Notice)
		}
	}
}

// An expression that asks for something is taken, even if that is little.
func TestReasonsThatAskForLittle(t *testing.T) {
	for _, text := range []string{".", ".+", "^$", `^\s*$`, `\S`, "[^x]", "(?i)ops", "é|7", `\b`} {
		if got := policyFault(t, "{name: a, if: {reason: '"+text+"'}, do: wait}"); got != "" {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// What is misspelt is named once: what it was meant for is not said to be
// missing.
func TestMisspeltPartsAreNamedOnce(t *testing.T) {
	for text, want := range map[string]string{
		"pats: {organisations: [acme], leaks: {do: report}}":                                                          "organizations",
		"pats: {organizations: [acme], leak: {do: report}}":                                                           "leaks",
		"pats: {organizations: [acme], notice: {repository: acme/x}, grants: [{name: a, if: {team: x}, do: notice}]}": "notices",
		"pats: {organizations: [acme], request: [], grants: [{name: a, if: {would-be: deny}, do: keep}]}":             "requests",
		"pats: {organizations: [acme], grants: [{name: a, if: {owners: x}, do: keep}]}":                               "owner",
	} {
		_, err := Parse("m.yml", []byte(text))
		if all := faultsOf(t, err); len(all) != 1 || all[0].Hint != "did you mean "+want+"?" {
			t.Errorf("%s:\n%s", text, report(t, err))
		}
	}
}
