// Package apicall describes one call of GitHub's REST API as plain data: which
// owner's token it takes, with which permission, and what it asks. The packages
// that know what to ask (secrets, deploy keys, variables) describe their calls
// with it. Their caller passes a [Func] that adds the token, the retries and
// the limits.
//
// It sends nothing by itself and never sees a token. Start at [Request], and at
// [List] for everything that GitHub returns in pages.
package apicall

import (
	"context"
	"time"
)

// Request is one call.
type Request struct {
	// Owner and Repository say whose token the call takes. Without a repository
	// the call is about the settings of the organization.
	Owner, Repository string

	Permission string // the key of the permission that the call takes
	Level      string // and its level, read or write; empty means what most calls with it take
	Op         string // what the call does, in words: "list the deploy keys of acme/infra"
	Method     string
	Path       string // below the API's address, escaped, without a leading slash
	Body       any    // nil: none
	Result     any    // the answer is decoded into it unless nil
}

// Answer is what GitHub's answer says besides its body.
type Answer struct {
	Status int       // of the last answer; zero when there was none
	Date   time.Time // GitHub's clock when it answered; zero when the answer does not say
	Next   string    // the path of the next page, as the Link header has it; empty on the last one

	RequestID string // GitHub's support asks for it; empty when the answer does not say
}

// Func sends a request, with the waits and retries that it takes. With an error
// it also returns the answer, as far as there was one.
type Func func(context.Context, Request) (Answer, error)
