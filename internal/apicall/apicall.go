// Package apicall is one call of GitHub's REST API as plain data: whose token it
// takes, with which permission, and what is asked. The packages that know what to
// ask (secrets, deploy keys, variables) describe their calls with it; who composes
// them gives a [Func] that has the tokens, the retries and the limits.
//
// It sends nothing by itself and never sees a token. Start at [Request], and at
// [List] for everything that GitHub hands out in pages.
package apicall

import (
	"context"
	"time"
)

// Request is one call.
type Request struct {
	// Owner and Repository say whose token the call takes. Without a repository it
	// is about the settings of the organization.
	Owner, Repository string

	Permission string // the key of the permission that the call takes
	Op         string // what it is for, in words: "list the deploy keys of acme/infra"
	Method     string
	Path       string // below the API's address, escaped, without a slash in front
	Body       any    // nil: none
	Result     any    // the answer is decoded into it unless nil
}

// Answer is what GitHub told besides the body.
type Answer struct {
	Status int       // of the last answer; zero when there was none
	Date   time.Time // GitHub's clock as it answered; zero when it did not say
	Next   string    // the path of the next page, as the Link header has it; empty on the last one
}

// Func sends a request, with whatever waits and retries that takes. The answer is
// given with an error too, as far as there was one.
type Func func(context.Context, Request) (Answer, error)

// The methods and statuses of HTTP that callers tell apart. net/http has them too,
// but only what opens connections imports that.
const (
	Get    = "GET"
	Put    = "PUT"
	Post   = "POST"
	Patch  = "PATCH"
	Delete = "DELETE"

	StatusCreated       = 201
	StatusForbidden     = 403
	StatusNotFound      = 404
	StatusConflict      = 409
	StatusUnprocessable = 422
)
