//go:build nodemo

package cli

import "context"

// runDemo says where the demo is. The image leaves it out: a container that
// holds an App's key needs neither a GitHub of its own nor an HTTP server.
func runDemo(_ context.Context, p Process, _ command, _ []string) int {
	return misuse(p, "the image has no demo",
		"take the program from a release's archive, or run it from the source, with Go: go run . demo")
}
