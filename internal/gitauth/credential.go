package gitauth

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// Request is a question to a credential helper, or to `git credential` in the
// same form (git-credential(1)). Fields that were not given are empty: git
// names the path only with credential.useHttpPath.
type Request struct {
	Protocol string // https
	Host     string // with the port, when the URL has one
	Path     string // without a leading slash
	Username string
}

// maxRequest is far beyond any URL.
const maxRequest = 64 << 10

// ParseRequest reads lines of key=value up to an empty line or the end. It
// ignores keys that it does not know, of which git has more with every release,
// and a password. A url sets all parts, and clears those that it lacks.
//
// It refuses a control character, even one that a url hides behind a percent
// sign: a line break or a CR smuggled into a host name was used to get the
// password of one host for another (CVE-2020-5260, CVE-2024-52006).
func ParseRequest(r io.Reader) (Request, error) {
	var q Request
	in := bufio.NewReader(io.LimitReader(r, maxRequest+1))
	for size := 0; ; {
		line, err := in.ReadBytes('\n')
		if size += len(line); size > maxRequest {
			return Request{}, errLarge
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Request{}, errRead
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 {
			return q, nil
		}
		if bytes.ContainsAny(line, "\x00\r") {
			return Request{}, errControl
		}
		key, value, ok := strings.Cut(string(line), "=")
		if !ok {
			return Request{}, errLine
		}
		if err := q.set(key, value); err != nil {
			return Request{}, err
		}
	}
}

func (q *Request) set(key, value string) error {
	switch key {
	case "protocol":
		q.Protocol = value
	case "host":
		q.Host = value
	case "path":
		q.Path = value
	case "username":
		q.Username = value
	case "url":
		return q.setURL(value)
	default:
		return nil
	}
	if hasControl(value) {
		return errControl
	}
	return nil
}

func (q *Request) setURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return errURL // without err, which would quote a password
	}
	*q = Request{
		Protocol: u.Scheme,
		Host:     u.Host,
		Path:     strings.Trim(u.Path, "/"),
		Username: u.User.Username(),
	}
	if hasControl(q.Host) || hasControl(q.Path) || hasControl(q.Username) {
		return errControl
	}
	return nil
}

// At reports whether the request is for a server, by scheme, host and port. A
// helper stays silent on any other server, and on http to another machine
// unless insecure.
func (q Request) At(serverURL string, insecure bool) bool {
	site, err := parseAddress(serverURL, insecure)
	return err == nil && q.Protocol+"://"+strings.ToLower(q.Host) == site.url
}

// Lengths are checked separately: counted repetitions make large patterns.
var repositoryName = pattern.Pattern{Text: `^[A-Za-z0-9._-]+$`}

// Owner splits the path: owner/repository with or without .git, and with
// anything below it, as git-lfs has. A wiki counts as its repository
// (unconfirmed: the permission contents opens both). ok is false for an empty
// path and any other.
func (q Request) Owner() (owner, repository string, ok bool) {
	owner, rest, _ := strings.Cut(q.Path, "/")
	repository, _, _ = strings.Cut(rest, "/")
	repository = strings.TrimSuffix(strings.TrimSuffix(repository, ".git"), ".wiki")
	if len(owner) > maxName || !ownerName.Matches(owner) || !isRepository(repository) {
		return "", "", false
	}
	return owner, repository, true
}

func isRepository(name string) bool {
	return len(name) <= maxName && repositoryName.Matches(name) && name != "." && name != ".."
}

// Answer sends git a token, in a single write. A zero time is left out. With
// any other, git 2.41 or later does not keep the password in a cache beyond it;
// earlier ones ignore it.
func Answer(w io.Writer, token redact.String, expires time.Time) error {
	if !redact.IsWord(token.Reveal()) {
		return errToken
	}
	text := "username=" + tokenUser + "\npassword=" + token.Reveal() + "\n"
	if !expires.IsZero() {
		if expires.Unix() < 0 {
			return errExpires
		}
		text += "password_expiry_utc=" + strconv.FormatInt(expires.Unix(), 10) + "\n"
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("answer git: %w", err)
	}
	return nil
}
