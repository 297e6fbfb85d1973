//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// syncWorld is a GitHub behind a socket, with an organization of many repositories
// that are to get three secrets each, and what a step needs to do so.
type syncWorld struct {
	*fakegithub.Server
	tb           testing.TB
	dir          string
	repositories int
	env          map[string]string
}

func newSyncWorld(tb testing.TB, repositories int) *syncWorld {
	tb.Helper()
	w := &syncWorld{
		Server: fakegithub.New(fakegithub.Config{}, fakegithub.Secrets, fakegithub.Environments),
		tb:     tb, dir: tb.TempDir(), repositories: repositories,
	}
	for i := range repositories {
		w.AddRepository(fakegithub.Repository{Owner: "fleet", Name: repositoryName(i), Private: true})
	}
	app := w.AddApp(fakegithub.App{Slug: "keeper", Owner: "fleet", PublicKey: &appKey().PublicKey, Permissions: map[string]string{"secrets": "write"}})
	w.Install(fakegithub.Installation{AppID: app.ID, Account: "fleet", All: true})
	w.SetRequestsPerHour(1 << 30)
	w.SetConcurrency(100)
	server := httptest.NewServer(w.Server)
	tb.Cleanup(server.Close)
	w.env = map[string]string{
		"HOME": w.dir, "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "fleet/r0", "GITHUB_REPOSITORY_OWNER": "fleet",
		"GITHUB_API_URL": server.URL, "GITHUB_SERVER_URL": server.URL,
		"GITHUB_OUTPUT": w.path("output"), "GITHUB_STATE": w.path("saved"), "GITHUB_STEP_SUMMARY": w.path("summary"),
		"INPUT_CLIENT-ID": app.ClientID, "INPUT_PRIVATE-KEY": pkcs1(appKey()), "INPUT_MANIFEST": w.path("valetkey.yml"),
		"INPUT_STATE-FILE": w.path("kept/state"), "INPUT_REPORT-FILE": w.path("report.json"), "INPUT_POINTS-PER-MINUTE": "0",
	}
	manifest := "secrets:\n"
	for _, name := range syncSecrets {
		w.env[name] = "opensesame-" + name
		manifest += "  - {name: " + name + ", to: [{repositories: [\"fleet/*\"]}]}\n"
	}
	if err := os.WriteFile(w.env["INPUT_MANIFEST"], []byte(manifest), 0o600); err != nil {
		tb.Fatal(err)
	}
	return w
}

// syncSecrets are the names of the three. They are also the variables with their
// values.
var syncSecrets = []string{"A", "B", "C"}

func repositoryName(i int) string { return fmt.Sprintf("r%05d", i) }

func (w *syncWorld) path(name string) string { return filepath.Join(w.dir, name) }

// command is a step that runs the program.
func (w *syncWorld) command(program string) (*exec.Cmd, *bytes.Buffer) {
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		if err := os.WriteFile(w.env[name], nil, 0o600); err != nil {
			w.tb.Fatal(err)
		}
	}
	cmd, log := exec.CommandContext(w.tb.Context(), program, "sync"), &bytes.Buffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = w.dir, log, log, []string{}
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd, log
}

// peaked is what a step took.
type peaked struct {
	wall time.Duration
	peak float64 // MiB
}

// step runs the program to its end, which has to be a good one.
func (w *syncWorld) step(program string) (p peaked) {
	w.tb.Helper()
	cmd, log := w.command(program)
	started := time.Now()
	if err := cmd.Start(); err != nil {
		w.tb.Fatal(err)
	}
	ctx, ended := context.WithCancel(context.Background())
	watched := make(chan float64)
	go func() { watched <- watchPeak(ctx, cmd.Process.Pid) }()
	err := cmd.Wait()
	p.wall = time.Since(started)
	ended()
	if p.peak = <-watched; p.peak == 0 {
		p.peak = maxRSS(cmd.ProcessState)
	}
	if err != nil {
		w.tb.Fatalf("%v: %s", err, annotations(log))
	}
	return p
}

// annotations are the errors and warnings in a log.
func annotations(log *bytes.Buffer) (all string) {
	for line := range strings.Lines(log.String()) {
		if strings.HasPrefix(line, "::error::") || strings.HasPrefix(line, "::warning::") || strings.HasPrefix(line, "panic") {
			all += line
		}
	}
	return all
}

// watchPeak follows the peak of a process's memory as Linux knows it. What wait
// tells is no good here: it starts at the memory of whoever started the process, and
// that is a whole GitHub.
func watchPeak(ctx context.Context, pid int) (mib float64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
		if fields := bytes.Fields(line); len(fields) > 0 {
			kib, _ := strconv.ParseFloat(string(fields[0]), 64)
			mib = max(mib, kib/1024)
		}
		select {
		case <-ctx.Done():
			return mib
		case <-tick.C:
		}
	}
}

// maxRSS is for systems without /proc.
func maxRSS(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return float64(usage.Maxrss) / (1 << 20)
	}
	return float64(usage.Maxrss) / (1 << 10)
}

// checkValues holds what workflows would see against what they should.
func (w *syncWorld) checkValues() {
	w.tb.Helper()
	wrong := 0
	for i := range w.repositories {
		for _, name := range syncSecrets {
			got, _ := w.SecretValue(fakegithub.Place{Owner: "fleet", Repository: repositoryName(i)}, name)
			if got == w.env[name] {
				continue
			}
			if wrong++; wrong <= 3 {
				w.tb.Errorf("%s of %s is %q", name, repositoryName(i), got)
			}
		}
	}
	if wrong > 0 {
		w.tb.Fatalf("%d values are wrong", wrong)
	}
}

// asked counts the requests, the fetches of a key and the writes so far.
func (w *syncWorld) asked() (requests, keys, writes int) {
	for _, r := range w.Requests() {
		requests++
		switch {
		case r.Method == http.MethodPut:
			writes++
		case strings.HasSuffix(r.Path, "/public-key"):
			keys++
		}
	}
	return requests, keys, writes
}

// created lists the targets that the last step created.
func (w *syncWorld) created() (targets []string) {
	w.tb.Helper()
	text, err := os.ReadFile(w.env["INPUT_REPORT-FILE"])
	var report struct {
		Targets []struct{ Target, Secret, Outcome string }
	}
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, t := range report.Targets {
		if t.Outcome != "created" {
			w.tb.Fatalf("%s for %s: %s", t.Secret, t.Target, t.Outcome)
		}
		targets = append(targets, t.Target+" "+t.Secret)
	}
	return targets
}

// BenchmarkSync runs the program itself, on fleets as large as the ones that it is
// for. The fake enforces GitHub's limits, so it needs as long as GitHub would:
// .ci/bench-sync runs these, and holds the figures against their bounds.
func BenchmarkSync(b *testing.B) {
	if os.Getenv("VALETKEY_BENCH_SYNC") != "1" {
		b.Skip("takes a minute; .ci/bench-sync sets VALETKEY_BENCH_SYNC=1")
	}
	program := buildProgram(b)
	b.Run("300x3/20ms", func(b *testing.B) { // the same work as of the usual action, which keeps no state
		benchmarkSync(b, program, func(w *syncWorld) {
			w.SetLatency(20 * time.Millisecond)
			w.env["INPUT_STATE-FILE"] = ""
		})
	})
	b.Run("300x3/20ms-state", func(b *testing.B) {
		benchmarkSync(b, program, func(w *syncWorld) { w.SetLatency(20 * time.Millisecond) })
	})
	b.Run("second-run/20ms", func(b *testing.B) { benchmarkSecondRun(b, program) })
	b.Run("one-changed/20ms", func(b *testing.B) { benchmarkOneChanged(b, program) })
	b.Run("10000x3/one-process", func(b *testing.B) { benchmarkOneProcess(b, program) })
	b.Run("10000x3/10-shards", func(b *testing.B) { benchmarkShards(b, program) })
	b.Run("300x3/900-points", func(b *testing.B) {
		if os.Getenv("VALETKEY_BENCH_LIMIT") != "1" {
			b.Skip("takes five minutes, which is what GitHub's limit asks for; VALETKEY_BENCH_LIMIT=1 runs it")
		}
		benchmarkSync(b, program, func(w *syncWorld) {
			w.SetLatency(20 * time.Millisecond)
			w.SetPointsPerMinute(900)
			w.env["INPUT_POINTS-PER-MINUTE"] = "900"
		})
	})
}

// buildProgram makes the program as users have it: without the race detector, and
// with nothing of a test in it.
func buildProgram(tb testing.TB) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "valetkey")
	build := exec.CommandContext(tb.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "nethttpomithttp2", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	return program
}

const benchmarkFleet = 300

// benchmarkSync is a first run: nothing is there, and nothing is known.
func benchmarkSync(b *testing.B, program string, prepare func(*syncWorld)) {
	var wall time.Duration
	var most peaked
	var requests, keys, rejections int
	for b.Loop() {
		b.StopTimer()
		w := newSyncWorld(b, benchmarkFleet)
		prepare(w)
		b.StartTimer()
		p := w.step(program)
		b.StopTimer()
		w.checkValues()
		if n := len(w.created()); n != 3*benchmarkFleet {
			b.Fatalf("%d created", n)
		}
		wall, most.peak = wall+p.wall, max(most.peak, p.peak)
		requests, keys, _ = w.asked()
		rejections = max(rejections, w.Rejections())
		b.StartTimer()
	}
	seconds := wall.Seconds() / float64(b.N)
	b.ReportMetric(seconds, "wall-s")
	b.ReportMetric(3*benchmarkFleet/seconds, "secrets/s")
	b.ReportMetric(float64(keys), "key-fetches")
	b.ReportMetric(float64(requests), "requests")
	b.ReportMetric(float64(rejections), "rejections")
	b.ReportMetric(most.peak, "peak-MiB")
}

// benchmarkSecondRun is one where nothing changed since the first.
func benchmarkSecondRun(b *testing.B, program string) {
	w := newSyncWorld(b, benchmarkFleet)
	w.step(program)
	w.SetLatency(20 * time.Millisecond)
	var wall time.Duration
	var most peaked
	var requests, writes int
	for b.Loop() {
		w.ResetRequests()
		p := w.step(program)
		wall, most.peak = wall+p.wall, max(most.peak, p.peak)
		requests, _, writes = w.asked()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(requests)/benchmarkFleet, "requests/target")
	b.ReportMetric(most.peak, "peak-MiB")
}

// benchmarkOneChanged is a run in which one secret of each repository has a new value.
func benchmarkOneChanged(b *testing.B, program string) {
	w := newSyncWorld(b, benchmarkFleet)
	w.step(program)
	w.SetLatency(20 * time.Millisecond)
	var wall time.Duration
	var requests, keys, writes, round int
	for b.Loop() {
		b.StopTimer()
		round++
		w.env["A"] = fmt.Sprintf("opensesame-%d", round)
		w.ResetRequests()
		b.StartTimer()
		wall += w.step(program).wall
		b.StopTimer()
		w.checkValues()
		requests, keys, writes = w.asked()
		b.StartTimer()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(keys), "key-fetches")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(requests)/float64(writes), "requests/write")
}

// benchmarkOneProcess is a fleet in a single job: a first run, and one in which nothing
// changed.
func benchmarkOneProcess(b *testing.B, program string) {
	const repositories = 10_000
	var wall time.Duration
	var most peaked
	var writes, again int
	for b.Loop() {
		b.StopTimer()
		w := newSyncWorld(b, repositories)
		b.StartTimer()
		first := w.step(program)
		b.StopTimer()
		w.checkValues()
		if n := len(w.created()); n != 3*repositories {
			b.Fatalf("%d created", n)
		}
		_, _, writes = w.asked()
		w.ResetRequests()
		second := w.step(program)
		_, _, again = w.asked()
		wall, most.peak = wall+first.wall+second.wall, max(most.peak, first.peak, second.peak)
		b.StartTimer()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(again), "writes-again")
	b.ReportMetric(most.peak, "peak-MiB")
}

// benchmarkShards is what a matrix of ten jobs does. Each has its own state, and all
// targets are created by exactly one of them.
func benchmarkShards(b *testing.B, program string) {
	const repositories, jobs = 10_000, 10
	var wall time.Duration
	var largest peaked
	var keys, missing, twice int
	for b.Loop() {
		b.StopTimer()
		w := newSyncWorld(b, repositories)
		by := make(map[string]int, 3*repositories)
		missing, twice = 3*repositories, 0
		b.StartTimer()
		for job := range jobs {
			w.env["INPUT_SHARD"] = fmt.Sprintf("%d/%d", job, jobs)
			w.env["INPUT_STATE-FILE"] = w.path(fmt.Sprintf("state-%d", job))
			p := w.step(program)
			wall, largest.peak = wall+p.wall, max(largest.peak, p.peak)
			for _, target := range w.created() {
				if by[target]++; by[target] == 1 {
					missing--
				} else {
					twice++
				}
			}
		}
		b.StopTimer()
		w.checkValues()
		var writes int
		if _, keys, writes = w.asked(); writes != 3*repositories {
			b.Errorf("%d writes", writes)
		}
		b.StartTimer()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(missing), "missing")
	b.ReportMetric(float64(twice), "twice")
	b.ReportMetric(float64(keys), "key-fetches")
	b.ReportMetric(largest.peak, "peak-MiB")
}
