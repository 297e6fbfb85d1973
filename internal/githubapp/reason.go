package githubapp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/valetkey/valetkey/internal/redact"
)

// proxyRefusal is the error of a proxy that answered but did not connect.
type proxyRefusal struct{ host, status string }

func (p proxyRefusal) Error() string { return "proxy " + p.host + ": it answered " + p.status }

// reason returns in a few words why no answer came: the host, and whether the
// problem was DNS, TCP, TLS or a proxy.
func (a *API) reason(err error) string {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err // without the method and the URL, which may contain a user name
	}
	var proxy *net.OpError
	if errors.As(err, &proxy) && proxy.Op == "proxyconnect" {
		return "proxy " + layer(proxy.Err, "")
	}
	return layer(err, a.hostPort())
}

func (a *API) hostPort() string {
	port := a.base.Port()
	if port == "" {
		port = defaultPort[a.base.Scheme]
	}
	return net.JoinHostPort(a.base.Hostname(), port)
}

// layer returns the reason with its layer. host may be empty if the error has
// it.
func layer(err error, host string) string {
	var refused proxyRefusal
	var dns *net.DNSError
	var dial *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return oneLine("DNS: " + dns.Name + " has no address")
	case errors.As(err, &dns):
		return oneLine("DNS: no answer for " + dns.Name)
	case errors.As(err, &dial) && dial.Op == "dial":
		if dial.Addr != nil {
			host = dial.Addr.String()
		}
		return oneLine(host + ": TCP: " + innermost(dial))
	case isTLS(err):
		return oneLine(host + ": TLS: " + strings.TrimPrefix(innermost(err), "tls: "))
	case errors.Is(err, context.DeadlineExceeded):
		return host + ": no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return host + ": the connection was closed without an answer"
	}
	return oneLine(err.Error())
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || isBadCertificate(err) ||
		errors.Is(err, http.ErrSchemeMismatch) ||
		strings.Contains(err.Error(), "TLS handshake") || strings.HasPrefix(err.Error(), "tls: ")
}

// isBadCertificate reports whether a certificate was refused, so that no second
// attempt can help.
func isBadCertificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

// innermost returns the text of the last error of a chain: "connection refused"
// instead of "dial tcp 127.0.0.1:443: connect: connection refused".
func innermost(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "no answer in time"
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// unreachable returns the hint if no usable answer came.
func (a *API) unreachable(err error) string {
	var refused proxyRefusal
	var proxy *net.OpError
	var dns *net.DNSError
	var limit limitTooLong
	here := loopback(err)
	throughProxy := errors.As(err, &proxy) && proxy.Op == "proxyconnect"
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &limit):
		return limit.ErrorHint()
	case throughProxy && here != "":
		return "in a container " + here + " is the container, not the runner: " +
			"set HTTPS_PROXY to the runner's own address, or check that the proxy runs"
	case errors.As(err, &refused), throughProxy, errors.Is(err, errNoProxy):
		return "check HTTPS_PROXY or HTTP_PROXY of the runner, or name " + a.base.Hostname() + " in NO_PROXY"
	case here != "":
		return "in a container " + here + " is the container, not the runner: " +
			"set " + a.setting + " to the runner's own address, or check that the server runs"
	case errors.As(err, &dns):
		return "check " + a.setting + ", and the runner's DNS and proxy settings"
	case errors.Is(err, errRedirect):
		return "check " + a.setting + ": the service itself answers without redirects"
	case errors.Is(err, errMoved):
		return "the repository was probably renamed: use its new name"
	case errors.Is(err, errLogin) && a.website() != "":
		return a.notAPI(0)
	case errors.Is(err, errOtherHost), errors.Is(err, errInCircles), errors.Is(err, errLogin):
		return misdirected
	case isBadCertificate(err):
		return "if " + a.base.Hostname() + " has a certificate of your own CA, pass the CA's certificate in ca-bundle"
	case isTLS(err):
		return "check that " + a.setting + " names an https port, and that nothing on the way answers in its place"
	case errors.Is(err, errUnreadable):
		return "something between here and GitHub, such as a proxy or a login page, answers in its place: check github-api-url" +
			a.serverHint()
	}
	return "check that the runner reaches " + a.hostPort() + ": " + a.setting + ", firewall, HTTPS_PROXY"
}

// serverHint returns the end of a hint that names the API's address, if the
// configured address looks like that of a website.
func (a *API) serverHint() string {
	if web := a.website(); web != "" {
		return ", which on an Enterprise Server is " + web
	}
	return ""
}

// loopback returns the loopback address that refused a connection, or "" if the
// error is another.
func loopback(err error) string {
	var dial *net.OpError
	if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &dial) {
		return ""
	}
	if dial.Op == "proxyconnect" && !errors.As(dial.Err, &dial) {
		return ""
	}
	if address, ok := dial.Addr.(*net.TCPAddr); ok && address.IP.IsLoopback() {
		return address.IP.String()
	}
	return ""
}

const (
	publicAPI = "https://api.github.com"
	serverAPI = "https://HOST/api/v3"
)

// oneLine makes text of others fit for one line of a log.
func oneLine(text string) string {
	const longest = 400
	text = redact.OneLine(text)
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return text
}
