package main

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts below testdata/script run this program as the runner would: as
// "valetkey" in the main stage and as "post" in the post stage. Each has an
// embedded GitHub of its own; script_test.go says what a script can ask of it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"valetkey": main, "post": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               func(env *testscript.Env) error { return setUp(t, env) },
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// Commands go to standard error only if a runner may read it, not if it is kept
// in a file.
func TestIsPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[*os.File]bool{writer: true, null: false, file: false}
	if runtime.GOOS != "windows" { // no socket is a file there
		socket, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = socket.Close() }()
		listener, err := socket.(*net.UnixListener).File()
		if err != nil {
			t.Fatal(err)
		}
		files[listener] = true
	}
	for f, want := range files {
		if isPipe(f) != want {
			t.Errorf("%s: %v, want %v", f.Name(), !want, want)
		}
		_ = f.Close()
	}
	_ = reader.Close()
}
