package cli

import (
	_ "embed"
	"runtime/debug"
	"strings"
)

// archived is the commit, and the tag that it has or follows, if the program
// was built from an archive that git made, such as the one from which the
// runner builds the image: .gitattributes tells git to write them there.
// Otherwise it is the bare "$Format:…$".
//
//go:embed commit.txt
var archived string

// build is the source that a program was built from.
type build struct {
	Version string // of the module, or a word that says that there is none
	Commit  string // "" if it is not known
}

// version returns the version alone, for those who only log it.
func version() string { return built().Version }

func built() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(archived, info)
}

// buildOf prefers the archive's word. Otherwise it takes Go's, which reads a
// checkout itself and knows the version of a downloaded module.
func buildOf(archived string, info *debug.BuildInfo) build {
	b := build{Version: "development"}
	if commit, described, _ := strings.Cut(strings.TrimSpace(archived), " "); isCommit(commit) {
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

func isCommit(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
}

func (b build) String() string {
	if b.Commit == "" {
		return "valetkey " + b.Version + " (commit unknown)"
	}
	return "valetkey " + b.Version + " (commit " + b.Commit + ")"
}
