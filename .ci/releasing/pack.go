// Command pack gzips its input as small as Go does. What it writes depends on the
// input and on the release of Go, which go.mod names, and on nothing of the machine:
// zlib, which others use, is not the same everywhere.
package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

func main() {
	w, err := gzip.NewWriterLevel(os.Stdout, gzip.BestCompression)
	if err == nil {
		_, err = io.Copy(w, os.Stdin)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}
