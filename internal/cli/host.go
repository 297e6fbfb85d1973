package cli

import (
	"net/url"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// host is how a step reaches GitHub.
type host struct {
	URL   string
	Roots []byte
}

// publicAPI is where GitHub is when neither an input nor a runner says.
const publicAPI = "https://api.github.com"

// parseHost reads github-api-url and ca-bundle.
func parseHost(in *actions.Inputs) host {
	h := host{URL: in.String("github-api-url"), Roots: []byte(in.String("ca-bundle"))}
	if h.URL == "" {
		h.URL = publicAPI
	}
	if u, err := githubapp.ParseURL(h.URL); err != nil {
		in.Fault("github-api-url", err.Error(), "give the address of the REST API, such as https://api.github.com or https://HOST/api/v3")
	} else {
		h.URL = u.String()
	}
	if len(h.Roots) > 0 {
		if _, err := githubapp.ParseRoots(h.Roots); err != nil {
			in.Fault("ca-bundle", err.Error(), "paste the certificates themselves, each from -----BEGIN CERTIFICATE----- on; a path is not read")
		}
	}
	return h
}

// connect opens the way to a host for this step.
func (p Process) connect(r *actions.Runner, h host) (*githubapp.API, error) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		r.Mask(proxyPassword(p.Getenv(name)))
	}
	return githubapp.New(githubapp.Config{
		URL:       h.URL,
		Roots:     h.Roots,
		Proxy:     p.Proxy,
		Transport: p.Transport,
		UserAgent: "valetkey/" + version(),
		OnJWT:     func(jwt redact.String) { r.Mask(jwt) },
		OnToken:   func(token redact.String) { r.Mask(actions.Forms(token)...) },
		Info:      r.Info,
		Warning:   r.Warning,
		Debug:     r.Debug,
	})
}

// proxyPassword gives what is secret of a proxy's address: all of it when it
// can't be read as one.
func proxyPassword(address string) redact.String {
	u, err := url.Parse(address)
	if err != nil {
		return redact.New(address)
	}
	password, _ := u.User.Password()
	return redact.New(password)
}
