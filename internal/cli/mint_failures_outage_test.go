package cli

import (
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// outageCases are of networks, clocks and limits. Most of them a step gets through.
var outageCases = []failureCase{
	{name: "a good day", requests: 2},
	{name: "verified", env: map[string]string{"INPUT_VERIFY": "true"}, requests: 3},
	{
		name: "verified, with replication lag", env: map[string]string{"INPUT_VERIFY": "true"},
		prepare: func(s *step) { s.SetReplicationLag(4) }, requests: 7,
	},
	{name: "the long form of a token", prepare: func(s *step) { s.SetTokenForm(fakegithub.Stateless) }, requests: 2},
	{
		name: "a day ahead", prepare: func(s *step) { s.SetClockSkew(-24 * time.Hour) },
		warning: "::warning::the clock of this machine is 24h0m0s ahead of GitHub's", requests: 3,
	},
	{
		name: "a day behind", prepare: func(s *step) { s.SetClockSkew(24 * time.Hour) },
		warning: "::warning::the clock of this machine is 24h0m0s behind GitHub's", requests: 3,
	},
	{name: "outages on lookup and mint", prepare: func(s *step) {
		s.Inject(at("GET", 2, fakegithub.ServerError(502, true)))
		s.Inject(at("POST", 2, fakegithub.ServerError(503, false)))
	}, warning: "GitHub answered 502, trying again in ", requests: 6},
	{
		name: "a lost answer to the mint", prepare: func(s *step) { s.Inject(at("POST", 1, fakegithub.Fault{Drop: true, After: true})) },
		warning: "connection reset by peer, trying again in ", requests: 3,
	},
	{
		name: "a cut answer to the mint", prepare: func(s *step) { s.Inject(at("POST", 1, fakegithub.Fault{Truncate: true})) },
		warning: "the answer was cut short, trying again in ", requests: 3,
	},
	{
		name: "a slow mint", prepare: func(s *step) { s.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Hour})) },
		warning: "api.github.test:443: no answer in time, trying again in ", requests: 3,
	},
	{
		name: "a secondary limit", prepare: func(s *step) { s.Inject(at("POST", 1, fakegithub.SecondaryLimit(12*time.Second))) },
		warning: "rate limited by GitHub (secondary limit), waiting 12s", requests: 3,
	},
	{
		name:    "a primary limit",
		prepare: func(s *step) { s.Inject(at("GET", 1, fakegithub.PrimaryLimit(time.Now().Add(30*time.Second)))) },
		warning: "rate limited by GitHub (primary limit), waiting 31s", requests: 3,
	},
	{
		name: "GitHub is down", prepare: func(s *step) { s.Inject(fakegithub.ServerError(503, true)) },
		line: "find the installation for acme/api: GitHub answered 503: Service Unavailable (tried 6 times in …)",
		hint: "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again", requests: 6,
	},
	{
		name: "limited for an hour", prepare: func(s *step) { s.Inject(fakegithub.PrimaryLimit(time.Now().Add(time.Hour))) },
		line: "find the installation for acme/api: GitHub answered 403: API rate limit exceeded for installation.",
		hint: "GitHub's primary rate limit asks to wait 1h0m1s, longer than this step may take", requests: 1,
	},
	{
		name: "never an answer", prepare: func(s *step) { s.Inject(fakegithub.Fault{Delay: time.Hour}) },
		line: "find the installation for acme/api: the minute that this step waits for GitHub is over: api.github.test:443: no answer " +
			"in time (tried 5 times in …)",
		hint: "check that the runner reaches api.github.test:443: github-api-url, firewall, HTTPS_PROXY", requests: 5,
		early: "find the installation for acme/api: api.github.test:443: no answer in time (tried 4 times in …, no time to try again)",
	},
	{
		name: "never an answer to the mint", prepare: func(s *step) { s.Inject(at("POST", 0, fakegithub.Fault{Delay: time.Hour})) },
		line: "mint a token for installation 4242: the minute that this step waits for GitHub is over: api.github.test:443: no answer " +
			"in time (tried 5 times in …)",
		hint: "check that the runner reaches api.github.test:443", requests: 6,
		early: "mint a token for installation 4242: api.github.test:443: no answer in time (tried 4 times in …, no time to try again)",
	},
	{
		name: "an answer to the mint in the last moment, and a wider one", prepare: func(s *step) {
			s.SkipOpenAPI = true
			s.lastMoment()
			s.Inject(at("POST", 1, fakegithub.Fault{Delay: 5200 * time.Millisecond, Rewrite: func(b []byte) []byte {
				return []byte(strings.Replace(string(b), `"contents":"read"`, `"contents":"write"`, 1))
			}}))
			s.Inject(at("DELETE", 0, fakegithub.Fault{Delay: time.Second, After: true}))
		},
		line: "GitHub granted a different scope than was asked for: it also has contents: write (asked read)",
		hint: "the token was not handed out", warning: "the token that was minted is revoked", requests: 7,
	},
	{
		name: "an answer to the mint when the time is up", prepare: func(s *step) {
			s.lastMoment()
			s.Inject(at("POST", 1, fakegithub.Fault{Delay: 5200 * time.Millisecond}))
		},
		line: "the minute that this step waits for GitHub is over, and the token that it brought is not handed out",
		hint: "run the job again", warning: "the token that was minted is revoked", requests: 7,
	},
	{
		name: "outages that take long", prepare: func(s *step) {
			outage := fakegithub.ServerError(502, true)
			outage.Delay = 9470 * time.Millisecond // five of them, and no wait after the fifth, whatever chance makes of the others
			s.Inject(at("GET", 0, outage))
		},
		line: "find the installation for acme/api: GitHub answered 502: Bad Gateway (tried 5 times in …, no time to try again)",
		hint: "GitHub has trouble of its own", requests: 5,
	},
	{
		name: "limited for longer than is waited", prepare: func(s *step) {
			s.Inject(at("POST", 1, fakegithub.SecondaryLimit(24*time.Hour)))
		},
		line: "mint a token for installation 4242: GitHub answered 403: You have exceeded a secondary rate limit. Please wait a " +
			"few minutes before you try again.",
		hint: "GitHub's secondary rate limit asks to wait 24h0m0s, but valetkey waits for an hour at most: run it again after " +
			"that time",
		requests: 2,
	},
	{
		name: "never verified", env: map[string]string{"INPUT_VERIFY": "true"}, prepare: func(s *step) { s.SetReplicationLag(1000) },
		line: "verify the token: GitHub answered 401: Bad credentials", hint: "GitHub did not know the token it made: run the job again",
		warning: "the token that was minted is revoked", requests: 9,
	},
}

// lastMoment takes 50 to 52 seconds of a mint's 55 away, by three lookups and one mint
// that get no answer.
func (s *step) lastMoment() {
	s.Inject(at("GET", 3, fakegithub.Fault{Delay: time.Hour}))
	s.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Hour}))
}
