//go:build unix

package sync_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is the time and the memory that a step took.
type usage struct {
	wall time.Duration
	peak float64 // MiB
}

// step runs the program to its end, which has to succeed.
func (f *fixture) step() (p usage) {
	f.tb.Helper()
	cmd, log := f.command()
	started := time.Now()
	if err := cmd.Start(); err != nil {
		f.tb.Fatal(err)
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
		f.tb.Fatalf("%v: %s", err, annotations(log))
	}
	return p
}

// annotations returns the errors and warnings in a log.
func annotations(log *bytes.Buffer) (all string) {
	for line := range strings.Lines(log.String()) {
		if strings.HasPrefix(line, "::error::") || strings.HasPrefix(line, "::warning::") || strings.HasPrefix(line, "panic") {
			all += line
		}
	}
	return all
}

// watchPeak follows the peak of a process's memory as Linux reports it. The
// figure of wait is useless here: it starts with the memory of the parent
// process, which holds a whole GitHub.
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
