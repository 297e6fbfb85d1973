// Package hashivault_test runs the custodian hashivault:// against the engine
// that signs in Vault and the engine that admits jobs there, both as HashiCorp
// releases them. Around them stand the few lines that Vault itself adds: where
// they are mounted, tokens, and what a token may do.
package hashivault_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-multierror"
	"github.com/hashicorp/vault/sdk/logical"
)

// server is a Vault with the engines at paths of the test's choice.
type server struct {
	tb        testing.TB
	url       string
	namespace string // that everything is in; in another one nobody is known
	mounts    map[string]mount

	mu     sync.Mutex
	rights map[string][]string // paths that a policy lets a token write to, by the policy's name
	tokens map[string]token
	given  []string // tokens that a login gave
	log    []string // method and path of each request, in order
}

type mount struct {
	logical.Backend
	storage logical.Storage
}

type token struct {
	policies []string
	expires  time.Time
}

func newServer(tb testing.TB, namespace string) *server {
	tb.Helper()
	s := &server{tb: tb, namespace: namespace, mounts: map[string]mount{}, rights: map[string][]string{}, tokens: map[string]token{}}
	web := httptest.NewServer(s)
	tb.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// mount mounts an engine over a storage.
func (s *server) mount(path string, factory logical.Factory, storage logical.Storage) {
	s.tb.Helper()
	backend, err := factory(context.Background(), &logical.BackendConfig{
		StorageView: storage, Logger: hclog.NewNullLogger(), BackendUUID: path,
		System: &logical.StaticSystemView{DefaultLeaseTTLVal: time.Hour, MaxLeaseTTLVal: 24 * time.Hour},
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { backend.Cleanup(context.Background()) })
	s.mounts[path] = mount{backend, storage}
}

// operator does what the operator of the server does, who may do everything.
func (s *server) operator(operation logical.Operation, path string, data map[string]any) map[string]any {
	s.tb.Helper()
	answer, err := s.handle(&logical.Request{Operation: operation, Path: path, Data: data})
	if _, err := logical.RespondErrorCommon(&logical.Request{Operation: operation}, answer, err); err != nil {
		s.tb.Fatalf("%s %s: %v", operation, path, err)
	}
	if answer == nil {
		return nil
	}
	return answer.Data
}

func (s *server) write(path string, data map[string]any) {
	s.tb.Helper()
	s.operator(logical.UpdateOperation, path, data)
}

// handle gives a request to the engine that is mounted there.
func (s *server) handle(r *logical.Request) (*logical.Response, error) {
	for path, m := range s.mounts {
		if below, ok := strings.CutPrefix(r.Path, path); ok {
			r.Path, r.MountPoint, r.Storage = below, path, m.storage
			exists := true // what does not exist is created, if the engine knows the difference
			if r.Operation == logical.UpdateOperation {
				if checked, found, err := m.HandleExistenceCheck(context.Background(), r); err == nil && checked {
					exists = found
				}
			}
			if !exists {
				r.Operation = logical.CreateOperation
			}
			return m.HandleRequest(context.Background(), r)
		}
	}
	return nil, fmt.Errorf("no handler for route %q. route entry not found.%w", r.Path, logical.ErrUnsupportedPath)
}

// ServeHTTP implements [http.Handler].
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	s.log = append(s.log, r.Method+" "+path)
	request := &logical.Request{Operation: logical.ReadOperation, Path: path, Headers: r.Header}
	if r.Method != http.MethodGet {
		request.Operation = logical.UpdateOperation
		if err := json.NewDecoder(r.Body).Decode(&request.Data); err != nil && r.ContentLength != 0 {
			logical.RespondError(w, http.StatusBadRequest, fmt.Errorf("error parsing JSON: %w", err))
			return
		}
	}
	answer, err := s.admit(r, request)
	if status, err := logical.RespondErrorCommon(request, answer, err); err != nil || status != 0 {
		logical.RespondError(w, status, err)
		return
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(logical.LogicalResponseToHTTPResponse(answer)) // the client may be gone
}

// admit lets a request through if nobody needs to be known for it, or if its
// token may do it.
func (s *server) admit(r *http.Request, request *logical.Request) (*logical.Response, error) {
	here := strings.Trim(r.Header.Get("X-Vault-Namespace"), "/") == s.namespace
	mounted, login := strings.CutSuffix(request.Path, "login")
	if _, ok := s.mounts[mounted]; ok && login && here {
		return s.login(request)
	}
	value := r.Header.Get("X-Vault-Token")
	known, ok := s.tokens[value]
	switch {
	case value == "": // also if nothing is mounted where a login is tried
		return nil, logical.ErrPermissionDenied
	case !ok, !here, time.Now().After(known.expires):
		return nil, multierror.Append(nil, logical.ErrPermissionDenied, logical.ErrInvalidToken)
	}
	if request.Path == "auth/token/revoke-self" { // the policy "default" has it
		delete(s.tokens, value)
		return nil, nil
	}
	for _, policy := range known.policies {
		if slices.Contains(s.rights[policy], request.Path) {
			return s.handle(request)
		}
	}
	return nil, multierror.Append(nil, logical.ErrPermissionDenied)
}

// login has the engine judge, and makes the token that it grants.
func (s *server) login(request *logical.Request) (*logical.Response, error) {
	answer, err := s.handle(request)
	if err != nil || answer == nil || answer.Auth == nil {
		return answer, err
	}
	answer.Auth.ClientToken, answer.Auth.Accessor = s.issue(answer.Auth.TTL, answer.Auth.Policies...), rand.Text()
	s.given = append(s.given, answer.Auth.ClientToken)
	answer.Auth.TokenPolicies = answer.Auth.Policies
	return answer, nil
}

// issue makes a token.
func (s *server) issue(lifetime time.Duration, policies ...string) string {
	value := "hvs." + rand.Text() + rand.Text() + rand.Text()
	s.tokens[value] = token{policies, time.Now().Add(lifetime)}
	return value
}

// alive counts the tokens that somebody could still use.
func (s *server) alive() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}
