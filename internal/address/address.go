// Package address is the one place that says to which addresses a credential may
// be sent, by our own requests and by git: to https, and to http on this machine.
package address

import (
	"errors"
	"net"
	"net/url"
)

// What is wrong with an address, in words that follow its name.
var (
	ErrScheme = errors.New("is no http(s) URL")
	ErrPlain  = errors.New("is http, so that anybody on the way can read the credentials that are sent there")
)

// Check reports what speaks against sending a credential to u. Plain http is for
// the loopback, where nobody is on the way; insecure lets it pass elsewhere.
func Check(u *url.URL, insecure bool) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return ErrScheme
	case Plain(u) && !insecure:
		return ErrPlain
	}
	return nil
}

// Plain reports whether what is sent to u can be read on its way.
func Plain(u *url.URL) bool { return u.Scheme == "http" && !IsLoopback(u.Hostname()) }

// IsLoopback reports whether a host is this machine by its very name. A name that
// has to be looked up is whatever the one who answers says.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
