package githubapp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// MaxRepositories is the largest number of repositories that GitHub accepts in
// the scope of a token.
const MaxRepositories = 500

// Scope is the access that a token is to have.
type Scope struct {
	// AllRepositories must be set explicitly: in a request an empty list means
	// every repository of the installation, so a list that is empty by mistake
	// would widen the scope.
	AllRepositories bool
	Repositories    []string          // names without owner
	Permissions     map[string]string // GitHub's key → level; empty: all of the installation's
}

// scopeBody is the scope in a request. The struct of go-github v60 lacks 24 of
// GitHub's permissions.
type scopeBody struct {
	Repositories []string          `json:"repositories,omitempty"`
	Permissions  map[string]string `json:"permissions,omitempty"`
}

func (s Scope) body() (scopeBody, error) {
	if s.AllRepositories != (len(s.Repositories) == 0) {
		return scopeBody{}, errors.New("the scope names neither repositories nor all of them, or both")
	}
	return scopeBody{s.Repositories, s.Permissions}, nil
}

// tokenLifetime is fixed by GitHub: one hour from creation.
const tokenLifetime = time.Hour

// Token is a minted token and its scope.
type Token struct {
	Value           redact.String
	ExpiresAt       time.Time
	Permissions     map[string]string
	AllRepositories bool
	Selected        bool             // with AllRepositories: only those that the installation selects
	Repositories    []string         // owner/name, sorted; empty with AllRepositories
	IDs             map[string]int64 // of those repositories, by owner/name
	Organization    int64            // the number of their owner, if that is an organization
}

// Hash returns a token as it is in GitHub's audit log, under hashed_token:
// base64 of its SHA-256.
func Hash(token redact.String) string {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// grant is GitHub's answer to a mint.
type grant struct {
	Token        secret            `json:"token"`
	ExpiresAt    time.Time         `json:"expires_at,omitzero"`
	Permissions  map[string]string `json:"permissions,omitempty"`
	Selection    string            `json:"repository_selection,omitempty"`
	Repositories []struct {
		ID       int64   `json:"id"`
		FullName string  `json:"full_name"`
		Owner    account `json:"owner,omitzero"`
	} `json:"repositories,omitempty"`
}

// UnmarshalJSON parses the token separately if the rest can't be parsed: a
// token that exists must be known, so that it can be revoked.
func (g *grant) UnmarshalJSON(data []byte) error {
	type plain grant
	err := apicall.Decode(data, (*plain)(g))
	if err == nil {
		return nil
	}
	var only struct {
		Token secret `json:"token"`
	}
	if wrong := json.Unmarshal(data, &only); wrong != nil {
		return wrong
	}
	g.Token = only.Token
	return err
}

// secret decodes a JSON string directly into a secret.
type secret struct{ redact.String }

func (s *secret) UnmarshalJSON(data []byte) error {
	var v string
	if err := json.Unmarshal(data, &v); err != nil || v != "" && !redact.IsWord(v) {
		return errors.New("the token is not a single word")
	}
	s.String = redact.New(v)
	return nil
}

// Mint makes a token for exactly the scope. Its lifetime is an hour, which
// GitHub fixes. The caller compares the result with the scope
// ([Token.Differs]), and revokes the token after use.
//
// A mint whose answer was lost is sent again. The first token then lives for
// its hour, but nobody has received it.
func (a *App) Mint(ctx context.Context, installation Installation, scope Scope) (Token, error) {
	op := fmt.Sprintf("mint a token for installation %d", installation.ID)
	body, err := scope.body()
	if err != nil {
		return Token{}, &Error{Op: op, Reason: oneLine(err.Error()), Err: err}
	}
	var g grant
	err = a.api.call(ctx, a.client, op, http.MethodPost, fmt.Sprintf("app/installations/%d/access_tokens", installation.ID), body, &g)
	// The token is masked before any check that may fail.
	if value := g.Token.String; !value.Empty() {
		a.api.config.OnToken(value)
		a.api.recent.add(value, a.api.Now())
		if err == nil && !redact.CanMask(value.Reveal()) {
			reason := fmt.Sprintf("the answer's token has under %d characters, which can't be masked", redact.MinMask)
			err = &Error{Op: op, Reason: reason}
		}
		if err != nil { // for example, the rest of the answer can't be parsed
			return Token{}, errors.Join(err, a.api.Discard(ctx, value))
		}
	} else if err == nil {
		err = &Error{Op: op, Reason: "the answer holds no token"}
	}
	if err != nil {
		return Token{}, explain(err, func(e *Error) { a.explainRefusal(ctx, e, installation, scope) })
	}
	// If all were asked for, an installation on selected repositories answers
	// "selected" and names none of them.
	all := len(g.Repositories) == 0 && (scope.AllRepositories || g.Selection != "selected")
	t := Token{
		Value: g.Token.String, ExpiresAt: g.ExpiresAt.UTC(), Permissions: g.Permissions,
		AllRepositories: all, Selected: all && g.Selection != "all", IDs: map[string]int64{},
	}
	for _, r := range g.Repositories {
		t.Repositories = append(t.Repositories, r.FullName)
		t.IDs[r.FullName] = r.ID
		t.Organization = r.Owner.organization()
	}
	slices.Sort(t.Repositories)
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = a.api.Now().UTC().Add(tokenLifetime)
	}
	return t, nil
}

// Owner returns the owner of the token's repositories. It returns "" if the
// token names none, or those of more than one owner.
func (t Token) Owner() string {
	var owner string
	for _, full := range t.Repositories {
		of, _, _ := strings.Cut(full, "/")
		if owner != "" && !strings.EqualFold(of, owner) {
			return ""
		}
		owner = of
	}
	return owner
}

// Differs returns the repositories that a token lacks, and those that it has
// beyond the scope that was asked for.
func (t Token) Differs(owner string, asked Scope) (missing, extra []string) {
	if asked.AllRepositories {
		return nil, nil
	}
	if t.AllRepositories {
		return nil, []string{"all repositories of the installation"}
	}
	granted := map[string]bool{}
	for _, full := range t.Repositories {
		granted[strings.ToLower(full)] = true
	}
	for _, name := range asked.Repositories {
		key := strings.ToLower(owner + "/" + name)
		if !granted[key] {
			missing = append(missing, owner+"/"+name)
		}
		delete(granted, key)
	}
	for _, full := range t.Repositories {
		if granted[strings.ToLower(full)] {
			extra = append(extra, full)
		}
	}
	return missing, extra
}
