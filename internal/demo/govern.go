package demo

import (
	"context"
	"strings"

	"github.com/valetkey/valetkey/internal/fakerunner"
)

// governTokens shows how a policy judges the tokens that people still make by
// hand: in audit mode first, then enforced, and two weeks later.
func (w *walkthrough) governTokens(ctx context.Context) {
	w.say("Tokens that people make by hand. mona asks for two, to read %[1]s and to administer it. Nobody has used hubot's for 200 days, "+
		"and octocat's is in a commit. A policy judges them at night, in audit mode at first", account+"/"+selected)
	w.log = fakerunner.Log{}
	github := w.sandbox.github
	audited := w.govern(ctx, strings.Replace(policy, "mode: enforce", "mode: audit", 1))
	w.check("nothing is changed", len(github.Reviews(account)) == 0 && len(github.Issues(account, other)) == 0, "")

	w.say("The next night the policy is enforced")
	enforced := w.govern(ctx, policy)
	w.check("the audit had told it: "+counts(enforced), counts(audited) == counts(enforced), "")
	w.checkToken(reader, "approved")
	w.checkToken(manager, "denied: administration: write, metadata: read on "+account+"/"+selected+" is for an App.")
	w.checkToken(nightly, "granted")
	w.check("octocat's is dead", !github.PersonalTokenWorks(w.sandbox.leaked), "")
	w.check("its alert is closed", github.Alerts(account, selected)[0].State == "resolved", "")
	w.check("its value is not in the log", !strings.Contains(w.log.Shown(), w.sandbox.leaked), "")

	w.say("hubot has an issue. It says why, until when, and how to do without")
	notices := github.Issues(account, other)
	told := len(notices) == 1
	if told {
		w.show(notices[0].Body)
		told = strings.Contains(notices[0].Body, "@hubot, ")
	}
	w.check("it is the only one", told, "")

	w.say("Two weeks pass at GitHub")
	github.SetClockSkew(15 * day)
	w.govern(ctx, policy)
	w.checkToken(nightly, "revoked")
	w.check("the issue is closed", told && github.Issues(account, other)[0].State == "closed", "")
}

// checkToken shows what became of a token.
func (w *walkthrough) checkToken(t personalToken, want string) {
	got := w.sandbox.stateOf(t)
	w.check(t.owner+"'s "+t.name+" is "+got, got == want, "")
}

// show shows a text in Markdown without what readers do not see of it.
func (w *walkthrough) show(body string) {
	for line := range strings.Lines(body) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.HasPrefix(line, "<!--") {
			w.line("  | ", line)
		}
	}
}

// counts returns what a run did, or would do, in one line.
func counts(r fakerunner.Result) string {
	var parts []string
	for _, name := range []string{"approved", "denied", "noticed", "revoked", "waiting", "failed"} {
		parts = append(parts, r.Outputs[name]+" "+name)
	}
	return strings.Join(parts, ", ")
}

// govern runs the pats action with a policy.
func (w *walkthrough) govern(ctx context.Context, policy string) fakerunner.Result {
	return w.scheduled(ctx, "pats", policy, nil)
}
