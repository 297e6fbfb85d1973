package cli

import (
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// outageCases are about networks, clocks and limits. In most of them the step
// succeeds.
var outageCases = []failureCase{
	{name: "a good day", requests: 2},
	{name: "verified", env: map[string]string{"INPUT_VERIFY": "true"}, requests: 3},
	{
		name: "verified, with replication lag", requests: 7,
		env:     map[string]string{"INPUT_VERIFY": "true"},
		prepare: func(s *step) { s.SetReplicationLag(4) },
	},
	{name: "the long form of a token", prepare: func(s *step) { s.SetTokenForm(fakegithub.Stateless) }, requests: 2},
	{
		name: "a day ahead", requests: 3,
		prepare: func(s *step) { s.SetClockSkew(-24 * time.Hour) },
		warning: "::warning::the clock of this machine is 24h0m0s ahead of GitHub's",
	},
	{
		name: "a day behind", requests: 3,
		prepare: func(s *step) { s.SetClockSkew(24 * time.Hour) },
		warning: "::warning::the clock of this machine is 24h0m0s behind GitHub's",
	},
	{
		name: "outages on lookup and mint", requests: 6,
		prepare: func(s *step) {
			s.Inject(at("GET", 2, fakegithub.ServerError(502, true)))
			s.Inject(at("POST", 2, fakegithub.ServerError(503, false)))
		},
		warning: "GitHub answered 502, trying again in ",
	},
	{
		name: "a lost answer to the mint", requests: 3,
		prepare: inject(at("POST", 1, fakegithub.Fault{Drop: true, After: true})),
		warning: "connection reset by peer, trying again in ",
	},
	{
		name: "a cut answer to the mint", requests: 3,
		prepare: inject(at("POST", 1, fakegithub.Fault{Truncate: true})),
		warning: "the answer was cut short, trying again in ",
	},
	{
		name: "a slow mint", requests: 3,
		prepare: inject(at("POST", 1, fakegithub.Fault{Delay: time.Hour})),
		warning: "api.github.test:443: no answer in time, trying again in ",
	},
	{
		name: "a secondary limit", requests: 3,
		prepare: inject(at("POST", 1, fakegithub.SecondaryLimit(12*time.Second))),
		warning: "rate limited by GitHub (secondary limit), waiting 12s",
	},
	{
		name: "a primary limit", requests: 3,
		prepare: func(s *step) { s.Inject(at("GET", 1, fakegithub.PrimaryLimit(time.Now().Add(30*time.Second)))) },
		warning: "rate limited by GitHub (primary limit), waiting 31s",
	},
	{
		name: "GitHub is down", requests: 6,
		prepare: inject(fakegithub.ServerError(503, true)),
		line:    "find the installation for acme/api: GitHub answered 503: Service Unavailable (tried 6 times in …)",
		hint:    "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again",
	},
	{
		name: "limited for an hour", requests: 1,
		prepare: func(s *step) { s.Inject(fakegithub.PrimaryLimit(time.Now().Add(time.Hour))) },
		line:    "find the installation for acme/api: GitHub answered 403: API rate limit exceeded for installation.",
		hint:    "GitHub's primary rate limit asks to wait 1h0m1s, longer than this step may take",
	},
	{
		name: "never an answer", requests: 5,
		prepare: inject(fakegithub.Fault{Delay: time.Hour}),
		line: "find the installation for acme/api: the minute that this step waits for GitHub is over: api.github.test:443: no answer " +
			"in time (tried 5 times in …)",
		hint: "check that the runner reaches api.github.test:443: github-api-url, firewall, HTTPS_PROXY",
	},
	{
		name: "never an answer to the mint", requests: 6,
		prepare: inject(at("POST", 0, fakegithub.Fault{Delay: time.Hour})),
		line: "mint a token for installation 4242: the minute that this step waits for GitHub is over: api.github.test:443: no answer " +
			"in time (tried 5 times in …)",
		hint: "check that the runner reaches api.github.test:443",
	},
	{
		name: "an answer to the mint in the last moment, and a wider one", requests: 7,
		prepare: func(s *step) {
			s.SkipOpenAPI = true
			s.lastMoment()
			s.Inject(at("POST", 1, fakegithub.Fault{
				Delay: 5200 * time.Millisecond, Rewrite: replaced(`"contents":"read"`, `"contents":"write"`),
			}))
			s.Inject(at("DELETE", 0, fakegithub.Fault{Delay: time.Second, After: true}))
		},
		line:    "GitHub granted a different scope than was asked for: it also has contents: write (asked read)",
		hint:    "the token was not handed out",
		warning: "the token that was minted is revoked",
	},
	{
		name: "an answer to the mint when the time is up", requests: 7,
		prepare: func(s *step) {
			s.lastMoment()
			s.Inject(at("POST", 1, fakegithub.Fault{Delay: 5200 * time.Millisecond}))
		},
		line:    "the minute that this step waits for GitHub is over, and the token that it brought is not handed out",
		hint:    "run the job again",
		warning: "the token that was minted is revoked",
	},
	{
		name: "outages that take long", requests: 5,
		prepare: func(s *step) {
			outage := fakegithub.ServerError(502, true)
			outage.Delay = 9470 * time.Millisecond // five of them, and no wait after the fifth, whatever chance makes of the others
			s.Inject(at("GET", 0, outage))
		},
		line: "find the installation for acme/api: GitHub answered 502: Bad Gateway (tried 5 times in …, no time to try again)",
		hint: "GitHub has trouble of its own",
	},
	{
		name: "limited for longer than is waited", requests: 2,
		prepare: inject(at("POST", 1, fakegithub.SecondaryLimit(24*time.Hour))),
		line: "mint a token for installation 4242: GitHub answered 403: You have exceeded a secondary rate limit. Please wait a " +
			"few minutes before you try again.",
		hint: "GitHub's secondary rate limit asks to wait 24h0m0s, but valetkey waits for an hour at most: run it again after " +
			"that time",
	},
	{
		name: "never verified", requests: 9,
		env:     map[string]string{"INPUT_VERIFY": "true"},
		prepare: func(s *step) { s.SetReplicationLag(1000) },
		line:    "verify the token: GitHub answered 401: Bad credentials",
		hint:    "GitHub did not know the token it made: run the job again",
		warning: "the token that was minted is revoked",
	},
}

// lastMoment takes 50 to 52 seconds of a mint's 55 away, by three lookups and one mint
// that get no answer.
func (s *step) lastMoment() {
	s.Inject(at("GET", 3, fakegithub.Fault{Delay: time.Hour}))
	s.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Hour}))
}
