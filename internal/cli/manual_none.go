//go:build nodemo

package cli

import "context"

// completion says where completion is. The image leaves it out, since no
// person types commands there.
func (table) completion(_ context.Context, p Process, _ command, _ []string) int {
	return misuse(p, "the image has no completion", "run it from the source, with Go: go run . completion bash")
}

// man says where the manual page is. The image leaves it out.
func (table) man(_ context.Context, p Process) int {
	return misuse(p, "the image has no manual page", "run it from the source, with Go: go run . man")
}
