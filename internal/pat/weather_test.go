package pat

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
)

// weather is an organization over some months: people ask, use their tokens and
// leave, while calls fail, answers get lost and runs are killed.
type weather struct {
	*house
	random *rand.Rand
	fine   bool // no call fails

	told     map[int64]time.Time // grant → since when an open issue has said that it ends
	used     map[int64]time.Time // token → when it was last used
	owners   map[int64]string    // token → its owner
	gone     map[string]bool     // who left and has not come back
	reviewed int
	done     map[string]int
}

const weatherRules = `
		requests:
		  - {name: small, if: {at-most: {repository: {contents: read}}, membership: member}, do: approve}
		  - {name: too much, if: {any-of: {repository: {contents: write}}}, do: deny, reason: No.}
		grants:
		  - {name: left, if: {membership: not-a-member}, do: revoke}
		  - {name: unused, if: {unused-for: 20d}, do: revoke, notice: 7d}
		  - {name: ending, if: {expires-within: 10d}, do: notice}
		sso:
		  - {name: unused, if: {kind: classic, unused-for: 20d}, do: withdraw, notice: 7d}
		protect: {owners: [robot]}
		limits: {approve: 1000, deny: 1000, revoke: 1000, withdraw: 1000, share: 100%}
`

func TestWeather(t *testing.T) {
	for seed := range uint64(3) {
		inHouse(t, fmt.Sprintf("seed %d", seed), func(t *testing.T, h *house) {
			h.SkipOpenAPI = seed > 0
			w := &weather{
				house: h, random: rand.New(rand.NewPCG(seed, 1)), told: map[int64]time.Time{}, used: map[int64]time.Time{},
				owners: map[int64]string{}, gone: map[string]bool{}, done: map[string]int{},
			}
			policy := h.policy(weatherRules)
			h.grant("robot", old)
			for day := range 60 {
				w.people()
				w.fine = day%10 == 9
				engines := []*Engine{h.engine(policy)}
				if w.random.IntN(4) == 0 {
					engines = append(engines, h.engine(policy))
				}
				w.runs(engines)
				time.Sleep(24 * time.Hour)
			}
			if w.done["approve"] == 0 || w.done["deny"] == 0 || w.done["revoke"] == 0 || w.done["withdraw"] == 0 {
				t.Errorf("not everything happened: %v", w.done)
			}
			if _, there := h.Grants("acme")[w.grantOf("robot")]; !there {
				t.Error("a protected token is gone")
			}
		})
	}
}

// people makes what people do in a day.
func (w *weather) people() {
	who := func() string {
		login := fmt.Sprintf("user%d", w.random.IntN(12))
		delete(w.gone, login) // asking makes them members
		return login
	}
	for range 3 {
		switch w.random.IntN(6) {
		case 0:
			w.ask(who())
		case 1:
			w.ask(who(), writing)
		case 2:
			w.grant(who(), func(t *fineGrainedToken) {
				t.ExpiresAt = time.Now().Add(time.Duration(20+w.random.IntN(50)) * 24 * time.Hour)
			})
		case 3:
			w.AuthorizeCredential("acme", fakegithub.Credential{Login: who()})
		case 4:
			for _, t := range w.Grants("acme") {
				w.UseToken(t.ID)
				w.used[t.ID] = time.Now()
				break
			}
		case 5:
			if w.random.IntN(3) == 0 {
				login := who()
				w.RemoveMember("acme", login)
				w.gone[login] = true
			}
		}
	}
}

// runs performs runs at once, and checks what they did.
func (w *weather) runs(engines []*Engine) {
	ctx, kill := context.WithCancel(w.t.Context())
	defer kill()
	if !w.fine && w.random.IntN(5) == 0 {
		time.AfterFunc(time.Duration(w.random.IntN(3000))*time.Millisecond, kill)
	}
	for _, t := range w.Grants("acme") {
		w.owners[t.ID] = t.Owner
	}
	began := time.Now()
	var all apicall.Group
	for _, e := range engines {
		e.Call = w.unreliable(slowly(e.Call, 10*time.Millisecond))
		all.Go(func() {
			report := e.Run(ctx)
			w.remember(&report)
			if w.fine && len(report.Errors) > 0 {
				w.t.Errorf("%q", report.Errors)
			}
		})
	}
	all.Wait()
	w.check(began)
}

// unreliable returns a call that fails now and then, before or after it was
// carried out.
func (w *weather) unreliable(call apicall.Func) apicall.Func {
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		w.mu.Lock()
		n := w.random.IntN(200)
		w.mu.Unlock()
		if w.fine || n > 3 {
			return call(ctx, r)
		}
		if n < 2 {
			_, _ = call(ctx, r) // its answer gets lost
		}
		return apicall.Answer{Status: 502}, errors.New(r.Op + ": GitHub answered 502")
	}
}

// check checks each end since the last runs: that it was due, that its owner had
// been told for long enough, and that nothing was done twice.
func (w *weather) check(began time.Time) {
	reviews := w.Reviews("acme")
	seen := map[string]bool{}
	for i, r := range reviews {
		key := fmt.Sprint(r.Kind, r.ID)
		if seen[key] {
			w.t.Errorf("%s %d was decided twice", r.Kind, r.ID)
		}
		seen[key] = true
		if i < w.reviewed {
			continue
		}
		w.done[r.Action]++
		if r.Action != "revoke" || w.gone[w.owners[r.TokenID]] {
			continue
		}
		if since, told := w.told[r.ID]; !told || began.Sub(since) < 7*24*time.Hour-time.Minute {
			w.t.Errorf("grant %d was revoked at %s; its owner was told %s", r.ID, r.Time, since)
		}
		if used := w.used[r.TokenID]; r.Time.Sub(used) < 20*24*time.Hour {
			w.t.Errorf("grant %d was revoked at %s, and used at %s", r.ID, r.Time, used)
		}
	}
	w.reviewed = len(reviews)
	w.done["withdraw"] = len(w.Withdrawals("acme"))
	w.noteTold(began)
}

// noteTold notes which ends the open issues tell of.
func (w *weather) noteTold(now time.Time) {
	said := map[int64]bool{}
	for _, i := range w.Issues("acme", "desk") {
		m, isNotice, err := readMarker(i.Body)
		if i.State != "open" || !isNotice || err != nil {
			continue
		}
		for _, e := range m.Tokens {
			if said[e.ID] = true; e.Until != 0 && w.told[e.ID].IsZero() {
				w.told[e.ID] = now
			}
		}
	}
	for id := range w.told {
		if !said[id] {
			delete(w.told, id)
		}
	}
}

func (w *weather) grantOf(owner string) int64 {
	for id, t := range w.Grants("acme") {
		if t.Owner == owner {
			return id
		}
	}
	return 0
}
