package fakegithub

import (
	"net/http"
	"path/filepath"
	"sync"
	"time"
)

// Config says what kind of GitHub the fake is.
type Config struct {
	// GitRoot is a directory of bare repositories OWNER/NAME.git, served by the
	// real `git http-backend`. Empty: git addresses answer 404.
	GitRoot string
	// EnterpriseServer makes it a GitHub Enterprise Server: no rate limits, no
	// enterprise lookup, no GET /versions, no secrets of Codespaces and agents,
	// no `status` in error bodies, and opaque tokens whatever the request asks
	// for.
	EnterpriseServer bool
	// Requires returns what an operation without a handler here takes: one of
	// the alternatives, each a set of permissions with their levels. No
	// alternatives at all mean that any token will do. The path is without
	// /api/v3. Requires also replaces the handlers of the features besides (see
	// Feature) for the operations that it knows, so that a table of all
	// operations can be enforced as a whole.
	//
	// A token that has the permissions is answered 200 {} (204 to DELETE), any
	// other 403. Without Requires, or for an operation that it does not know,
	// the answer is 404. Requires is called while the Server is locked, so it
	// must not call the Server.
	Requires func(method, path string) (alternatives []map[string]string, known bool)
}

// serverVersion is the release that a fake GitHub Enterprise Server claims to
// be.
const serverVersion = "3.19.0"

// Server is the fake. All methods may be called at any time, also while
// requests are being served.
type Server struct {
	config Config
	routes routeTable

	mu            sync.Mutex
	nextID        int64
	skew          time.Duration
	tokenForm     TokenForm
	lag           int
	accounts      map[string]*Account // lower-case login → account
	repositories  map[int64]*repository
	byName        map[string]*repository // lower-case OWNER/NAME
	owned         map[string]*holdings   // lower-case login
	formerNames   map[string]int64       // lower-case OWNER/NAME that was renamed → repository id
	formerLogins  map[string]*Account    // lower-case login that was changed
	apps          map[int64]*App
	installations map[int64]*installation
	tokens        []*token
	tokenByValue  map[string]*token
	personal      map[string]*personal // by value
	buckets       map[string]*bucket   // primary rate limits, by bucketName
	vaults        map[vaultKey]*vault
	variables     map[string]*index[*variable] // of organizations, by lower-case login
	deployKeys    map[string]bool              // by key material: those in use anywhere
	accountByID   map[int64]*Account
	organizations map[int64]*organization // by id of the account
	fineGrained   map[int64]*fineGrained  // by token id
	queue         queue
	limits        limits
	registrations registrations
	faults        []*Fault
	requests      []*Request
}

// New returns a GitHub with nobody in it.
func New(config Config, features ...Feature) *Server {
	routes := basicRoutes()
	for _, f := range features {
		routes = append(routes, f.routes()...)
	}
	if abs, err := filepath.Abs(config.GitRoot); err == nil && config.GitRoot != "" {
		config.GitRoot = abs // git http-backend runs in another directory
	}
	return &Server{
		config:        config,
		routes:        newRouteTable(routes),
		nextID:        1000,
		accounts:      map[string]*Account{},
		repositories:  map[int64]*repository{},
		byName:        map[string]*repository{},
		owned:         map[string]*holdings{},
		formerNames:   map[string]int64{},
		formerLogins:  map[string]*Account{},
		apps:          map[int64]*App{},
		installations: map[int64]*installation{},
		tokenByValue:  map[string]*token{},
		personal:      map[string]*personal{},
		buckets:       map[string]*bucket{},
		vaults:        map[vaultKey]*vault{},
		variables:     map[string]*index[*variable]{},
		deployKeys:    map[string]bool{},
		accountByID:   map[int64]*Account{},
		organizations: map[int64]*organization{},
		fineGrained:   map[int64]*fineGrained{},
		queue:         queue{delay: time.Second, never: map[int64]bool{}},
		registrations: registrations{asked: map[string]*registration{}, codes: map[string]*registration{}},
		limits:        limits{windows: map[int64]*pointsWindow{}},
	}
}

// SetClockSkew moves the server's clock, and so its Date header, against the
// caller's.
func (s *Server) SetClockSkew(skew time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = skew
}

// SetTokenForm chooses the form of the tokens minted from now on. The request
// header X-GitHub-Stateless-S2S-Token overrides it, except on GitHub Enterprise
// Server.
func (s *Server) SetTokenForm(form TokenForm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenForm = form
}

// SetReplicationLag makes the first n calls with each token minted from now on
// fail as if the token had not reached every machine yet: 404, 403 and 401 in
// turn. Revoking is exempt: there a client rightly takes 401 and 404 for a
// token that is already dead, and a lag would leave it alive, which no source
// reports.
func (s *Server) SetReplicationLag(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = n
}

// now returns the server's time. The caller holds s.mu.
func (s *Server) now() time.Time { return time.Now().Add(s.skew) }

// clock is now for callers that do not hold s.mu.
func (s *Server) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// newID returns the next id for whatever was added without one. The caller
// holds s.mu.
func (s *Server) newID() int64 {
	s.nextID++
	return s.nextID
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler to
// lose an answer (Fault.Drop, or a caller that gives up during Fault.Delay). An
// http.Server then closes the connection; a transport that calls the handler
// directly has to recover.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	record := s.record(r)
	g, isGit := parseGitPath(r)
	done, busy := s.begin(isGit)
	defer done()
	sw := &statusWriter{ResponseWriter: w, done: done}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		record.Status = sw.status
	}()

	s.mu.Lock()
	latency := s.limits.latency
	var fault *Fault
	if !busy {
		fault = s.takeFault(r.Method, apiPath(r))
	}
	s.mu.Unlock()
	wait(r.Context(), latency)
	if fault != nil {
		wait(r.Context(), fault.Delay)
	}
	sw.Header().Set("X-GitHub-Request-Id", record.RequestID)
	switch {
	case isGit:
		s.serveGit(sw, r, g, fault)
	case busy:
		s.serveBusy(sw, r)
	default:
		s.serveREST(sw, r, fault)
	}
}

// statusWriter keeps the status for the record of requests; 0 means that no
// answer was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
	done   func() // called before anything is sent: a caller with its answer may ask again at once
}

func (w *statusWriter) WriteHeader(status int) {
	w.done()
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection, which net/http/cgi
// flushes.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
