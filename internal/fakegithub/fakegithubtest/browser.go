package fakegithubtest

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Browser is as much of a browser as a person needs to make an App: it opens
// pages, follows redirects, keeps cookies, and submits the form of a page. It
// sends what a browser says about a navigation.
type Browser struct {
	Client *http.Client
	URL    *url.URL // of the page that is shown
	Status int
	Header http.Header
	Text   string // the page
}

// NewBrowser returns a browser; a nil transport is the network.
func NewBrowser(transport http.RoundTripper) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no options to be wrong
	}
	return &Browser{Client: &http.Client{Jar: jar, Transport: transport}}
}

// Open goes to an address.
func (b *Browser) Open(ctx context.Context, address string) error {
	return b.visit(ctx, http.MethodGet, address, nil)
}

var (
	formTag   = regexp.MustCompile(`(?s)<form ([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`<input ([^>]*)>`)
	attribute = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// Submit presses the button of the page's form. What the person fills in
// replaces what the form has; unchecked boxes are not sent.
func (b *Browser) Submit(ctx context.Context, filled url.Values) error {
	form := formTag.FindStringSubmatch(b.Text)
	if form == nil {
		return fmt.Errorf("%s has no form: %s", b.URL, b.Text)
	}
	fields := url.Values{}
	for _, input := range inputTag.FindAllStringSubmatch(form[2], -1) {
		if a := attributes(input[1]); a["type"] == "hidden" || a["type"] == "" {
			fields.Set(a["name"], a["value"])
		}
	}
	for name, values := range filled {
		fields[name] = values
	}
	to, err := b.URL.Parse(attributes(form[1])["action"])
	if err != nil || attributes(form[1])["method"] != "post" {
		return fmt.Errorf("the form of %s can't be sent: %s", b.URL, form[1])
	}
	return b.Post(ctx, to.String(), fields)
}

// Post submits the form of a page that is not shown.
func (b *Browser) Post(ctx context.Context, address string, fields url.Values) error {
	return b.visit(ctx, http.MethodPost, address, strings.NewReader(fields.Encode()))
}

func attributes(text string) map[string]string {
	all := map[string]string{}
	for _, a := range attribute.FindAllStringSubmatch(text, -1) {
		all[a[1]] = html.UnescapeString(a[2])
	}
	return all
}

func (b *Browser) visit(ctx context.Context, method, address string, body io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range map[string]string{
		"User-Agent": "Mozilla/5.0", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site",
	} {
		r.Header.Set(name, value)
	}
	resp, err := b.Client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	b.URL, b.Status, b.Header, b.Text = resp.Request.URL, resp.StatusCode, resp.Header, string(text)
	return err
}
