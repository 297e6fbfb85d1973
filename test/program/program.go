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
	"slices"
	"testing"
)

const module = "github.com/valetkey/valetkey"

// Main is for the TestMain of a package. It runs the tests with a PATH that
// begins with the folder of the programs "valetkey" and, for the post stage,
// "post".
func Main(m *testing.M) {
	dir, err := os.MkdirTemp("", "valetkey-program-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = Build(module, filepath.Join(dir, "valetkey"), "-trimpath", "-ldflags=-s -w", "-tags=nethttpomithttp2")
	}
	if err == nil {
		err = os.Link(filepath.Join(dir, "valetkey"), filepath.Join(dir, "post"))
	}
	if err == nil {
		err = os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		panic(err)
	}
	m.Run()
}

// BuildReleased builds the program as it is released, with further variables of
// the environment if there are any. root is the path of the repository.
func BuildReleased(root, output string, env ...string) error {
	output, err := filepath.Abs(output)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(root, ".ci", "build"), output)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf(".ci/build: %w: %s", err, out)
	}
	return nil
}

// Build builds the program of a package.
func Build(name, output string, flags ...string) error {
	args := slices.Concat([]string{"build", "-buildvcs=false", "-o", output}, flags, []string{name})
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", name, err, out)
	}
	return nil
}
