package githubapp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// CheckRoots returns an error if a text can't be the Roots of a [Config].
func CheckRoots(pem []byte) error { return addRoots(x509.NewCertPool(), pem) }

// addRoots adds the certificates of a PEM to a pool.
func addRoots(pool *x509.CertPool, pem []byte) error {
	if !pool.AppendCertsFromPEM(pem) {
		return errors.New("holds no PEM certificate")
	}
	return nil
}

// roots returns the certificates of the system (or of SSL_CERT_FILE). If there
// are none, as in an empty image, it returns the built-in ones. It takes a
// millisecond, so it is called only for TLS.
func roots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err == nil && !pool.Equal(x509.NewCertPool()) {
		return pool
	}
	pool = x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil: // this release of Go does not accept it
		case root.Constraint != nil:
			pool.AddCertWithConstraint(certificate, root.Constraint)
		default:
			pool.AddCert(certificate)
		}
	}
	return pool
}

var errNoProxy = errors.New("proxy: its address can't be read")

// network returns the transport to the host. Each of its steps has a short time
// limit, so that an error can name the step.
func network(base *url.URL, c Config) (http.RoundTripper, error) {
	// HTTP/1.1 has a connection for each request under way. Many calls are as
	// fast on sixteen connections as on one of HTTP/2, and the image is a
	// twentieth smaller.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	t := &http.Transport{
		Protocols: &protocols,
		Proxy: func(r *http.Request) (*url.URL, error) {
			if c.Proxy == nil {
				return nil, nil
			}
			u, err := c.Proxy(r)
			if err != nil {
				return nil, errNoProxy // the error repeats the address, password and all
			}
			return u, nil
		},
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return proxyRefusal{host: proxy.Host, status: oneLine(resp.Status)}
			}
			return nil
		},
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConnsPerHost:    MaxConcurrency,
		IdleConnTimeout:        60 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 1 << 20,
	}
	if base.Scheme == "https" || len(c.Roots) > 0 {
		t.TLSClientConfig.RootCAs = roots()
	}
	if len(c.Roots) > 0 {
		return t, addRoots(t.TLSClientConfig.RootCAs, c.Roots)
	}
	return t, nil
}
