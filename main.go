// Command valetkey hands a GitHub workflow a short-lived credential that opens
// only what the job needs. It is the program of the container action; README.md
// says how to use it.
package main

import (
	"net/http"
	"os"

	"github.com/valetkey/valetkey/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Process{
		Args:    os.Args,
		Getenv:  os.Getenv,
		Environ: os.Environ,
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Proxy:   http.ProxyFromEnvironment,

		Terminal:    isTerminal(os.Stdout),
		StderrPiped: isPipe(os.Stderr),
	}))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// isPipe reports whether another program reads the file. Node gives its children
// sockets.
func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}
