// Command stopwatch runs a program and writes to file descriptor 3 what it took:
// wall-clock and processor time in nanoseconds, and the peak of its memory. It is a
// program of its own because the peak that the system tells starts at the memory of
// whoever started the process, and that is a whole GitHub in a benchmark.
package main

import (
	"fmt"
	"log"
	"os"
	"syscall"
	"time"
)

func main() {
	report := os.NewFile(3, "report")
	started := time.Now()
	process, err := os.StartProcess(os.Args[1], os.Args[2:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		log.Fatal(err)
	}
	state, err := process.Wait()
	wall := time.Since(started)
	if err != nil {
		log.Fatal(err)
	}
	peak := state.SysUsage().(*syscall.Rusage).Maxrss
	fmt.Fprintln(report, wall.Nanoseconds(), (state.UserTime() + state.SystemTime()).Nanoseconds(), peak)
	os.Exit(state.ExitCode())
}
