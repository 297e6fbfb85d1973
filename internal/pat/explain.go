package pat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/valetkey/valetkey/internal/fault"
)

// Explain returns what the policy decides about everything that one token asks
// for or has, with the rules that were asked. It changes nothing.
func (e *Engine) Explain(ctx context.Context, tokenID int64) ([]Decision, error) {
	policy, err := Compile(e.Policy)
	if err != nil {
		return nil, err
	}
	var decisions []Decision
	var errs []error
	for _, name := range e.Policy.Organizations {
		var tokens []Token
		for _, kind := range e.kinds() {
			found, err := e.withID(ctx, name, kind, tokenID)
			tokens = append(tokens, found...)
			errs = append(errs, err)
		}
		q := e.inquire(name)
		decisions = append(decisions, q.decide(ctx, policy, tokens)...)
		errs = append(errs, q.errs...)
	}
	if err := errors.Join(errs...); err != nil || len(decisions) > 0 {
		return decisions, err
	}
	return nil, fault.New(fmt.Sprintf("no organization of the policy lists a token with the id %d", tokenID),
		"the id is what a report calls token_id; it stays when a request becomes a grant")
}

// withID lists what has the id of a token. Only the list of authorizations can't
// be asked for it.
func (e *Engine) withID(ctx context.Context, organization string, kind Kind, tokenID int64) ([]Token, error) {
	var filter url.Values
	if kind != Authorization {
		filter = url.Values{"token_id[]": {strconv.FormatInt(tokenID, 10)}}
	}
	tokens, answer, err := e.list(ctx, organization, kind, filter)
	if kind == Authorization && answer.Status == http.StatusNotFound {
		return nil, nil
	}
	return slices.DeleteFunc(tokens, func(t Token) bool { return t.TokenID != tokenID }), err
}
