package cli

import (
	_ "embed"
	"runtime/debug"
	"strings"
)

// archived is the commit, and the tag that it has or follows, where this was built
// from an archive of git's, such as the one that the runner builds the image from:
// .gitattributes has git write them in. Elsewhere it is the bare "$Format:…$".
//
//go:embed commit.txt
var archived string

// build is what a program was built from.
type build struct {
	Version string // of the module, or else a word that says there is none
	Commit  string // empty when it is not known
}

// version is the version for those who only log it.
func version() string { return built().Version }

func built() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(archived, info)
}

// buildOf takes the archive's word first, and then that of Go, which reads a checkout
// itself and knows the version of a module that was downloaded.
func buildOf(archived string, info *debug.BuildInfo) build {
	b := build{Version: "development"}
	if commit, described, _ := strings.Cut(strings.TrimSpace(archived), " "); isHex40(commit) {
		b.Commit = commit
		// A git older than 2.32 leaves the placeholder as it is.
		if described = strings.TrimSpace(described); described != "" && !strings.HasPrefix(described, "%") {
			b.Version = described
		}
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			b.Commit = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true" && b.Commit != "":
			b.Commit += ", changed since"
		}
	}
	return b
}

func (b build) String() string {
	if b.Commit == "" {
		return "valetkey " + b.Version + " (commit unknown)"
	}
	return "valetkey " + b.Version + " (commit " + b.Commit + ")"
}
