package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts below testdata/script run this program as the runner would: as
// "valetkey" in the main stage and as "post" in the post stage. Each has an
// embedded GitHub of its own; story_test.go says what a script can ask of it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"valetkey": main, "post": main})
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               func(env *testscript.Env) error { return newStory(t, env) },
		Cmds:                storyCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
