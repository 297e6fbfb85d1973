//go:build unix

package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Usage is the time and the memory that a process took.
type Usage struct {
	Wall time.Duration
	Peak float64 // of resident memory, in MiB
}

// Run runs a program to its end.
func Run(cmd *exec.Cmd) (u Usage, err error) {
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return u, err
	}
	ctx, ended := context.WithCancel(context.Background())
	watched := make(chan float64)
	go func() { watched <- watchPeak(ctx, cmd.Process.Pid) }()
	err = cmd.Wait()
	u.Wall = time.Since(started)
	ended()
	if u.Peak = <-watched; u.Peak == 0 {
		u.Peak = maxRSS(cmd.ProcessState)
	}
	return u, err
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
