package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// weather is a transport that fails at random, yet for each seed in the same way:
// what happens to a request depends on what it asks for and how often it was tried,
// not on the order in which workers come.
type weather struct {
	next  http.RoundTripper
	seed  uint64
	share float64 // of the attempts that fail
	day   *day

	refused map[string]int // repository → the status it is refused with
	deleted map[int]string // number of a request below /repos → the repository that is gone from there on

	mu       sync.Mutex
	tried    map[string]int
	requests int
	gone     []string
	written  map[string]bool // paths of the writes that the client knows to be done
}

// most is how often one request fails at random: less often than we try.
const most = 4

var errReset = errors.New("connection reset by peer")

func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Method + " " + r.URL.Path
	repository := repositoryOf(r.URL.Path)
	w.mu.Lock()
	w.tried[asked]++
	try := w.tried[asked]
	if repository != "" {
		w.requests++
		if gone := w.deleted[w.requests]; gone != "" {
			w.day.DeleteRepository("fleet", gone)
			w.gone = append(w.gone, gone)
		}
	}
	w.mu.Unlock()
	if status := w.refused[repository]; status != 0 {
		message := map[int]string{403: "Resource not accessible by integration", 404: "Not Found"}[status]
		return answered(r, fakegithub.Fault{Status: status, Body: fmt.Sprintf(`{"message":%q}`, message)})
	}
	h := fnv.New64a()
	fmt.Fprint(h, asked, " ", try)
	chance := rand.New(rand.NewPCG(w.seed, h.Sum64()))
	// The end of a token has a few seconds only, which is for other tests.
	if try <= most && asked != "DELETE /installation/token" && chance.Float64() < w.share {
		return w.strike(r, chance)
	}
	resp, err := w.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPut && resp.StatusCode < 300 {
		w.mu.Lock()
		w.written[r.URL.Path] = true
		w.mu.Unlock()
	}
	return resp, err
}

func (w *weather) strike(r *http.Request, chance *rand.Rand) (*http.Response, error) {
	outage := fakegithub.ServerError([]int{500, 502, 503, 504}[chance.IntN(4)], chance.IntN(2) == 0)
	limit := fakegithub.SecondaryLimit(time.Duration(chance.IntN(2)*(1+chance.IntN(20))) * time.Second)
	limit.Status = []int{http.StatusForbidden, http.StatusTooManyRequests}[chance.IntN(2)]
	switch kind := chance.IntN(12); {
	case kind == 0: // rare, because each may cost a minute
		return answered(r, limit)
	case kind < 4:
		return answered(r, outage)
	case kind < 6:
		return nil, errReset
	}
	// From here on it is done, and nobody learns of it.
	resp, err := w.next.RoundTrip(r)
	if err != nil || resp.ContentLength == 0 || resp.StatusCode == http.StatusNoContent {
		return nil, errReset // nothing to cut off
	}
	if chance.IntN(2) == 0 {
		return answered(r, outage)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(body[:len(body)/2])), cut{}))
	return resp, err
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// repositoryOf gives the name of the repository that a path is below.
func repositoryOf(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 4 || parts[1] != "repos" {
		return ""
	}
	return parts[3]
}

// answered is the answer that a fault makes of a request.
func answered(r *http.Request, f fakegithub.Fault) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: f.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body:   io.NopCloser(strings.NewReader(f.Body)), ContentLength: int64(len(f.Body)),
	}
	for name, value := range f.Header {
		resp.Header.Set(name, value)
	}
	return resp, nil
}

// report reads the report file.
func (d *day) report(t *testing.T) syncReport {
	t.Helper()
	text, err := os.ReadFile(d.env["INPUT_REPORT-FILE"])
	var report syncReport
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// checkReport holds the report, the counts, the annotations and the exit code
// against what has to have failed, as "repository secret".
func (d *day) checkReport(t *testing.T, total int, want []string) {
	t.Helper()
	var failed []string
	seen := map[string]bool{}
	report := d.report(t)
	for _, target := range report.Targets {
		name := target.Repository + " " + target.Secret
		if seen[name] {
			t.Errorf("%s is reported twice", name)
		}
		seen[name] = true
		if target.Outcome == "failed" {
			failed = append(failed, name)
			if target.Reason == "" {
				t.Errorf("%s failed without a reason", name)
			}
		}
	}
	slices.Sort(failed)
	slices.Sort(want)
	if len(seen) != total || !slices.Equal(failed, want) {
		t.Errorf("of %d targets reported, %d failed: %.300q\nof %d in all, %d had to: %.300q",
			len(seen), len(failed), fmt.Sprint(failed), total, len(want), fmt.Sprint(want))
	}
	if got := d.outputs(t)["failed"]; got != strconv.Itoa(len(want)) || report.Counts["failed"] != len(want) {
		t.Errorf("the counts say that %s and %d failed", got, report.Counts["failed"])
	}
	if (d.exit != exitOK) != (len(want) > 0) {
		t.Errorf("exit %d", d.exit)
	}
	told, annotations := 0, 0
	for line := range strings.Lines(d.log.String()) {
		text, annotated := strings.CutPrefix(line, "::error::")
		if !annotated {
			var plain bool
			if text, plain = strings.CutPrefix(line, "error: "); !plain {
				continue
			}
		} else if annotations++; strings.Contains(text, " more error") { // that some have no annotation
			continue
		}
		told += placesIn(t, text)
	}
	if told != len(want) || annotations > 11 {
		t.Errorf("%d failed, and the log tells of %d, in %d annotations", len(want), told, annotations)
	}
}

// alike finds the places that have the same failure as the one that is told of.
var alike = regexp.MustCompile(` \(and so for (.*?)(?: and ([0-9,]+) more)?\)(?:%0A|\n|$)`)

// placesIn counts the places that one line of a failure is about.
func placesIn(t *testing.T, line string) int {
	t.Helper()
	m := alike.FindStringSubmatch(line)
	if m == nil {
		return 1
	}
	more := 0
	if m[2] != "" {
		var err error
		if more, err = strconv.Atoi(strings.ReplaceAll(m[2], ",", "")); err != nil {
			t.Error(err)
		}
	}
	return 1 + len(strings.Split(m[1], ", ")) + more
}

// Whatever happens at random, exactly the targets that can't be written are reported,
// all others hold what they should, and the next run finds nothing to mend there.
func TestSyncFaultsAtRandom(t *testing.T) {
	testKey()
	const n = 24
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				chance := rand.New(rand.NewPCG(seed, 7))
				d := newLargeDay(t, n)
				d.lies = true
				d.env["INPUT_POINTS-PER-MINUTE"] = "0"
				if chance.IntN(3) == 0 {
					d.env["INPUT_STATE-FILE"] = ""
				}
				w := &weather{
					seed: seed, share: 0.4 * chance.Float64(), day: d, refused: map[string]int{}, deleted: map[int]string{},
					tried: map[string]int{}, written: map[string]bool{},
				}
				for i, r := range chance.Perm(n)[:chance.IntN(7)] {
					name := fmt.Sprintf("r%d", r)
					if i%3 == 2 {
						w.deleted[1+chance.IntN(5*n)] = name
					} else {
						w.refused[name] = []int{403, 404}[i%3]
					}
				}
				d.through(t, func(next http.RoundTripper) http.RoundTripper {
					w.next = next
					return w
				})
				var want, never []string
				for i := range n {
					name := fmt.Sprintf("r%d", i)
					if w.refused[name] == 0 && !slices.Contains(w.gone, name) {
						continue
					}
					never = append(never, name)
					for _, secret := range []string{"A", "B", "C"} {
						if !w.written["/repos/fleet/"+name+"/actions/secrets/"+secret] { // it may have been, before the repository was deleted
							want = append(want, name+" "+secret)
						}
					}
				}
				d.checkValues(t, n, never...)
				d.checkReport(t, 3*n, want)
				d.checkHidden(t)
				if t.Failed() {
					t.Logf("refused %v, deleted %v, %.0f%% of the attempts fail", w.refused, w.gone, 100*w.share)
				}

				time.Sleep(2 * time.Second)
				d.next(t, nil)
				d.run(t, "sync")
				d.checkReport(t, 3*(n-len(w.gone)), nil)
				d.checkValues(t, n, w.gone...)
			})
		})
	}
}

// An owner without the App, and a repository that the App does not reach, fail alone:
// though GitHub refuses a token whole that names one such repository.
func TestSyncFailsOnlyWhatIsOutOfReach(t *testing.T) {
	testKey()
	for _, c := range []struct {
		name, to string
		failed   []string
	}{
		{"an owner", `[{repositories: ["fleet/*"]}, {repositories: [globex/r7]}]`, []string{"globex/r7"}},
		{"an owner, by pattern", `[{repositories: ["fleet/*"]}, {repositories: ["globex/*"]}]`, []string{"globex/*"}},
		{"an owner's organization secret", `[{repositories: ["fleet/*"]}, {organization: globex}]`, []string{"organization globex"}},
		{"a repository", `[{repositories: [fleet/r0, fleet/r1, fleet/gone, fleet/r2]}]`, []string{"fleet/gone"}},
		{"two repositories, beside a pattern", `[{repositories: ["fleet/r*", fleet/gone, fleet/lost]}]`, []string{"fleet/gone", "fleet/lost"}},
		{
			"an owner and a repository", `[{repositories: [globex/r7, fleet/r0, fleet/r1, fleet/r2, fleet/gone]}]`,
			[]string{"fleet/gone", "globex/r7"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newLargeDay(t, 3)
				d.AddRepository(fakegithub.Repository{Owner: "globex", Name: "r7", Private: true})
				d.write(t, "secrets: [{name: A, to: "+c.to+"}]\n")
				d.run(t, "sync")
				report := d.report(t)
				var failed []string
				for _, target := range report.Targets {
					if target.Outcome == "failed" {
						failed = append(failed, target.Target)
					}
				}
				slices.Sort(failed)
				if !slices.Equal(failed, c.failed) || report.Counts["created"] != 3 || len(report.Targets) != 3+len(c.failed) || d.exit != exitFailure {
					t.Errorf("exit %d, %v, failed: %q", d.exit, report.Counts, failed)
				}
				for i := range 3 {
					if value, _ := d.SecretValue(fakegithub.Place{Owner: "fleet", Repository: fmt.Sprintf("r%d", i)}, "A"); value != d.env["A"] {
						t.Errorf("r%d has %q", i, value)
					}
				}
				d.checkRevoked(t)
				d.checkHidden(t)
			})
		})
	}
}

// A repository that vanishes between two requests fails alone as well, when a token
// that would have named it is made: the first one, or the one after an hour.
func TestSyncRepositoryVanishesBeforeAToken(t *testing.T) {
	testKey()
	const n = 100
	for _, c := range []struct {
		name, repositories string
		vanishes           int // before the token of that number is made; that which lists names is one too
	}{
		{"listed, and gone before the first token", `["fleet/*"]`, 2},
		{"gone before the second token", `["fleet/*"]`, 3},
		{"gone before the second token, all named", "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newLargeDay(t, n)
				if c.repositories == "" {
					var names []string
					for i := range n {
						names = append(names, fmt.Sprintf("fleet/r%d", i))
					}
					c.repositories = "[" + strings.Join(names, ", ") + "]"
				}
				d.write(t, strings.ReplaceAll(threeSecrets, `["fleet/*"]`, c.repositories))
				d.SetRequestsPerHour(300) // of 500: a second token is needed
				mints := 0
				d.through(t, func(next http.RoundTripper) http.RoundTripper {
					return sender(func(r *http.Request) (*http.Response, error) {
						if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/access_tokens") {
							if mints++; mints == c.vanishes {
								d.DeleteRepository("fleet", "r99") // last in the order of names
							}
						}
						return next.RoundTrip(r)
					})
				})
				d.checkReport(t, 3*n, []string{"r99 A", "r99 B", "r99 C"})
				d.checkValues(t, n-1)
			})
		})
	}
}
