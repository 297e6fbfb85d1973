package setup

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// door is the page on the loopback. Other programs and users of this machine
// can connect to it, and pages of other sites can make the browser do so. So
// the path is random; the page is shown to one browser, the first, which a
// cookie tells from all others; and only an answer with the page's own random
// state is taken, once. Without the cookie, whoever reads the page's address in
// the list of processes could answer with the code of an App of his own.
type door struct {
	plan    Plan
	keyGoes string
	info    func(format string, args ...any)

	server *http.Server
	host   string // 127.0.0.1:PORT
	path   string // /RANDOM/
	state  string
	cookie string

	mu     sync.Mutex
	opened bool
	taken  bool
	code   chan redact.String
	view   string        // what is shown after the code was taken; "" until that is known
	ready  chan struct{} // closed when there is a view
	seen   chan struct{} // closed when a browser got it
}

// The names of the door's pages below its path. GitHub sends the browser to
// made with the code in the address, which is answered with a redirect to next:
// the code stays in no history.
const (
	startPath = ""
	madePath  = "made"
	nextPath  = "next"
)

// openDoor starts to serve. The listener closes with the door.
func openDoor(ctx context.Context, plan Plan, keyGoes string, info func(format string, args ...any)) (*door, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{
		plan: plan, keyGoes: keyGoes, info: info,
		host: listener.Addr().String(), path: "/" + rand.Text() + "/", state: rand.Text(), cookie: rand.Text(),
		code: make(chan redact.String, 1), ready: make(chan struct{}), seen: make(chan struct{}),
	}
	d.server = &http.Server{
		Handler: d, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // it would print what others send
	}
	go func() { _ = d.server.Serve(listener) }()
	return d, nil
}

// address returns where the page is.
func (d *door) address() string { return "http://" + d.host + d.path }

// show sets the page for a browser that brought the code.
func (d *door) show(view string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.view == "" {
		close(d.ready)
	}
	d.view = view
}

// farewell is how long a door stays open for a browser that is on its way to
// the last page.
const farewell = 3 * time.Second

// close ends the server, after the browser got the last page if there is one.
func (d *door) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	d.mu.Lock()
	awaited := d.view != ""
	d.mu.Unlock()
	if awaited {
		select {
		case <-d.seen:
		case <-ctx.Done():
		}
	}
	if d.server.Shutdown(ctx) != nil {
		_ = d.server.Close()
	}
}

// refusal is why a request gets no page.
type refusal struct {
	status int
	text   string
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", d.plan.policy())
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "origin") // GitHub learns the host, as from every form, and not the path
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Type", "text/html; charset=utf-8")
	page, refused := d.admit(r)
	if refused == nil {
		switch page {
		case startPath:
			refused = d.start(w, r)
		case madePath:
			refused = d.made(w, r)
		default:
			refused = d.next(w, r)
		}
	}
	if refused != nil {
		w.WriteHeader(refused.status)
		_, _ = io.WriteString(w, document("This page is not for you", paragraph(refused.text)))
	}
}

// admit returns the name of the page that a request is for. It says nothing of
// the path to somebody who does not know it.
func (d *door) admit(r *http.Request) (page string, refused *refusal) {
	switch {
	case r.Host != d.host:
		// A name of somebody else's that leads here, for a page in the browser
		// to read the answers (DNS rebinding).
		return "", &refusal{http.StatusMisdirectedRequest, "This server answers under its own address only."}
	case r.Method != http.MethodGet:
		return "", &refusal{http.StatusMethodNotAllowed, "Pages here are only looked at."}
	case !d.mayAsk(r.Header.Get("Origin")), r.Header.Get("Sec-Fetch-Dest") != "" && r.Header.Get("Sec-Fetch-Dest") != "document":
		return "", &refusal{http.StatusForbidden, "Another site asks for this page."}
	}
	path := r.URL.Path
	if len(path) < len(d.path) || subtle.ConstantTimeCompare([]byte(path[:len(d.path)]), []byte(d.path)) != 1 {
		return "", &refusal{http.StatusNotFound, "There is no such page."}
	}
	switch page = path[len(d.path):]; page {
	case startPath, madePath, nextPath:
		return page, nil
	}
	return "", &refusal{http.StatusNotFound, "There is no such page."}
}

// mayAsk reports whether a site may lead here. A browser names one for scripts
// and forms; it names none where a person opens the page, nor where GitHub's
// answer sends it back.
func (d *door) mayAsk(origin string) bool {
	return origin == "" || origin == "http://"+d.host || origin == d.plan.Website
}

// cookieName has the port in it, since cookies of all ports are one.
func (d *door) cookieName() string {
	return "valetkey-setup-" + d.host[strings.LastIndex(d.host, ":")+1:]
}

// isOurs reports whether a request comes from the browser that got the page.
func (d *door) isOurs(r *http.Request) bool {
	cookie, err := r.Cookie(d.cookieName())
	return err == nil && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(d.cookie)) == 1
}

var anotherBrowser = &refusal{
	http.StatusForbidden,
	"Another browser has opened this page before, or this one keeps no cookies. If that was not you, stop valetkey; " +
		"otherwise start it again.",
}

// start shows the page with the form, to the first browser that asks.
func (d *door) start(w http.ResponseWriter, r *http.Request) *refusal {
	d.mu.Lock()
	first, taken := !d.opened, d.taken
	d.opened = true
	d.mu.Unlock()
	switch {
	case first:
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // the loopback has no TLS, and Secure cookies take it
			Name: d.cookieName(), Value: d.cookie, Path: d.path, HttpOnly: true,
			SameSite: http.SameSiteLaxMode, // sent when GitHub sends the browser back
		})
	case !d.isOurs(r):
		d.info("A second browser asked for the page, and was refused. If that was not you, " +
			"somebody else on this machine knows its address.")
		return anotherBrowser
	case taken:
		http.Redirect(w, r, d.path+nextPath, http.StatusSeeOther)
		return nil
	}
	_, _ = io.WriteString(w, d.plan.startPage(d.state, d.address()+madePath, d.keyGoes))
	return nil
}

// made takes the code that GitHub sent the browser back with.
func (d *door) made(w http.ResponseWriter, r *http.Request) *refusal {
	if !d.isOurs(r) {
		return anotherBrowser
	}
	query := r.URL.Query()
	state, codes := query["state"], query["code"]
	if len(state) != 1 || subtle.ConstantTimeCompare([]byte(state[0]), []byte(d.state)) != 1 {
		return &refusal{http.StatusForbidden, "This answer does not belong to the form that valetkey sent."}
	}
	if len(codes) != 1 || !isCode(codes[0]) {
		return &refusal{http.StatusBadRequest, "GitHub's answer has no code."}
	}
	d.mu.Lock()
	again := d.taken
	d.taken = true
	d.mu.Unlock()
	if again {
		return &refusal{
			http.StatusGone,
			"GitHub's answer was taken before; valetkey in the terminal says how it went on. If you have made a second App, delete it: " +
				"nobody has its key.",
		}
	}
	d.code <- redact.New(codes[0])
	http.Redirect(w, r, d.path+nextPath, http.StatusSeeOther)
	return nil
}

// maxCode is the length of the longest code that is taken. GitHub's have 40
// characters.
const maxCode = 200

func isCode(text string) bool {
	return text != "" && len(text) <= maxCode && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_'
	})
}

// next shows how it goes on, as soon as that is known.
func (d *door) next(w http.ResponseWriter, r *http.Request) *refusal {
	if !d.isOurs(r) {
		return anotherBrowser
	}
	if !d.wasTaken() {
		http.Redirect(w, r, d.path+startPath, http.StatusSeeOther)
		return nil
	}
	select {
	case <-d.ready:
	case <-r.Context().Done():
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := io.WriteString(w, d.view)
	select {
	case <-d.seen:
	default:
		if err == nil {
			close(d.seen)
		}
	}
	return nil
}

// wait returns the code that the browser brings back, within the time of ctx.
func (d *door) wait(ctx context.Context) (redact.String, error) {
	select {
	case code := <-d.code:
		return code, nil
	case <-ctx.Done():
		return redact.String{}, context.Cause(ctx)
	}
}

// wasOpened reports whether somebody got the page with the form.
func (d *door) wasOpened() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

// wasTaken reports whether a browser brought the code.
func (d *door) wasTaken() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken
}
