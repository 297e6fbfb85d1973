package fakegithub

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types of credentials as the list of single sign-on names them, and as the
// calls that withdraw by type do. Fine-grained tokens are not in the list.
const (
	ClassicToken = "personal access token"
	SSHKey       = "SSH key"
	OAuthToken   = "OAuth app token"
	AppUserToken = "GitHub app token"
)

var credentialTypes = map[string]string{
	"classic_pat": ClassicToken, "ssh_key": SSHKey, "oauth_app_token": OAuthToken, "fine_grained_pat": "",
}

// Credential is a token or key that is authorized for single sign-on.
type Credential struct {
	ID           int64  // of the authorization; assigned when zero
	Login        string // added as a member when unknown
	Type         string // one of the four above; empty means ClassicToken
	CredentialID int64  // of the token or key itself; assigned when zero
	Value        string // of a token; GET /user and POST /credentials/revoke know it. Made up when empty
	Fingerprint  string // of a key; made up when empty
	Note         string // of a token, or the title of a key
	Scopes       []string
	AuthorizedAt time.Time // zero: now
	AccessedAt   time.Time // zero: never
	ExpiresAt    time.Time // zero: never
}

// Withdrawal is an authorization that was taken back. It can't be undone.
type Withdrawal struct {
	Credential Credential
	By         string // login
	Time       time.Time
}

type authorization struct {
	Credential
	owner *Account // whose login may change
}

type authorizations struct {
	list      []*authorization // by id
	withdrawn map[int64]bool
	history   []Withdrawal
}

// SetSingleSignOn says whether an organization has SAML single sign-on. At
// first it has not.
func (s *Server) SetSingleSignOn(org string, on bool) {
	defer s.lock()()
	s.organization(org).saml = on
}

// AuthorizeCredential authorizes a credential and returns the id of the
// authorization. It returns 0 for one whose authorization was withdrawn: only
// another credential can be authorized then.
func (s *Server) AuthorizeCredential(org string, credential Credential) (id int64) {
	defer s.lock()()
	o := s.organization(org)
	if o.authorizations.withdrawn[credential.CredentialID] {
		return 0
	}
	owner := s.user(credential.Login)
	s.addMember(o, owner)
	one := &authorization{credential, owner}
	one.Login, one.Type, one.Scopes = owner.Login, cmp.Or(one.Type, ClassicToken), slices.Clone(one.Scopes)
	if one.ID == 0 {
		one.ID = s.newID()
	}
	if one.CredentialID == 0 {
		one.CredentialID = s.newID()
	}
	if one.AuthorizedAt.IsZero() {
		one.AuthorizedAt = s.now()
	}
	if one.Type == SSHKey {
		one.Fingerprint = cmp.Or(one.Fingerprint, "SHA256:"+randomString(base62, 43))
	} else {
		s.makeToken(&one.Credential)
	}
	i, _ := slices.BinarySearchFunc(o.authorizations.list, one, func(a, b *authorization) int { return cmp.Compare(a.ID, b.ID) })
	o.authorizations.list = slices.Insert(o.authorizations.list, i, one)
	return one.ID
}

// makeToken makes the value of a credential known as a person's token.
func (s *Server) makeToken(one *Credential) {
	if one.Value == "" {
		body := randomString(base62, 30)
		one.Value = map[string]string{OAuthToken: "gho_", AppUserToken: "ghu_"}[one.Type] + body + checksum(body)
		if one.Type == ClassicToken {
			one.Value = "ghp_" + one.Value
		}
	}
	if s.personal[one.Value] == nil {
		s.personal[one.Value] = &personal{PersonalToken: PersonalToken{
			Value: one.Value, Login: one.Login, Classic: one.Type == ClassicToken, Scopes: one.Scopes, ExpiresAt: one.ExpiresAt,
		}}
	}
}

// Authorizations returns what is authorized, by id.
func (s *Server) Authorizations(org string) []Credential {
	defer s.lock()()
	var list []Credential
	for _, one := range s.organization(org).authorizations.list {
		list = append(list, one.current())
	}
	return list
}

// current returns the credential with the login that its owner has now.
func (one *authorization) current() Credential {
	credential := one.Credential
	credential.Login = one.owner.Login
	return credential
}

// Withdrawals returns the authorizations that were taken back, in order.
func (s *Server) Withdrawals(org string) []Withdrawal {
	defer s.lock()()
	return slices.Clone(s.organization(org).authorizations.history)
}

func singleSignOnRoutes() []route {
	const base = "/orgs/{account}/credential-authorizations"
	read, write := needs{"organization_administration": "read"}, needs{"organization_administration": "write"}
	const revoke = "revoke-saml-sso-authorizations"
	anyone := func(*call, *organization) (string, *answer) { return "", nil }
	routes := onPage("orgs/orgs", installationToken, everyOrganization(
		route{
			method: "GET", pattern: base, needs: read,
			doc: "list-saml-sso-authorizations-for-an-organization", serve: withSingleSignOn(listAuthorizations),
		},
		route{
			method: "DELETE", pattern: base + "/{credential}", needs: write,
			doc: "remove-a-saml-sso-authorization-for-an-organization", serve: withSingleSignOn(withdrawOne),
		},
		// The permission that the four calls below take is unconfirmed.
		route{method: "POST", pattern: base + "/revoke-all", needs: write, doc: revoke, serve: withdrawMany(anyone, false)},
		route{method: "POST", pattern: base + "/revoke-credential-type", needs: write, doc: revoke, serve: withdrawMany(anyone, true)},
		route{method: "POST", pattern: base + "/{username}/revoke", needs: write, doc: revoke, serve: withdrawMany(memberInPath, false)},
		route{
			method: "POST", pattern: base + "/{username}/revoke-credential-type", needs: write,
			doc: revoke, serve: withdrawMany(memberInPath, true),
		},
	)...)
	for i := range routes {
		routes[i].dotcomOnly = true
	}
	return routes
}

// withSingleSignOn answers 404 for an organization without SAML.
func withSingleSignOn(serve func(*call, *organization) answer) func(*call) answer {
	return ofOrganization(func(c *call, o *organization) answer {
		if !o.saml {
			return c.notFound()
		}
		return serve(c, o)
	})
}

// listAuthorizations is GET /orgs/{org}/credential-authorizations. GitHub sends
// Link headers here although it declares none.
func listAuthorizations(c *call, o *organization) answer {
	query := c.r.URL.Query()
	if refused := c.only(query, "page", "login"); refused != nil {
		return *refused
	}
	list := o.authorizations.list
	if login := query.Get("login"); login != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(one *authorization) bool { return !strings.EqualFold(one.owner.Login, login) })
	}
	list, header := page(c.byNumber(o.account), list)
	bodies := make([]any, 0, len(list))
	for _, one := range list {
		bodies = append(bodies, one.body())
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

func (one *authorization) body() map[string]any {
	body := map[string]any{
		"login": one.owner.Login, "credential_id": one.ID, "credential_type": one.Type,
		"credential_authorized_at":         timestamp(one.AuthorizedAt),
		"credential_accessed_at":           nullableTime(one.AccessedAt, timestamp),
		"authorized_credential_id":         one.CredentialID,
		"authorized_credential_expires_at": nullableTime(one.ExpiresAt, timestamp),
	}
	if one.Type == SSHKey {
		body["fingerprint"], body["authorized_credential_title"] = one.Fingerprint, one.Note
		return body
	}
	body["token_last_eight"], body["authorized_credential_note"] = one.Value[max(0, len(one.Value)-8):], one.Note
	body["scopes"] = append([]string{}, one.Scopes...)
	return body
}

// withdrawOne is DELETE /orgs/{org}/credential-authorizations/{credential_id}.
func withdrawOne(c *call, o *organization) answer {
	id, err := strconv.ParseInt(c.params["credential"], 10, 64)
	if n := o.withdraw(c.Server, c.bot(), func(one *authorization) bool { return err == nil && one.ID == id }); n == 0 {
		return c.notFound()
	}
	return noContent()
}

// withdraw takes back the authorizations that are selected, and returns how
// many there were.
func (o *organization) withdraw(s *Server, by string, selected func(*authorization) bool) (n int) {
	o.authorizations.list = slices.DeleteFunc(o.authorizations.list, func(one *authorization) bool {
		if !selected(one) {
			return false
		}
		if o.authorizations.withdrawn == nil {
			o.authorizations.withdrawn = map[int64]bool{}
		}
		o.authorizations.withdrawn[one.CredentialID] = true
		o.authorizations.history = append(o.authorizations.history, Withdrawal{one.current(), by, s.now()})
		n++
		return true
	})
	return n
}

// memberInPath returns the login of the member that the path names.
func memberInPath(c *call, o *organization) (login string, refused *answer) {
	one := o.members.get(c.userInPath())
	if one == nil {
		return "", refuse(c.notFound())
	}
	return one.account.Login, nil
}

// withdrawMany serves the four calls that GitHub only queues: for everybody or
// one member, and for every type or one.
func withdrawMany(whom func(*call, *organization) (login string, refused *answer), byType bool) func(*call) answer {
	return withSingleSignOn(func(c *call, o *organization) answer {
		login, refused := whom(c, o)
		if refused != nil {
			return *refused
		}
		var kind string
		if byType {
			fields, refused := c.fields("credential_type")
			if refused == nil {
				refused = decode(c, fields, "credential_type", "a string", &kind)
			}
			if _, known := credentialTypes[kind]; refused == nil && !known {
				refused = c.invalid(fmt.Sprintf("%q is not a credential type.", kind))
			}
			if refused != nil {
				return *refused
			}
		}
		by := c.bot()
		c.enqueue(func() {
			o.withdraw(c.Server, by, func(one *authorization) bool {
				return (login == "" || one.owner.Login == login) && (kind == "" || one.Type == credentialTypes[kind])
			})
		})
		return answer{status: http.StatusAccepted, body: map[string]any{"message": "Credential authorization revocation has been queued"}}
	})
}
