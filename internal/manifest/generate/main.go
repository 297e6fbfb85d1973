// Command generate writes docs/manifest.md from the table of package manifest.
// go generate runs it in internal/manifest, and it never uses the network.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/manifest"
)

func main() {
	path := filepath.Join("..", "..", "docs", "manifest.md")
	if err := os.WriteFile(path, []byte(manifest.Reference()), 0o644); err != nil { //nolint:gosec // for everybody to read
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
