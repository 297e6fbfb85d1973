// Package address decides to which addresses a credential may be sent, by our
// own requests and by git: to https, and to http on this machine.
package address

import (
	"errors"
	"net"
	"net/url"
)

// The problems of an address, in words that follow its name.
var (
	ErrScheme = errors.New("is not an http(s) URL")
	ErrPlain  = errors.New("is http, so that anybody on the way can read the credentials that are sent there")
)

// Check returns what speaks against sending a credential to u. Plain http is
// allowed for the loopback, which no other machine can listen to; insecure
// allows it everywhere.
func Check(u *url.URL, insecure bool) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return ErrScheme
	case Plain(u) && !insecure:
		return ErrPlain
	}
	return nil
}

// Plain reports whether others can read what is sent to u.
func Plain(u *url.URL) bool { return u.Scheme == "http" && !IsLoopback(u.Hostname()) }

// IsLoopback reports whether a host is this machine by its very name. A name
// that has to be looked up is not: its address is whatever the answer says.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
