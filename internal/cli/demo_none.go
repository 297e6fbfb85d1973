//go:build nodemo

package cli

import "context"

// demo is left out of the image: a container that holds an App's key needs neither a
// GitHub of its own nor an HTTP server.
func (p Process) demo(context.Context, []string) int {
	return p.misuse("the image has no demo", "run it from the source, with Go: go run . demo")
}
