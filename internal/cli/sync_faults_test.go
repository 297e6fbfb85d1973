package cli

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// checkReport holds the report, the counts, the annotations and the exit code
// against what has to have failed, as "repository secret".
func (s *step) checkReport(t *testing.T, total int, want []string) {
	t.Helper()
	var failed []string
	seen := map[string]bool{}
	report := s.report(t)
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
	if got := s.outputs(t)["failed"]; got != strconv.Itoa(len(want)) || report.Counts["failed"] != len(want) {
		t.Errorf("the counts say that %s and %d failed", got, report.Counts["failed"])
	}
	if (s.exit != exitOK) != (len(want) > 0) {
		t.Errorf("exit %d", s.exit)
	}
	told, annotations := 0, 0
	for line := range strings.Lines(s.log.String()) {
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
				s := newLargeStep(t, n)
				s.SkipOpenAPI = true
				s.env["INPUT_POINTS-PER-MINUTE"] = "0"
				if chance.IntN(3) == 0 {
					s.env["INPUT_STATE-FILE"] = ""
				}
				w := &weather{
					seed: seed, share: 0.4 * chance.Float64(), step: s, refused: map[string]int{}, deleted: map[int]string{},
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
				s.through(t, func(next http.RoundTripper) http.RoundTripper {
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
						// it may have been, before the repository was deleted
						if !w.written["/repos/fleet/"+name+"/actions/secrets/"+secret] {
							want = append(want, name+" "+secret)
						}
					}
				}
				s.checkValues(t, n, never...)
				s.checkReport(t, 3*n, want)
				s.checkHidden(t)
				if t.Failed() {
					t.Logf("refused %v, deleted %v, %.0f%% of the attempts fail", w.refused, w.gone, 100*w.share)
				}

				time.Sleep(2 * time.Second)
				s.next(t, nil)
				s.run(t, "sync")
				s.checkReport(t, 3*(n-len(w.gone)), nil)
				s.checkValues(t, n, w.gone...)
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
		{
			"two repositories, beside a pattern", `[{repositories: ["fleet/r*", fleet/gone, fleet/lost]}]`,
			[]string{"fleet/gone", "fleet/lost"},
		},
		{
			"an owner and a repository", `[{repositories: [globex/r7, fleet/r0, fleet/r1, fleet/r2, fleet/gone]}]`,
			[]string{"fleet/gone", "globex/r7"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLargeStep(t, 3)
				s.AddRepository(fakegithub.Repository{Owner: "globex", Name: "r7", Private: true})
				s.write(t, "secrets: [{name: A, to: "+c.to+"}]\n")
				s.run(t, "sync")
				report := s.report(t)
				var failed []string
				for _, target := range report.Targets {
					if target.Outcome == "failed" {
						failed = append(failed, target.Target)
					}
				}
				slices.Sort(failed)
				if !slices.Equal(failed, c.failed) || report.Counts["created"] != 3 || len(report.Targets) != 3+len(c.failed) ||
					s.exit != exitFailure {
					t.Errorf("exit %d, %v, failed: %q", s.exit, report.Counts, failed)
				}
				for i := range 3 {
					at := fakegithub.Place{Owner: "fleet", Repository: fmt.Sprintf("r%d", i)}
					if value, _ := s.SecretValue(at, "A"); value != s.env["A"] {
						t.Errorf("r%d has %q", i, value)
					}
				}
				s.checkRevoked(t)
				s.checkHidden(t)
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
				s := newLargeStep(t, n)
				if c.repositories == "" {
					var names []string
					for i := range n {
						names = append(names, fmt.Sprintf("fleet/r%d", i))
					}
					c.repositories = "[" + strings.Join(names, ", ") + "]"
				}
				s.write(t, strings.ReplaceAll(threeSecrets, `["fleet/*"]`, c.repositories))
				s.SetRequestsPerHour(300) // of 500: a second token is needed
				mints := 0
				s.through(t, func(next http.RoundTripper) http.RoundTripper {
					return sender(func(r *http.Request) (*http.Response, error) {
						if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/access_tokens") {
							if mints++; mints == c.vanishes {
								s.DeleteRepository("fleet", "r99") // last in the order of names
							}
						}
						return next.RoundTrip(r)
					})
				})
				s.checkReport(t, 3*n, []string{"r99 A", "r99 B", "r99 C"})
				s.checkValues(t, n-1)
			})
		})
	}
}
