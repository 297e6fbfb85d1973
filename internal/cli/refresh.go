package cli

import (
	"context"
	"crypto"
	"path/filepath"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// startRefresh prepares a job that outlives its token. It leaves nothing behind
// on an error.
func startRefresh(r *actions.Runner, temp string, m minted, w reach) (refreshDir, []actions.Pair, error) {
	identity, recipient, err := envelope.NewIdentity()
	if err != nil {
		return refreshDir{}, nil, err
	}
	r.Mask(identity)
	d, err := newRefreshDir(temp)
	if err != nil {
		return d, nil, err
	}
	err = d.save(refreshState{
		Issuer: m.Issuer, Key: m.Kept, URL: m.Host.URL, Roots: string(m.Host.Roots),
		InsecureHTTP: m.Host.InsecureHTTP, Server: m.JobEnv.Server, Reach: w,
		Installation: m.Installation.ID, Scope: m.Scope, Recipient: recipient,
		Tokens: []liveToken{{
			Value: storedSecret{m.Token.Value}, Minted: time.Now().Add(m.Host.Skew), Expires: m.Token.ExpiresAt, Skew: m.Host.Skew,
			Announced: true, // this stage masked it
		}},
	})
	if err == nil {
		err = r.SaveState(
			actions.Pair{Name: stateRefresh, Value: filepath.Base(d.path)},
			actions.Pair{Name: stateIdentity, Value: identity.Reveal()},
		)
	}
	if err != nil {
		d.remove()
	}
	return d, []actions.Pair{{Name: d.identityVariable(), Value: identity.Reveal()}}, err
}

// currentToken returns the job's token, after minting another one if the last
// is about to expire. It calls announce, which may be nil, once for a token
// that the runner has not been told of.
func currentToken(
	ctx context.Context, p Process, r *actions.Runner, d refreshDir, announce func(redact.String),
) (t liveToken, err error) {
	err = d.locked(ctx, func() error {
		identity := redact.New(p.Getenv(d.identityVariable()))
		r.Mask(identity)
		s, err := d.load(identity)
		if err != nil {
			return err
		}
		if n := len(s.Tokens); n == 0 || !s.Tokens[n-1].unexpired(time.Now()) {
			if err := replace(ctx, p, r, d, &s); err != nil {
				return err
			}
		}
		last := &s.Tokens[len(s.Tokens)-1]
		r.Mask(actions.Encodings(last.Value.String)...)
		told := announce != nil && !last.Announced
		if told {
			announce(last.Value.String)
			last.Announced = true
		}
		if t = *last; told {
			return d.save(s)
		}
		return nil
	})
	return t, err
}

// replace mints what the state describes, and keeps the token there. If that
// fails it takes the token back, since nobody would know of it.
func replace(ctx context.Context, p Process, r *actions.Runner, d refreshDir, s *refreshState) error {
	h := host{URL: s.URL, Roots: []byte(s.Roots), InsecureHTTP: s.InsecureHTTP}
	api, err := p.connect(r, h)
	if err != nil {
		return err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	key, err := s.Key.open(ctx, p, r, h)
	if err != nil {
		return err
	}
	defer closeKey(ctx, r, key)
	token, err := remint(ctx, r, api, key, *s)
	if err != nil {
		return err
	}
	old, made := s.Tokens, liveToken{Value: storedSecret{token.Value}, Minted: api.Now(), Expires: token.ExpiresAt, Skew: api.Skew()}
	s.Tokens = append(slices.Clone(old), made)
	if err := d.save(*s); err != nil {
		takeBack(ctx, r, api, token)
		return err
	}
	if left := retire(ctx, api, old); len(left) < len(old) {
		s.Tokens = append(left, made)
		return d.save(*s)
	}
	return nil
}

// remint mints what the state describes.
func remint(ctx context.Context, r *actions.Runner, api *githubapp.API, key crypto.Signer, s refreshState) (githubapp.Token, error) {
	app, err := api.App(s.Issuer, key)
	if err != nil {
		return githubapp.Token{}, err
	}
	m := minted{mintRequest{Scope: s.Scope}, githubapp.Installation{ID: s.Installation, Account: s.Reach.Owner}, githubapp.Token{}}
	if m.Token, err = app.Mint(ctx, m.Installation, s.Scope); err != nil {
		return githubapp.Token{}, err
	}
	if err := m.sameScope(); err != nil {
		takeBack(ctx, r, api, m.Token)
		return githubapp.Token{}, err
	}
	return m.Token, nil
}

// retireTime is how long git waits while tokens of the past are revoked. The
// next mint or the post stage revokes the rest.
const retireTime = 5 * time.Second

// retire revokes the tokens that have expired by GitHub's clock: nobody works
// with them any more. It returns the others, and those of which GitHub did not
// say that they are gone.
func retire(ctx context.Context, api *githubapp.API, tokens []liveToken) []liveToken {
	ctx, cancel := context.WithTimeout(ctx, retireTime)
	defer cancel()
	var left []liveToken
	for _, t := range tokens {
		if api.Now().After(t.Expires) {
			if _, err := api.Revoke(ctx, t.Value.String); err == nil {
				continue
			}
		}
		left = append(left, t)
	}
	return left
}
