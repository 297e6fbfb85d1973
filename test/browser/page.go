package browser

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Page is a tab. What goes wrong with it fails the test.
type Page struct {
	t       *testing.T
	browser *Chromium
	session string

	mu       sync.Mutex
	faults   []string // what the browser complains of: a policy that is broken, a script that fails
	requests []string // the addresses that were asked for
}

// NewPage opens a tab. Without scripts, pages can't run any.
func (c *Chromium) NewPage(t *testing.T, scripts bool) *Page {
	t.Helper()
	p := &Page{t: t, browser: c}
	var target struct {
		ID string `json:"targetId"`
	}
	p.decode("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	p.decode("Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached)
	p.session = attached.Session
	c.mu.Lock()
	c.events = p.event
	c.mu.Unlock()
	for _, domain := range []string{"Page", "Log", "Network", "Runtime", "DOM", "Accessibility"} {
		p.call(domain+".enable", nil)
	}
	p.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !scripts})
	return p
}

func (p *Page) event(session, method string, params json.RawMessage) {
	var told struct {
		Entry struct {
			Level, Text, URL string
		}
		Request struct{ URL string }
	}
	if session != p.session || json.Unmarshal(params, &told) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch method {
	case "Log.entryAdded":
		if told.Entry.Level == "error" && !strings.HasSuffix(told.Entry.URL, "/favicon.ico") { // which every browser asks for
			p.faults = append(p.faults, told.Entry.Text+" "+told.Entry.URL)
		}
	case "Network.requestWillBeSent":
		p.requests = append(p.requests, told.Request.URL)
	}
}

// Faults returns what the browser complained of.
func (p *Page) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// Requests returns the addresses that the page and its parts were asked for at.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func (p *Page) call(method string, params any) json.RawMessage {
	p.t.Helper()
	result, err := p.browser.call(p.session, method, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

func (p *Page) decode(method string, params, into any) {
	p.t.Helper()
	if err := json.Unmarshal(p.call(method, params), into); err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
}

// Open goes to an address.
func (p *Page) Open(address string) {
	p.t.Helper()
	p.call("Page.navigate", map[string]any{"url": address})
}

// Evaluate returns the value of an expression, as text.
func (p *Page) Evaluate(expression string) string {
	p.t.Helper()
	var got struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
	}
	p.decode("Runtime.evaluate", map[string]any{"expression": "String(" + expression + ")", "returnByValue": true}, &got)
	text, _ := got.Result.Value.(string)
	return text
}

// URL returns where the page is.
func (p *Page) URL() string { return p.Evaluate("location.href") }

// History returns the addresses that the back button leads to.
func (p *Page) History() (addresses []string) {
	p.t.Helper()
	var history struct {
		Entries []struct{ URL string }
	}
	p.decode("Page.getNavigationHistory", nil, &history)
	for _, entry := range history.Entries {
		addresses = append(addresses, entry.URL)
	}
	return addresses
}

// Screenshot returns a picture of the page, PNG.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	var shot struct{ Data string }
	p.decode("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}

// node is a part of the page as assistive technology sees it.
type node struct {
	Ignored    bool
	Role, Name struct{ Value any }
	Element    int `json:"backendDOMNodeId"`
}

func (p *Page) find(role, name string) (node, bool) {
	p.t.Helper()
	var tree struct{ Nodes []node }
	p.decode("Accessibility.getFullAXTree", nil, &tree)
	for _, n := range tree.Nodes {
		if !n.Ignored && n.Role.Value == role && n.Name.Value == name {
			return n, true
		}
	}
	return node{}, false
}

// Has reports whether something of a role and a name is on the page: a heading,
// a button, a table.
func (p *Page) Has(role, name string) bool {
	p.t.Helper()
	_, found := p.find(role, name)
	return found
}

// Await waits until something of a role and a name is on the page.
func (p *Page) Await(role, name string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !p.Has(role, name); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s %q on %s:\n%s", role, name, p.URL(), p.Evaluate("document.body.innerText"))
		}
	}
}

// Click waits for something of a role and a name, and clicks on it with the
// mouse.
func (p *Page) Click(role, name string) {
	p.t.Helper()
	p.Await(role, name)
	found, _ := p.find(role, name)
	element := map[string]any{"backendNodeId": found.Element}
	p.call("DOM.scrollIntoViewIfNeeded", element)
	var box struct {
		Model struct{ Content []float64 }
	}
	p.decode("DOM.getBoxModel", element, &box)
	at := box.Model.Content // four corners
	x, y := (at[0]+at[4])/2, (at[1]+at[5])/2
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
	}
}
