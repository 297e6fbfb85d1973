//go:build nodemo

package cli

import "context"

// runSetup says where setup is. The image leaves it out: an App is made by a
// person at a browser, not by a step.
func runSetup(_ context.Context, p Process, _ command, _ []string) int {
	return misuse(p, "the image has no setup, which is for a person at a browser",
		"take the program from a release's archive, or run it from the source, with Go: go run . setup")
}
