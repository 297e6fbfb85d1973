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
	InsecureHTTP bool          // URL may be http and lead off this machine
	Skew         time.Duration // how far GitHub's clock was ahead of ours when last measured
}

// name identifies a GitHub by its host, without the path of its API.
func (h host) name() string {
	u, err := url.Parse(h.URL)
	if err != nil { // it was checked when it was read
		return ""
	}
	return strings.ToLower(u.Host)
}

// publicAPI is used when neither an input nor a runner says where GitHub is.
const publicAPI = "https://api.github.com"

// parseHost reads github-api-url, insecure-http and ca-bundle. Each run that
// insecure-http affects warns about it.
func parseHost(r *actions.Runner, in *actions.Inputs) host {
	h := host{URL: in.String("github-api-url"), Roots: []byte(in.String("ca-bundle")), InsecureHTTP: in.Bool("insecure-http")}
	if h.URL == "" {
		h.URL = publicAPI
	}
	if u := parseAddress(in, "github-api-url", h.URL, h.InsecureHTTP); u != nil {
		h.URL = u.String()
		if address.Plain(u) {
			r.Warning("insecure-http: traffic to %s is not encrypted, so anybody on the way there "+
				"can read the App's JWT and the token, and use them", u.Host)
		}
	}
	if len(h.Roots) > 0 {
		if err := githubapp.CheckRoots(h.Roots); err != nil {
			in.Fault("ca-bundle", err.Error(),
				"paste the certificates themselves, each from -----BEGIN CERTIFICATE----- on; a path is not read")
		}
	}
	return h
}

// parseAddress reads the address of a REST API from an input. It returns nil
// after noting a fault.
func parseAddress(in *actions.Inputs, input, text string, insecure bool) *url.URL {
	read := githubapp.ParseURL
	if insecure {
		read = githubapp.ParseInsecureURL
	}
	u, err := read(text)
	if err != nil {
		in.Fault(input, err.Error(), addressHint(err))
	}
	return u
}

// addressHint returns the hint for an address that credentials must not be sent
// to.
func addressHint(err error) string {
	if errors.Is(err, address.ErrPlain) {
		return "write https://; plain http is for this machine alone, or for a test server elsewhere with insecure-http: true"
	}
	return "give the address of the REST API, such as https://api.github.com or https://HOST/api/v3"
}

// connect returns the API of a host.
func (p Process) connect(r *actions.Runner, h host) (*githubapp.API, error) {
	return githubapp.New(p.network(r, h))
}

// network says how a step uses the network. It masks the passwords of proxies,
// and every JWT and token as soon as it is made.
func (p Process) network(r *actions.Runner, h host) githubapp.Config {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		r.Mask(proxyPassword(p.Getenv(name)))
	}
	return githubapp.Config{
		URL:       h.URL,
		Roots:     h.Roots,
		Proxy:     p.Proxy,
		Transport: p.Transport,
		UserAgent: "valetkey/" + version(),

		InsecureHTTP: h.InsecureHTTP,
		Skew:         h.Skew,

		OnJWT:   func(jwt redact.String) { r.Mask(jwt) },
		OnToken: func(token redact.String) { r.Mask(actions.Encodings(token)...) },
		Info:    r.Info,
		Warning: r.Warning,
		Debug:   r.Debug,
	}
}

// proxyPassword returns the secret part of a proxy's address, or the whole
// address if it cannot be parsed.
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

// website returns the address at which people and git find the GitHub of an
// API. The runner names that of its own GitHub. For another one, and without a
// runner, it follows from the API's address.
func website(r *actions.Runner, api string) string {
	u, err := githubapp.ParseInsecureURL(api) // parseHost warned of an insecure one
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

// hostOf returns the host of an address, or "" if it has none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
