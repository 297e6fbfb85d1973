package fakegithub_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

func TestPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSecretFixture(t, fakegithub.Config{})
		kind := families()[0]
		token, second := f.mint(""), f.mint("")
		body := f.putBody(kind, token, "value", nil)
		f.SetPointsPerMinute(12)
		put := func(token string) reply { return f.send("PUT", kind.path+"/A", token, body) }
		rejected := func(r reply, after string) {
			t.Helper()
			f.want(r, 403, secondary)
			doc, _ := r.body["documentation_url"].(string)
			if got := r.Header.Get("Retry-After"); got != after || !strings.HasSuffix(doc, "#about-secondary-rate-limits") {
				t.Errorf("Retry-After %q, want %q; %s", got, after, doc)
			}
		}
		f.want(f.send("GET", kind.path, token, ""), 200, "") // 1 point at 0 s
		time.Sleep(10*time.Second + time.Millisecond)
		f.want(put(token), 201, "") // 5 at 10 s
		time.Sleep(10 * time.Second)
		f.want(put(second), 204, "")                          // 5 at 20 s, of the same installation
		rejected(put(token), "50")                            // 11 are spent: those of 10 s have to go
		rejected(put(second), "50")                           // a rejection costs nothing
		f.want(f.send("HEAD", kind.path, token, ""), 200, "") // 1 at 20 s
		rejected(f.send("GET", kind.path, token, ""), "40")   // 12: the one of 0 s is enough
		used := f.send("GET", "/rate_limit", f.JWT(time.Now()), "").StatusCode
		if used != 200 || f.Rejections() != 3 {
			t.Errorf("an App's own call: %d, %d rejections", used, f.Rejections())
		}
		other := f.Install(fakegithub.Installation{
			AppID: f.App.ID, Account: f.AddAccount(fakegithub.Account{Login: "rivals"}).Login, All: true,
		})
		f.Installation = other
		f.want(f.send("GET", "/installation/repositories", f.mint(""), ""), 200, "")
		time.Sleep(50*time.Second - time.Millisecond)
		rejected(put(token), "1")
		time.Sleep(time.Millisecond)
		f.want(put(token), 204, "")
		f.SetPointsPerMinute(3)
		rejected(put(token), "60") // whatever is waited
		f.SetPointsPerMinute(0)
		f.want(put(token), 204, "")
		if f.Rejections() != 5 {
			t.Errorf("%d rejections, want 5", f.Rejections())
		}
	})
}

// A client at exactly the pace of the limit is never rejected; one that spends
// everything at once waits a minute.
func TestPointsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSecretFixture(t, fakegithub.Config{})
		f.SetPointsPerMinute(900)
		f.SetRequestsPerHour(100_000)
		kind := families()[0]
		token := f.mint("")
		for range 2000 {
			f.send("GET", kind.path, token, "")
			time.Sleep(time.Minute/900 + 1) // rounded up
		}
		if f.Rejections() != 0 {
			t.Errorf("%d rejections at pace", f.Rejections())
		}
		time.Sleep(time.Minute)
		for range 1000 {
			f.send("GET", kind.path, token, "")
		}
		if f.Rejections() != 100 {
			t.Errorf("%d rejections of a burst, want 100", f.Rejections())
		}
	})
}

func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSecretFixture(t, fakegithub.Config{})
		token := f.mint("")
		f.SetConcurrency(10)
		f.SetLatency(time.Second)
		var good, bad atomic.Int32
		burst := func(n int) time.Duration {
			start := time.Now()
			var group sync.WaitGroup
			for range n {
				group.Go(func() {
					switch r := f.send("GET", "/repos/octo-corp/api/actions/secrets", token, ""); {
					case r.StatusCode == 200:
						good.Add(1)
					case r.message() == secondary && r.Header.Get("Retry-After") == "1":
						bad.Add(1)
					}
				})
			}
			group.Wait()
			return time.Since(start)
		}
		if took := burst(17); took != time.Second || good.Load() != 10 || bad.Load() != 7 || f.Rejections() != 7 {
			t.Errorf("%v: %d good, %d bad, %d rejections", took, good.Load(), bad.Load(), f.Rejections())
		}
		if burst(10); good.Load() != 20 || f.Rejections() != 7 {
			t.Errorf("places are not given back: %d good, %d rejections", good.Load(), f.Rejections())
		}
		f.SetConcurrency(0)
		if burst(200); good.Load() != 220 {
			t.Errorf("no limit: %d good", good.Load())
		}
	})
}

func TestLatencyObeysTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSecretFixture(t, fakegithub.Config{})
		kind, token := families()[0], f.mint("")
		body := f.putBody(kind, token, "value", nil)
		f.SetLatency(time.Minute)
		f.SetConcurrency(1)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		func() {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler || time.Since(start) != time.Second {
					t.Errorf("recovered %v after %v", p, time.Since(start))
				}
			}()
			r := httptest.NewRequestWithContext(ctx, "PUT", kind.path+"/A", strings.NewReader(body))
			r.Header.Set("Authorization", token)
			r.Header.Set("User-Agent", "test")
			f.ServeHTTP(httptest.NewRecorder(), r)
		}()
		if _, ok := f.SecretValue(kind.place, "A"); ok {
			t.Error("a call that was given up was carried out")
		}
		if r := f.send("PUT", kind.path+"/A", token, body); r.StatusCode != 201 || time.Since(start) != 61*time.Second {
			t.Errorf("the place was not given back: %d after %v", r.StatusCode, time.Since(start))
		}
	})
}

// A caller with its answer may call again at once, whatever the server still
// has to do.
func TestConcurrencyOverSockets(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{EnterpriseServer: true})
	f.SetConcurrency(4)
	token := f.mint("")
	server := httptest.NewServer(f.Server)
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 4
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 200 {
				r, _ := http.NewRequest("GET", server.URL+"/installation/repositories", nil)
				r.Header.Set("Authorization", token)
				resp, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close() // unread on purpose
			}
		})
	}
	group.Wait()
	if f.Rejections() != 0 {
		t.Errorf("%d rejections", f.Rejections())
	}
}

func TestPrimaryLimitGrows(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.AddAccount(fakegithub.Account{Login: "big"})
	for i := range 30 {
		f.AddRepository(fakegithub.Repository{Owner: "big", Name: string(rune('a'+i%26)) + string(rune('a'+i/26))})
	}
	limit := func() string {
		return f.send("GET", "/installation/repositories", f.mint(""), "").Header.Get("X-Ratelimit-Limit")
	}
	if got := limit(); got != "5000" {
		t.Errorf("two repositories: %s", got)
	}
	f.Installation = f.Install(fakegithub.Installation{AppID: f.App.ID, Account: "big", All: true})
	if got := limit(); got != "5500" {
		t.Errorf("thirty repositories: %s", got)
	}
	f.SetRequestsPerHour(3)
	f.Installation = f.Install(fakegithub.Installation{AppID: f.App.ID, Account: "big", All: true})
	if got := limit(); got != "3" {
		t.Errorf("by the knob: %s", got)
	}
}
