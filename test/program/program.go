// Package program builds valetkey for the tests below this folder. They run it
// as users do: as a process of its own, without the race detector and with no
// code of a test in it. The package never becomes part of the program. Start at
// [Main].
package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// BuildImage builds the program as a Dockerfile does, with further flags if there are
// any.
func BuildImage(dockerfile, output string, flags ...string) error {
	image, err := imageFlags(dockerfile)
	if err != nil {
		return err
	}
	return Build(module, output, append(image, flags...)...)
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

// imageFlags returns the flags of the go build in a Dockerfile. A shell takes them
// apart, as it does there.
func imageFlags(dockerfile string) ([]string, error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	lines := bytes.ReplaceAll(text, []byte("\\\n"), nil)
	build := regexp.MustCompile(`go build ([^&]*) -o `).FindSubmatch(lines)
	if build == nil {
		return nil, fmt.Errorf("%s builds nothing", dockerfile)
	}
	flags, err := exec.CommandContext(context.Background(), "sh", "-c", `printf '%s\n' `+string(build[1])).Output()
	return strings.Split(strings.TrimSpace(string(flags)), "\n"), err
}
