package pat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/valetkey/valetkey/internal/fault"
)

// Explain judges one token, by the id that it has in every list, and keeps the
// steps: which rules were asked, and how each of their conditions came out. It
// changes nothing. A token may have a request and a grant at once, and access
// to several organizations.
func (e *Engine) Explain(ctx context.Context, tokenID int64) ([]Decision, error) {
	policy, err := Compile(e.Policy)
	if err != nil {
		return nil, err
	}
	r := &run{Engine: e}
	var found []Decision
	for _, name := range e.Policy.Organizations {
		var tokens []Token
		for _, kind := range e.kinds() {
			listed, err := r.withID(ctx, name, kind, tokenID)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, listed...)
		}
		found = append(found, e.inquire(name).decide(ctx, policy, tokens)...)
	}
	if len(found) == 0 {
		return nil, fault.New(fmt.Sprintf("no organization of the policy lists a token with the id %d", tokenID),
			"take token_id from the report file; the ids of requests and grants are other numbers")
	}
	return found, nil
}

// withID lists what an organization has of a kind about one token.
func (r *run) withID(ctx context.Context, organization string, kind Kind, tokenID int64) ([]Token, error) {
	filter := url.Values{"token_id[]": {strconv.FormatInt(tokenID, 10)}}
	if kind == Authorization { // this list has no such filter
		filter = nil
	}
	listed, answer, err := r.list(ctx, organization, kind, filter)
	switch {
	case err != nil && kind == Authorization && answer.Status == http.StatusNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	var theirs []Token
	for _, t := range listed {
		if t.TokenID == tokenID {
			theirs = append(theirs, t)
		}
	}
	return theirs, nil
}
