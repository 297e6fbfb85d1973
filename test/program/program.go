// Package program builds valetkey for the tests below this folder. They run it
// as users do: as a process of its own, without the race detector and with no
// code of a test in it. The package never becomes part of the program. Start at
// [Main].
package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main is for the TestMain of a package. It runs the tests with a PATH that
// begins with the folder of the programs "valetkey" and, for the post stage,
// "post".
func Main(m *testing.M) {
	dir, err := os.MkdirTemp("", "valetkey-program-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err == nil {
		err = os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		panic(err)
	}
	m.Run()
}

func build(dir string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags", "-s -w",
		"-tags", "nethttpomithttp2", "-o", filepath.Join(dir, "valetkey"), "github.com/valetkey/valetkey")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, out)
	}
	return os.Link(filepath.Join(dir, "valetkey"), filepath.Join(dir, "post"))
}
