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

	_ "golang.org/x/crypto/x509roots/fallback" // an empty image has no certificates
)

// ParseRoots checks a bundle of PEM certificates.
func ParseRoots(bundle []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(bundle) {
		return nil, errors.New("holds no PEM certificate")
	}
	return pool, nil
}

var errNoProxy = errors.New("proxy: its address can't be read")

// network is the transport that reaches the host. Its parts time out early, so
// that an error can tell which of them it was.
func network(c Config) (http.RoundTripper, error) {
	t := &http.Transport{
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
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        60 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 1 << 20,
	}
	if len(c.Roots) > 0 {
		roots, err := ParseRoots(c.Roots)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = roots
	}
	return t, nil
}
