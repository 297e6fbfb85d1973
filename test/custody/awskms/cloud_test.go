package awskms_test

import (
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

	"github.com/valetkey/valetkey/test/custody/issuer"
)

// cloud is what AWS puts before the keys: an account with one role, which jobs of
// one issuer may take.
type cloud struct {
	*engine
	issuer   *issuer.Issuer
	sts, kms string // addresses

	mu       sync.Mutex
	subjects []string // that the role trusts
	rights   []string // of the role
	sessions map[string]session
	last     string        // access key id of the session that was given last
	clock    time.Duration // how far AWS's clock is ahead of this machine's
	log      []string      // one line for each request
}

// session is a credential that somebody has, by its access key id.
type session struct {
	secret, token, principal string
	expires                  time.Time // zero: never
}

const (
	roleARN  = "arn:aws:iam::" + account + ":role/valetkey"
	audience = "sts.amazonaws.com"
)

// job is what the role trusts.
var job = issuer.Job{
	Owner: "acme", OwnerID: 4242, Repository: "deploy", RepositoryID: 777, Branch: "main", Environment: "production",
}

func newCloud(tb testing.TB) *cloud {
	tb.Helper()
	c := &cloud{
		engine: newEngine(tb), issuer: issuer.New(tb), sessions: map[string]session{},
		subjects: []string{job.Subject()}, rights: []string{"kms:Sign", "kms:GetPublicKey"},
	}
	for address, handler := range map[*string]http.HandlerFunc{&c.sts: c.serveSTS, &c.kms: c.serveKMS} {
		server := httptest.NewServer(http.MaxBytesHandler(handler, 64<<10))
		tb.Cleanup(server.Close)
		*address = server.URL
	}
	return c
}

func (c *cloud) now() time.Time { return time.Now().Add(c.clock) }

// grant makes a session with the role's rights.
func (c *cloud) grant(name string, lifetime time.Duration) (accessKeyID string, made session) {
	accessKeyID = "ASIA" + rand.Text()[:16]
	made = session{
		secret: rand.Text() + rand.Text()[:14], token: strings.Repeat(rand.Text(), 20) + "/+==",
		principal: fmt.Sprintf("arn:aws:sts::%s:assumed-role/valetkey/%s", account, name), expires: c.now().Add(lifetime),
	}
	c.sessions[accessKeyID], c.last = made, accessKeyID
	return accessKeyID, made
}

// user makes the key of a user, which has the role's rights and no token.
func (c *cloud) user(name string) (accessKeyID, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	accessKeyID, secret = "AKIA"+rand.Text()[:16], rand.Text()+rand.Text()[:14]
	c.sessions[accessKeyID] = session{secret: secret, principal: fmt.Sprintf("arn:aws:iam::%s:user/%s", account, name)}
	return accessKeyID, secret
}

// serveKMS lets through what is signed by somebody who may do it.
func (c *cloud) serveKMS(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	c.log = append(c.log, operation)
	principal, refused := c.authenticate(r)
	if refused != nil {
		refuse(w, refused.code, "message", refused.message)
		return
	}
	if right := "kms:" + operation; !slices.Contains(c.rights, right) {
		refuse(w, "AccessDeniedException", "Message", fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: %skey/%s because no identity-based policy allows the %s action",
			principal, right, prefix, keyID, right))
		return
	}
	c.ServeHTTP(w, r)
}

// refusal is an error as AWS names it.
type refusal struct{ code, message string }

// refuse answers as the protocol JSON 1.1 of AWS does.
func refuse(w http.ResponseWriter, code, field, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, field: message}) // the client may be gone
}
