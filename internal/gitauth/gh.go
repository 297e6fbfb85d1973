package gitauth

import (
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// GH returns the environment in which gh uses a token for a server. gh knows
// two names: GH_TOKEN goes to github.com and, since gh supports data residency,
// to every subdomain of ghe.com; GH_ENTERPRISE_TOKEN goes to any other host.
// GH_HOST is the host of commands that run outside of a repository; an empty
// one counts as none.
//
// host is GH_HOST in the environment so far. If an earlier step set it for
// another server, gh would ask that one. An environment without it stays
// without, because with GH_HOST=github.com gh refuses the remotes of any other
// host.
//
// A gh as old as Debian 12's 2.23 takes *.ghe.com for an Enterprise Server, so
// it finds no token there; it would not find the API either.
func GH(serverURL string, token redact.String, host string) ([]Pair, error) {
	site, err := parseServer(serverURL)
	if err != nil {
		return nil, err
	}
	if !redact.IsWord(token.Reveal()) {
		return nil, errToken
	}
	here := Pair{"GH_HOST", site.authority()}
	switch {
	case site.host == "github.com" && host == "":
		return []Pair{{"GH_TOKEN", token.Reveal()}}, nil
	case site.host == "github.com":
		return []Pair{{"GH_TOKEN", token.Reveal()}, {"GH_HOST", ""}}, nil
	case strings.HasSuffix(site.host, ".ghe.com"):
		return []Pair{{"GH_TOKEN", token.Reveal()}, here}, nil
	default:
		return []Pair{{"GH_ENTERPRISE_TOKEN", token.Reveal()}, here}, nil
	}
}
