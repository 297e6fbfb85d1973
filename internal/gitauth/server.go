package gitauth

import (
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/pattern"
)

// server is a GitHub by its address in a browser.
type server struct {
	url  string // scheme, host and port, without a slash at the end
	host string // without the port
	port string
}

var (
	hostName   = pattern.Pattern{Text: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`}
	portNumber = pattern.Pattern{Text: `^[1-9][0-9]{0,4}$`}
)

// parseServer splits an address and normalises what would break git's matching
// of URLs: upper case in the host, a slash at the end. The host has no *, which
// would match others.
func parseServer(text string) (server, error) { return parseAddress(text, false) }

// parseAddress is parseServer that also accepts http to another machine if
// insecure.
func parseAddress(text string, insecure bool) (server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return server{}, errServer // without err, which would quote a password
	}
	s := server{host: strings.ToLower(u.Hostname()), port: u.Port()}
	rest := *u
	rest.Scheme, rest.Host = "", ""
	switch {
	case rest.String() != "" && rest.String() != "/": // user, path, query, fragment
		return server{}, errServer
	case !hostName.Matches(s.host) || len(s.host) > 253:
		return server{}, errServer
	case s.port != "" && !portNumber.Matches(s.port), strings.HasSuffix(u.Host, ":"):
		return server{}, errServer
	case address.Check(u, insecure) != nil:
		return server{}, errServer
	}
	s.url = u.Scheme + "://" + s.authority()
	return s, nil
}

// authority returns the host with the port, if there is one.
func (s server) authority() string {
	if s.port == "" {
		return s.host
	}
	return s.host + ":" + s.port
}
