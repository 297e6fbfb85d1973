package pat

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
)

// source is where GitHub lists what a kind is, and what it takes to read it.
type source struct{ path, permission, what string }

var sources = map[Kind]source{
	Request: {"personal-access-token-requests", "organization_personal_access_token_requests", "requests for personal access tokens"},
	Grant:   {"personal-access-tokens", "organization_personal_access_tokens", "personal access tokens"},
	Authorization: {
		"credential-authorizations", "organization_administration", "credentials that are authorized for single sign-on",
	},
}

// list reads what an organization has of a kind, all of it or what a filter
// leaves. A list that did not end cleanly is an error.
func (e *Engine) list(ctx context.Context, organization string, kind Kind, filter url.Values) ([]Token, apicall.Answer, error) {
	from := sources[kind]
	req := apicall.Request{
		Owner: organization, Permission: from.permission, Level: "read",
		Op:   "list the " + from.what + " of " + organization,
		Path: "orgs/" + url.PathEscape(organization) + "/" + from.path,
	}
	query := url.Values{}
	if kind != Authorization { // the oldest first: a new one moves no page
		query = url.Values{"sort": {"created_at"}, "direction": {"asc"}}
	}
	for key, values := range filter {
		query[key] = values
	}
	if len(query) > 0 {
		req.Path += "?" + query.Encode()
	}
	if kind == Authorization {
		return listAs(ctx, e.Call, req, func(w *wireAuthorization) int64 { return w.ID }, func(w *wireAuthorization) Token {
			return w.token(organization)
		})
	}
	return listAs(ctx, e.Call, req, func(w *wireToken) int64 { return w.ID }, func(w *wireToken) Token {
		return w.token(organization, kind)
	})
}

// listAs reads a list of one form and turns each item into a token.
func listAs[T any](
	ctx context.Context, call apicall.Func, req apicall.Request, id func(*T) int64, token func(*T) Token,
) ([]Token, apicall.Answer, error) {
	items, answer, err := apicall.List(ctx, call, req, "", id)
	if err != nil {
		return nil, answer, err
	}
	tokens := make([]Token, len(items))
	for i := range items {
		tokens[i] = token(&items[i])
	}
	return tokens, answer, nil
}

// reread reads one token again. It returns nil if GitHub does not list it any
// more.
func (e *Engine) reread(ctx context.Context, t *Token) (*Token, error) {
	filter := url.Values{"owner[]": {t.Owner}}
	switch {
	case t.Kind == Authorization:
		filter = url.Values{"login": {t.Owner}}
	case t.TokenID > 0:
		filter = url.Values{"token_id[]": {strconv.FormatInt(t.TokenID, 10)}}
	}
	tokens, _, err := e.list(ctx, t.Organization, t.Kind, filter)
	if err != nil {
		return nil, err
	}
	// A server that ignores the filter answers with the whole list.
	i := slices.IndexFunc(tokens, func(other Token) bool { return other.ID == t.ID })
	if i < 0 {
		return nil, nil
	}
	return &tokens[i], nil
}

// wireToken is a request or a grant as GitHub lists it. A time that is null
// never was or never comes. One that is missing is not known, and a token that
// expires must not pass for one that never does.
type wireToken struct {
	ID    int64 `json:"id"`
	Owner struct {
		Login string `json:"login"`
		ID    int64  `json:"id"`
	} `json:"owner"`
	Reason      *string                      `json:"reason"`
	Selection   string                       `json:"repository_selection"`
	Permissions map[string]map[string]string `json:"permissions"`
	RequestedAt *time.Time                   `json:"created_at"`
	GrantedAt   *time.Time                   `json:"access_granted_at"`
	TokenID     int64                        `json:"token_id,omitzero"` // old Enterprise Servers do not tell it
	Name        string                       `json:"token_name,omitempty"`
	Expired     bool                         `json:"token_expired"`
	ExpiresAt   *time.Time                   `json:"token_expires_at" apicall:"present"`
	LastUsedAt  *time.Time                   `json:"token_last_used_at" apicall:"present"`
}

func (w *wireToken) token(organization string, kind Kind) Token {
	t := Token{
		Kind: kind, Organization: organization, ID: w.ID, TokenID: w.TokenID, Name: w.Name, Owner: w.Owner.Login, OwnerID: w.Owner.ID,
		Permissions: permissionsOf(w.Permissions), Selection: w.Selection, Since: utc(w.GrantedAt),
		Expires: utc(w.ExpiresAt), Expired: w.Expired, LastUsed: utc(w.LastUsedAt),
	}
	if kind == Request {
		t.Reason, t.Since = orZero(w.Reason), utc(w.RequestedAt)
	}
	return t
}

// permissionsOf sorts permissions by family. One of a family that nobody here
// knows keeps the name of that family, so that no rule takes it for nothing.
func permissionsOf(all map[string]map[string]string) Permissions {
	p := Permissions{Organization: all[organizationFamily], Repository: all[repositoryFamily], Other: all[otherFamily]}
	for family, permissions := range all {
		if slices.Contains(families, family) {
			continue
		}
		for name, level := range permissions {
			if p.Other == nil {
				p.Other = map[string]string{}
			}
			p.Other[family+"."+name] = level
		}
	}
	return p
}

// wireAuthorization is a credential that was authorized for single sign-on, as
// GitHub lists it.
type wireAuthorization struct {
	Login        string     `json:"login"`
	ID           int64      `json:"credential_id"`
	Type         string     `json:"credential_type"`
	AuthorizedAt *time.Time `json:"credential_authorized_at"`
	AccessedAt   *time.Time `json:"credential_accessed_at" apicall:"present"`
	Scopes       *[]string  `json:"scopes"`
	CredentialID *int64     `json:"authorized_credential_id"`
	Note         *string    `json:"authorized_credential_note"`
	Title        *string    `json:"authorized_credential_title"` // of an SSH key
	ExpiresAt    *time.Time `json:"authorized_credential_expires_at"`
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts no token of which
// GitHub does not say when it expires; keys never do.
func (w *wireAuthorization) UnmarshalJSON(data []byte) error {
	type plain wireAuthorization
	if err := apicall.Decode(data, (*plain)(w)); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(data, &fields) // it was decoded before
	kind := kindOf(w.Type)
	if _, told := fields["authorized_credential_expires_at"]; !told && (kind == classic || kind == fineGrained) {
		return fault.New("the answer does not say when a token expires", "")
	}
	return nil
}

func (w *wireAuthorization) token(organization string) Token {
	t := Token{
		Kind: Authorization, Organization: organization, ID: w.ID, TokenID: orZero(w.CredentialID), Owner: w.Login,
		Name: orZero(w.Note), Credential: w.Type, Scopes: orZero(w.Scopes),
		Since: utc(w.AuthorizedAt), Expires: utc(w.ExpiresAt), LastUsed: utc(w.AccessedAt),
	}
	if t.Name == "" {
		t.Name = orZero(w.Title)
	}
	return t
}

func utc(t *time.Time) time.Time { return orZero(t).UTC() }

func orZero[T any](pointer *T) (value T) {
	if pointer != nil {
		value = *pointer
	}
	return value
}
