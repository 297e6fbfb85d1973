//go:build unix

package sync_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/valetkey/valetkey/test/program"
)

// BenchmarkSync runs the program itself on the largest fleets that it is made
// for. The fake enforces GitHub's limits, so a run takes as long as it would at
// GitHub. .ci/bench-sync runs these benchmarks, and compares the figures with
// their bounds.
func BenchmarkSync(b *testing.B) {
	if os.Getenv("VALETKEY_BENCH_SYNC") != "1" {
		b.Skip("takes a minute; .ci/bench-sync sets VALETKEY_BENCH_SYNC=1")
	}
	b.Run("300x3/20ms", func(b *testing.B) { // the same work as of the usual action, which keeps no state
		benchmarkSync(b, func(f *fixture) {
			f.SetLatency(20 * time.Millisecond)
			f.env["INPUT_STATE-FILE"] = ""
		})
	})
	b.Run("300x3/20ms-state", func(b *testing.B) {
		benchmarkSync(b, func(f *fixture) { f.SetLatency(20 * time.Millisecond) })
	})
	b.Run("second-run/20ms", func(b *testing.B) { benchmarkSecondRun(b) })
	b.Run("one-changed/20ms", func(b *testing.B) { benchmarkOneChanged(b) })
	b.Run("10000x3/one-process", func(b *testing.B) { benchmarkOneProcess(b) })
	b.Run("10000x3/10-shards", func(b *testing.B) { benchmarkShards(b) })
	b.Run("300x3/900-points", func(b *testing.B) {
		if os.Getenv("VALETKEY_BENCH_LIMIT") != "1" {
			b.Skip("takes five minutes, which is what GitHub's limit asks for; VALETKEY_BENCH_LIMIT=1 runs it")
		}
		benchmarkSync(b, func(f *fixture) {
			f.SetLatency(20 * time.Millisecond)
			f.SetPointsPerMinute(900)
			f.env["INPUT_POINTS-PER-MINUTE"] = "900"
		})
	})
}

const benchmarkFleet = 300

// benchmarkSync is a first run: GitHub has no secrets, and there is no state
// file.
func benchmarkSync(b *testing.B, prepare func(*fixture)) {
	var wall time.Duration
	var most program.Usage
	var requests, keys, rejections int
	for b.Loop() {
		b.StopTimer()
		f := newFixture(b, benchmarkFleet)
		prepare(f)
		b.StartTimer()
		p := f.step()
		b.StopTimer()
		f.checkValues()
		if n := len(f.created()); n != 3*benchmarkFleet {
			b.Fatalf("%d created", n)
		}
		wall, most.Peak = wall+p.Wall, max(most.Peak, p.Peak)
		requests, keys, _ = f.requestCounts()
		rejections = max(rejections, f.Rejections())
		b.StartTimer()
	}
	seconds := wall.Seconds() / float64(b.N)
	b.ReportMetric(seconds, "wall-s")
	b.ReportMetric(3*benchmarkFleet/seconds, "secrets/s")
	b.ReportMetric(float64(keys), "key-fetches")
	b.ReportMetric(float64(requests), "requests")
	b.ReportMetric(float64(rejections), "rejections")
	b.ReportMetric(most.Peak, "peak-MiB")
}

// benchmarkSecondRun is a second run, with nothing changed since the first.
func benchmarkSecondRun(b *testing.B) {
	f := newFixture(b, benchmarkFleet)
	f.step()
	f.SetLatency(20 * time.Millisecond)
	var wall time.Duration
	var most program.Usage
	var requests, writes int
	for b.Loop() {
		f.ResetRequests()
		p := f.step()
		wall, most.Peak = wall+p.Wall, max(most.Peak, p.Peak)
		requests, _, writes = f.requestCounts()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(requests)/benchmarkFleet, "requests/target")
	b.ReportMetric(most.Peak, "peak-MiB")
}

// benchmarkOneChanged is a run in which one secret of each repository has a new value.
func benchmarkOneChanged(b *testing.B) {
	f := newFixture(b, benchmarkFleet)
	f.step()
	f.SetLatency(20 * time.Millisecond)
	var wall time.Duration
	var requests, keys, writes, round int
	for b.Loop() {
		b.StopTimer()
		round++
		f.env["A"] = fmt.Sprintf("opensesame-%d", round)
		f.ResetRequests()
		b.StartTimer()
		wall += f.step().Wall
		b.StopTimer()
		f.checkValues()
		requests, keys, writes = f.requestCounts()
		b.StartTimer()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(keys), "key-fetches")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(requests)/float64(writes), "requests/write")
}

// benchmarkOneProcess is a fleet in a single job: a first run, and a second one
// with nothing changed.
func benchmarkOneProcess(b *testing.B) {
	const repositories = 10_000
	var wall time.Duration
	var most program.Usage
	var writes, again int
	for b.Loop() {
		b.StopTimer()
		f := newFixture(b, repositories)
		b.StartTimer()
		first := f.step()
		b.StopTimer()
		f.checkValues()
		if n := len(f.created()); n != 3*repositories {
			b.Fatalf("%d created", n)
		}
		_, _, writes = f.requestCounts()
		f.ResetRequests()
		second := f.step()
		_, _, again = f.requestCounts()
		wall, most.Peak = wall+first.Wall+second.Wall, max(most.Peak, first.Peak, second.Peak)
		b.StartTimer()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(again), "writes-again")
	b.ReportMetric(most.Peak, "peak-MiB")
}

// benchmarkShards is a matrix of ten jobs. Each has its own state file, and
// exactly one of them creates each target.
func benchmarkShards(b *testing.B) {
	const repositories, jobs = 10_000, 10
	var wall time.Duration
	var largest program.Usage
	var keys, missing, twice int
	for b.Loop() {
		b.StopTimer()
		f := newFixture(b, repositories)
		by := make(map[string]int, 3*repositories)
		missing, twice = 3*repositories, 0
		b.StartTimer()
		for job := range jobs {
			f.env["INPUT_SHARD"] = fmt.Sprintf("%d/%d", job, jobs)
			f.env["INPUT_STATE-FILE"] = f.path(fmt.Sprintf("state-%d", job))
			p := f.step()
			wall, largest.Peak = wall+p.Wall, max(largest.Peak, p.Peak)
			for _, target := range f.created() {
				if by[target]++; by[target] == 1 {
					missing--
				} else {
					twice++
				}
			}
		}
		b.StopTimer()
		f.checkValues()
		var writes int
		if _, keys, writes = f.requestCounts(); writes != 3*repositories {
			b.Errorf("%d writes", writes)
		}
		b.StartTimer()
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "wall-s")
	b.ReportMetric(float64(missing), "missing")
	b.ReportMetric(float64(twice), "twice")
	b.ReportMetric(float64(keys), "key-fetches")
	b.ReportMetric(largest.Peak, "peak-MiB")
}
