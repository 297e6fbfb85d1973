//go:build unix

package process_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func BenchmarkVersion(b *testing.B) {
	f := newFixture(b)
	measure(b, func() figures {
		took, _ := f.run("valetkey", "version")
		return took
	})
}

func BenchmarkMint(b *testing.B) {
	f := newFixture(b)
	measure(b, func() figures {
		took, _ := f.run("valetkey", "mint")
		return took
	})
}

func BenchmarkPost(b *testing.B) {
	f := newFixture(b)
	measure(b, func() figures {
		f.run("valetkey", "mint")
		f.next()
		took, printed := f.run("post", "mint")
		if !strings.Contains(printed, "the token is revoked") {
			b.Fatal(printed)
		}
		return took
	})
}

// BenchmarkBareMint is the same mint by the standard library alone.
func BenchmarkBareMint(b *testing.B) {
	f := newFixture(b)
	measure(b, func() figures {
		took, _ := f.run("bare")
		return took
	})
}

// measure reports the means of what the runs took, and their highest peak.
func measure(b *testing.B, run func() figures) {
	b.Helper()
	var sum figures
	for b.Loop() {
		took := run()
		sum.wall, sum.cpu, sum.peak = sum.wall+took.wall, sum.cpu+took.cpu, max(sum.peak, took.peak)
	}
	b.ReportMetric(float64(sum.wall.Nanoseconds())/float64(b.N), "ns/op")
	b.ReportMetric(float64(sum.cpu.Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(sum.peak, "peak-B")
}

// BenchmarkMintToBare runs the two in turn, and compares them pair by pair: such a
// ratio holds where the speed of a machine does not.
func BenchmarkMintToBare(b *testing.B) {
	f := newFixture(b)
	var wall, cpu []float64
	for b.Loop() {
		ours, _ := f.run("valetkey", "mint")
		bare, _ := f.run("bare")
		wall, cpu = append(wall, ratio(ours.wall, bare.wall)), append(cpu, ratio(ours.cpu, bare.cpu))
	}
	b.ReportMetric(0, "ns/op") // it would be of both
	b.ReportMetric(median(wall), "wall-ratio")
	b.ReportMetric(median(cpu), "cpu-ratio")
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
