package cli

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// host is how a step reaches GitHub.
type host struct {
	URL          string
	Roots        []byte
	InsecureHTTP bool          // URL may be http elsewhere than on this machine
	Skew         time.Duration // how far GitHub's clock was ahead of ours, as measured before
}

// name is what tells one GitHub from another: the host, without the way to its API.
func (h host) name() string {
	u, err := url.Parse(h.URL)
	if err != nil { // checked as it was read
		return ""
	}
	return strings.ToLower(u.Host)
}

// publicAPI is where GitHub is when neither an input nor a runner says.
const publicAPI = "https://api.github.com"

// parseHost reads github-api-url, insecure-http and ca-bundle. Where insecure-http
// has its way, each run warns of it.
func parseHost(r *actions.Runner, in *actions.Inputs) host {
	h := host{URL: in.String("github-api-url"), Roots: []byte(in.String("ca-bundle")), InsecureHTTP: in.Bool("insecure-http")}
	if h.URL == "" {
		h.URL = publicAPI
	}
	if u := parseAddress(in, "github-api-url", h.URL, h.InsecureHTTP); u != nil {
		h.URL = u.String()
		if address.Plain(u) {
			r.Warning("insecure-http: what is sent to %s is not encrypted, so whoever is on the way there "+
				"can read the App's JWT and the token, and use them", u.Host)
		}
	}
	if len(h.Roots) > 0 {
		if _, err := githubapp.ParseRoots(h.Roots); err != nil {
			in.Fault("ca-bundle", err.Error(), "paste the certificates themselves, each from -----BEGIN CERTIFICATE----- on; a path is not read")
		}
	}
	return h
}

// parseAddress reads an address of a REST API that an input gives; nil is a fault.
func parseAddress(in *actions.Inputs, input, text string, insecure bool) *url.URL {
	read := githubapp.ParseURL
	if insecure {
		read = githubapp.ParseInsecureURL
	}
	u, err := read(text)
	if err != nil {
		in.Fault(input, err.Error(), addressCure(err))
	}
	return u
}

// addressCure is what to do about an address that is none to send credentials to.
func addressCure(err error) string {
	if errors.Is(err, address.ErrPlain) {
		return "write https://; plain http is for this machine alone, or for a test server elsewhere with insecure-http: true"
	}
	return "give the address of the REST API, such as https://api.github.com or https://HOST/api/v3"
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

		InsecureHTTP: h.InsecureHTTP,
		Skew:         h.Skew,

		OnJWT:   func(jwt redact.String) { r.Mask(jwt) },
		OnToken: func(token redact.String) { r.Mask(actions.Forms(token)...) },
		Info:    r.Info,
		Warning: r.Warning,
		Debug:   r.Debug,
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

// parseAllowed reads allowed-api-urls.
func parseAllowed(in *actions.Inputs, h host) []string {
	var all []string
	for _, text := range in.List("allowed-api-urls") {
		if u := parseAddress(in, "allowed-api-urls", text, h.InsecureHTTP); u != nil {
			all = append(all, u.String())
		}
	}
	return all
}

// website is where people and git find the GitHub that an API belongs to. The
// runner says it of its own; of another one, and without a runner, it follows from
// the address.
func website(r *actions.Runner, api string) string {
	u, err := githubapp.ParseInsecureURL(api) // what is insecure was said where it was given
	if err != nil {
		return ""
	}
	own, err := githubapp.ParseInsecureURL(r.Variable("GITHUB_API_URL"))
	if server := r.Variable("GITHUB_SERVER_URL"); err == nil && server != "" && own.String() == u.String() {
		return server
	}
	if host, ok := strings.CutPrefix(u.Host, "api."); ok && (host == "github.com" || strings.HasSuffix(host, ".ghe.com")) {
		u.Host = host
	}
	return u.Scheme + "://" + u.Host
}

// hostOf gives the host of an address; empty where it has none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
