package pat

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/apicall/apicalltest"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

// house is a GitHub with the organization acme, whose App governs its tokens,
// and with the repository desk, where owners are told. Olga owns acme. The
// tests run in a synctest bubble.
type house struct {
	*fakegithubtest.GitHub
	t         testing.TB
	installed map[string]int64 // by organization

	mu      sync.Mutex
	tokens  map[string]minted // by owner and what the token opens
	needs   map[Need]bool     // what the run has announced; nil: everything is open to it
	values  []string          // that the engine reported as secret
	leaked  []string          // that the test made
	log     []string          // what the engine logged
	meddles func(apicall.Request) (answer apicall.Answer, err error, meddled bool)
}

type minted struct {
	value string
	until time.Time
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, tokens: map[string]minted{}, GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
		App: fakegithub.App{Slug: "keeper", Owner: "acme", Permissions: map[string]string{
			"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
			"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write", "issues": "write",
		}},
		Repositories: []string{"desk", "api", "web"},
	})}
	h.installed = map[string]int64{"acme": h.Installation.ID}
	h.SetOwner("acme", "olga")
	h.SetSingleSignOn("acme", true)
	h.SetRequestsPerHour(1 << 30)
	return h
}

// inHouse runs a test in a synctest bubble, with a house of its own.
func inHouse(t *testing.T, name string, do func(*testing.T, *house)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(noon)) // a bubble begins before GitHub was
			h := newHouse(t)
			do(t, h)
			h.checkNoValueShown()
		})
	})
}

// addOrganization adds one more organization with the App on it.
func (h *house) addOrganization(name string) {
	h.AddAccount(fakegithub.Account{Login: name})
	h.installed[name] = h.Install(fakegithub.Installation{AppID: h.App.ID, Account: name, All: true}).ID
	h.SetOwner(name, "olga")
	h.SetSingleSignOn(name, true)
}

// call is an [apicall.Func] that never retries. Each call has a token for its
// permission alone, and fails if the run did not announce it.
func (h *house) call(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	h.mu.Lock()
	announced, meddles := h.needs == nil, h.meddles
	for _, level := range []string{r.Level, "write"} {
		announced = announced || h.needs[Need{r.Owner, r.Repository, r.Permission, level}]
	}
	h.mu.Unlock()
	if !announced {
		return apicall.Answer{}, fmt.Errorf("%s: %s: %s was not announced", r.Op, r.Permission, r.Level)
	}
	if meddles != nil {
		if answer, err, meddled := meddles(r); meddled {
			return answer, err
		}
	}
	return h.send(ctx, r)
}

func (h *house) send(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	token, err := h.token(r)
	if err != nil {
		return apicall.Answer{}, err
	}
	return apicalltest.Send(ctx, h, "token "+token, r)
}

func (h *house) token(r apicall.Request) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := strings.Join([]string{strings.ToLower(r.Owner), r.Permission, r.Level}, " ")
	if known := h.tokens[key]; time.Now().Before(known.until) {
		return known.value, nil
	}
	scope := map[string]any{"permissions": map[string]string{r.Permission: r.Level}}
	value, err := h.Mint(time.Now(), h.installed[strings.ToLower(r.Owner)], scope)
	h.tokens[key] = minted{value, time.Now().Add(50 * time.Minute)}
	return value, err
}

// policy parses the policy of a test: what stands below pats.
func (h *house) policy(text string) *manifest.PATs {
	h.t.Helper()
	text = "pats:\n  organizations: [acme]\n  mode: enforce\n  notices: {repository: acme/desk}\n" + indent(text)
	f, err := manifest.Parse("m.yml", []byte(text))
	if err != nil {
		h.t.Fatalf("%v\n%s", err, text)
	}
	return f.PATs
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString("  " + strings.TrimPrefix(line, "\t\t"))
	}
	return b.String() + "\n"
}

var everything = Sections{Requests: true, Grants: true, SSO: true, Leaks: true}

// engine returns the engine of one run that enforces a policy.
func (h *house) engine(policy *manifest.PATs, options ...func(*Engine)) *Engine {
	e := &Engine{
		Call: h.call, Policy: policy, Enforce: true, Sections: everything, Author: "keeper[bot]", Now: time.Now,
		Confirmed: []string{"acme"},
		Secret: func(s redact.String) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.values = append(h.values, s.Reveal())
		},
		RevokeLeaked: h.revokeLeaked,
		Info:         func(format string, args ...any) { h.note(fmt.Sprintf(format, args...)) },
	}
	for _, option := range options {
		option(e)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.needs = map[Need]bool{}
	for _, n := range Needs(e.Policy, e.Sections, e.Enforce) {
		h.needs[n] = true
	}
	return e
}

func (h *house) revokeLeaked(ctx context.Context, values []redact.String) error {
	plain := make([]string, len(values))
	for i, v := range values {
		plain[i] = v.Reveal()
	}
	_, err := apicalltest.Send(ctx, h, "", apicall.Request{
		Op: "revoke leaked tokens", Method: "POST", Path: "credentials/revoke", Body: map[string]any{"credentials": plain},
	})
	return err
}

func (h *house) note(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, text)
}

// run performs a whole run, and remembers its report as a text that people
// read.
func (h *house) run(policy *manifest.PATs, options ...func(*Engine)) Report {
	h.t.Helper()
	report := h.engine(policy, options...).Run(h.t.Context())
	h.remember(&report)
	return report
}

func (h *house) remember(report *Report) {
	var b strings.Builder
	if err := report.WriteRecords(&b); err != nil {
		h.t.Fatal(err)
	}
	h.note(fmt.Sprintf("%s %+v", b.String(), report))
}

// checkNoValueShown fails the test if the value of a token could be read
// anywhere.
func (h *house) checkNoValueShown() {
	h.t.Helper()
	h.mu.Lock()
	all := strings.Join(h.log, "\n")
	h.mu.Unlock()
	for _, i := range h.Issues("acme", "desk") {
		all += i.Title + i.Body
	}
	for _, a := range h.Alerts("acme", "api") {
		all += a.ResolutionComment
	}
	for _, value := range slices.Concat(h.values, h.leaked) {
		if value != "" && strings.Contains(all, value) {
			h.t.Error("the value of a token can be read")
		}
	}
}

// meddle lets do interfere with the calls of a method and path prefix: before
// each of them.
func (h *house) meddle(method, path string, do func(n int) (status int)) {
	n := 0
	h.mu.Lock()
	defer h.mu.Unlock()
	h.meddles = func(r apicall.Request) (apicall.Answer, error, bool) {
		if r.Method != method || !strings.HasPrefix(r.Path, path) {
			return apicall.Answer{}, nil, false
		}
		h.mu.Lock()
		n++
		nth := n
		h.mu.Unlock()
		if status := do(nth); status != 0 {
			return apicall.Answer{Status: status}, fmt.Errorf("%s: GitHub answered %d", r.Op, status), true
		}
		return apicall.Answer{}, nil, false
	}
}

// ask makes somebody ask for access, and returns the id of the request.
func (h *house) ask(owner string, change ...func(*fineGrainedToken)) int64 {
	return h.RequestAccess("acme", h.fineGrained(owner, change...))
}

// grant gives a token of somebody access, and returns the id of the grant.
func (h *house) grant(owner string, change ...func(*fineGrainedToken)) int64 {
	return h.GrantAccess("acme", h.fineGrained(owner, change...))
}

func (h *house) fineGrained(owner string, change ...func(*fineGrainedToken)) fakegithub.FineGrainedToken {
	t := fakegithub.FineGrainedToken{
		Name: owner + "'s token", Owner: owner,
		Permissions: map[string]map[string]string{"repository": {"metadata": "read", "contents": "read"}},
		Selection:   "subset", Repositories: []string{"api"}, Reason: "nightly report", ExpiresAt: time.Now().Add(90 * day),
	}
	for _, c := range change {
		c(&t)
	}
	return t
}

type fineGrainedToken = fakegithub.FineGrainedToken

// writing makes a token one that may write.
func writing(t *fineGrainedToken) {
	t.Permissions = map[string]map[string]string{"repository": {"metadata": "read", "contents": "write"}}
}

// slowly returns a call that takes some time.
func slowly(call apicall.Func, d time.Duration) apicall.Func {
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		time.Sleep(d)
		return call(ctx, r)
	}
}

// withoutFilters returns a call to a server that does not know the filters of a
// list.
func withoutFilters(call apicall.Func) apicall.Func {
	filter := regexp.MustCompile(`(owner%5B%5D|token_id%5B%5D|login|creator|state|validity|secret_type)=[^&]*`)
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		r.Path = filter.ReplaceAllString(r.Path, "")
		return call(ctx, r)
	}
}
