package fakegithub

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cgi"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// maxPush bounds the body of a git request, which is held in memory:
// net/http/cgi takes no chunked bodies, and git sends every larger pack in
// chunks.
const maxPush = 64 << 20

// gitPath is an address of the smart HTTP protocol
// (https://git-scm.com/docs/http-protocol).
type gitPath struct {
	owner, repo string
	wiki        bool   // the repository's wiki is meant
	endpoint    string // info/refs, git-upload-pack or git-receive-pack
	service     string // git-upload-pack or git-receive-pack
}

// parseGitPath recognises /OWNER/REPO(.git)/ENDPOINT and
// /OWNER/REPO.wiki(.git)/ENDPOINT. It is unconfirmed that no repository can
// have a name that ends in .wiki, and that access to a repository includes its
// wiki.
func parseGitPath(r *http.Request) (gitPath, bool) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) != 3 || parts[0] == "repos" { // no account can have this name; /repos/{o}/{r} is the API
		return gitPath{}, false
	}
	g := gitPath{owner: parts[0], repo: strings.TrimSuffix(parts[1], ".git"), endpoint: parts[2], service: parts[2]}
	g.repo, g.wiki = strings.CutSuffix(g.repo, ".wiki")
	if g.endpoint == "info/refs" {
		g.service = r.URL.Query().Get("service")
		return g, true
	}
	return g, g.endpoint == "git-upload-pack" || g.endpoint == "git-receive-pack"
}

func (g gitPath) writes() bool { return g.service == "git-receive-pack" }

func (s *Server) serveGit(w http.ResponseWriter, r *http.Request, g gitPath, fault *Fault) {
	header := s.commonHeader(r, s.clock())
	if fault.replaces() && !fault.After {
		fault.write(w, header)
		return
	}
	if fault.replaces() {
		s.git(&discard{header: http.Header{}}, r, g)
		fault.write(w, header)
		return
	}
	w.Header().Set("Date", header.Get("Date"))
	s.git(w, r, g)
}

// git checks the call and, when all is well, lets git itself answer.
func (s *Server) git(w http.ResponseWriter, r *http.Request, g gitPath) {
	s.mu.Lock()
	directory, user, refused := s.admit(r, g)
	s.mu.Unlock()
	if refused != nil {
		refused.write(w)
		return
	}
	if !s.belowGitRoot(directory) {
		gitNotFound.write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPush))
	if err != nil {
		(&gitRefusal{status: http.StatusRequestEntityTooLarge, text: "pack exceeds maximum allowed size"}).write(w)
		return
	}
	s.backend(w, r, g, directory, user, body)
}

// admit returns the repository's directory below GitRoot, or a refusal. The
// caller holds s.mu.
func (s *Server) admit(r *http.Request, g gitPath) (directory, user string, refused *gitRefusal) {
	if g.service != "git-upload-pack" && g.service != "git-receive-pack" {
		return "", "", &gitRefusal{status: http.StatusForbidden, text: "Please upgrade your git client."}
	}
	repo, moved := s.repositoryNamed(g.owner, g.repo), false
	if repo == nil {
		repo = s.repositoryFormerly(g.owner, g.repo)
		moved = repo != nil
	}
	t, sent := s.gitToken(r)
	switch {
	case sent && t == nil:
		return "", "", gitBadCredentials
	case t == nil && (repo == nil || repo.Private):
		return "", "", &gitRefusal{status: http.StatusUnauthorized, text: "Repository not found."}
	case t == nil && g.writes():
		return "", "", &gitRefusal{status: http.StatusUnauthorized, text: "No anonymous write access."}
	case repo == nil || (repo.Private && !t.covers(repo)):
		return "", "", gitNotFound
	}
	if refused := admitToken(t, repo, g); refused != nil {
		return "", "", refused
	}
	if moved {
		target := webBase(r) + "/" + repo.Owner + "/" + repo.Name + ".git/" + g.endpoint
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		return "", "", &gitRefusal{status: http.StatusMovedPermanently, text: "Moved Permanently", location: target}
	}
	user = "anonymous"
	if t != nil {
		user = "x-access-token"
	}
	if g.wiki {
		return strings.TrimSuffix(repo.directory, ".git") + ".wiki.git", user, nil
	}
	return repo.directory, user, nil
}

// admitToken checks what a live token may do with a repository that exists.
func admitToken(t *token, repo *repository, g gitPath) *gitRefusal {
	if t == nil {
		return nil // reading a public repository
	}
	level := "read"
	if g.writes() {
		level = "write"
	}
	switch {
	case !t.installation.suspendedAt.IsZero():
		return &gitRefusal{status: http.StatusForbidden, text: "This installation has been suspended"}
	case t.takeLag():
		return &gitRefusal{status: t.lagStatus(), text: lagMessages[t.lagStatus()]}
	case (repo.Private || g.writes()) && (!t.covers(repo) || !allows(t.permissions, "contents", level)):
		return &gitRefusal{status: http.StatusForbidden, text: "Write access to repository not granted."}
	case g.writes() && repo.Archived:
		return &gitRefusal{status: http.StatusForbidden, text: "This repository was archived so it is read-only."}
	}
	return nil
}

// gitToken returns the token in `x-access-token:TOKEN` or `TOKEN:`. sent
// reports whether the request holds a credential at all.
func (s *Server) gitToken(r *http.Request) (t *token, sent bool) {
	if r.Header.Get("Authorization") == "" {
		return nil, false
	}
	user, password, basic := r.BasicAuth()
	if !basic {
		return nil, true
	}
	if user == "x-access-token" {
		return s.liveToken(password), true
	}
	return s.liveToken(user), true
}

// belowGitRoot reports whether a directory exists below GitRoot; symbolic links
// that lead elsewhere do not count.
func (s *Server) belowGitRoot(directory string) bool {
	if s.config.GitRoot == "" {
		return false
	}
	root, err := os.OpenRoot(s.config.GitRoot)
	if err != nil {
		return false
	}
	defer root.Close()
	info, err := root.Stat(directory)
	return err == nil && info.IsDir()
}

var gitProtocolPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9=.:-]{1,64}$`) })

// backend runs git http-backend. It does not pass on the Authorization header:
// git has no use for the token.
func (s *Server) backend(w http.ResponseWriter, r *http.Request, g gitPath, directory, user string, body []byte) {
	program, err := gitBackend()
	if err != nil {
		http.Error(w, "git http-backend is not installed", http.StatusInternalServerError)
		return
	}
	inner := r.Clone(r.Context())
	inner.Header.Del("Authorization")
	inner.TransferEncoding = nil
	inner.ContentLength = int64(len(body))
	inner.Header.Set("Content-Length", strconv.Itoa(len(body)))
	inner.Body = io.NopCloser(bytes.NewReader(body))
	inner.URL = &url.URL{Path: "/" + directory + "/" + g.endpoint, RawQuery: r.URL.RawQuery}
	env := []string{
		"GIT_PROJECT_ROOT=" + s.config.GitRoot, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=" + user,
		// The configuration is the repository's own and this one, not that of
		// the user who runs the fake.
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true",
	}
	if version := r.Header.Get("Git-Protocol"); gitProtocolPattern().MatchString(version) {
		env = append(env, "GIT_PROTOCOL="+version)
	}
	handler := cgi.Handler{Path: program, Root: "/", Dir: s.config.GitRoot, Env: env, Stderr: io.Discard}
	handler.ServeHTTP(w, inner)
}

// gitBackend returns the path of the program, which is not in the PATH.
var gitBackend = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return "", err
	}
	return exec.LookPath(filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"))
})

// gitRefusal is plain text, which git shows to the user after "remote:".
type gitRefusal struct {
	status   int
	text     string
	location string // where a renamed repository is now
}

var (
	gitNotFound       = &gitRefusal{status: http.StatusNotFound, text: "Repository not found."}
	gitBadCredentials = &gitRefusal{
		status: http.StatusUnauthorized,
		text:   "Invalid username or token. Password authentication is not supported for Git operations.",
	}
)

func (g *gitRefusal) write(w http.ResponseWriter) {
	if g.location != "" {
		w.Header().Set("Location", g.location)
	}
	if g.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(g.status)
	_, _ = io.WriteString(w, g.text+"\n")
}

// discard is a ResponseWriter for an answer that nobody will see.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
