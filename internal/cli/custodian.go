package cli

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// setting is an input that says who signs with the key that the input key
// names, or where it is.
type setting struct {
	input   string
	to      *string
	schemes string // of the keys that it is for; empty: of all
}

// settings returns all settings. What they hold goes to a configuration.
func settings(c *custody.Config) []setting {
	const aws, google, azure, vaults = "awskms://", "gcpkms://", "azurekms://", "hashivault:// or openbao://"
	return []setting{
		{"key-fingerprint", &c.PublicKey, ""},
		{"aws-role-to-assume", &c.AWS.Role, aws},
		{"aws-region", &c.AWS.Region, aws},
		{"gcp-workload-identity-provider", &c.GCP.Provider, google},
		{"gcp-service-account", &c.GCP.ServiceAccount, google},
		{"azure-client-id", &c.Azure.ClientID, azure},
		{"azure-tenant-id", &c.Azure.TenantID, azure},
		{"vault-url", &c.Vault.URL, vaults},
		{"vault-role", &c.Vault.Role, vaults},
		{"vault-path", &c.Vault.Path, vaults},
		{"vault-namespace", &c.Vault.Namespace, vaults},
		{"oidc-audience", &c.Audience, aws + ", " + google + ", " + azure + ", " + vaults},
	}
}

// isKeySetting reports whether an input is key or one of its settings.
func isKeySetting(input string) bool {
	return input == "key" || slices.ContainsFunc(settings(&custody.Config{}), func(s setting) bool { return s.input == input })
}

// readSettings reads the settings of a key, over what earlier steps have put
// into the environment. It notes a fault for each that nobody would read.
func (k *appKey) readSettings(r *actions.Runner, in *actions.Inputs) {
	c, scheme := &custody.Config{}, custody.Scheme(k.URI)
	if k.URI != "" {
		*c = custody.FromEnvironment(k.URI, r.Variable)
	}
	k.Custody = c
	for _, s := range settings(c) {
		value := in.String(s.input)
		if value == "" {
			continue
		}
		if redact.IsSecret(value) { // in the wrong input
			r.Mask(actions.LongLines(redact.New(value))...)
		}
		k.Set, *s.to = true, value
		switch {
		case !k.Text.Empty():
			in.Fault(s.input, "is for key, and the step has "+k.Input, "take it out, or give key instead")
		case s.schemes != "" && !strings.Contains(s.schemes, scheme):
			in.Fault(s.input, "is not for a key of "+scheme, "take it out: it is for "+s.schemes)
		case s.to == &c.Vault.Path || s.to == &c.Audience: // these two come after the roles
			if role := missingRole(scheme, c); role != "" {
				in.Fault(s.input, "needs "+role, "it is for a role that is taken with the job's OIDC token: name one, or take it out")
			}
		}
	}
}

// missingRole returns the input of a role that would be taken with the job's
// OIDC token, or "" if some role is.
func missingRole(scheme string, c *custody.Config) string {
	switch {
	case scheme == "awskms://" && c.AWS.Role == "":
		return "aws-role-to-assume"
	case scheme == "azurekms://" && c.Azure.ClientID == "" && c.Azure.TokenFile != "":
		return "azure-client-id"
	case (scheme == "hashivault://" || scheme == "openbao://") && c.Vault.Role == "":
		return "vault-role"
	}
	return ""
}

// takesRole reports whether a configuration has a role that is taken with the
// job's OIDC token.
func takesRole(c *custody.Config) bool {
	return c.AWS.Role+c.GCP.Provider+c.Azure.ClientID+c.Vault.Role != ""
}

// maskPasted masks a key itself that was given in place of its URI, or in it.
func maskPasted(r *actions.Runner, uri string) {
	scheme := custody.Scheme(uri)
	rest := strings.TrimPrefix(uri, scheme)
	if redact.IsSecret(rest) || (scheme == "" || scheme == "file:") && redact.MayBeSecret(rest) {
		r.Mask(actions.LongLines(redact.New(rest))...)
	}
}

// maskNew masks a new secret: a key line by line, a word in all its forms.
func maskNew(r *actions.Runner, s redact.String) {
	if strings.Contains(s.Reveal(), "\n") {
		r.Mask(actions.LongLines(s)...)
		return
	}
	r.Mask(actions.Encodings(s)...)
}

// custodian returns the key that a URI names, with the custodian's requests
// sent by the same rules as GitHub's. insecure-http is for github-api-url alone.
// Whoever signs with the key calls [closeKey] at the end.
func (p Process) custodian(ctx context.Context, r *actions.Runner, h host, uri string, c *custody.Config) (*custody.Key, error) {
	h.InsecureHTTP = false
	sender := githubapp.NewSender(p.network(r, h))
	c.Send = func(ctx context.Context, q custody.Request) (custody.Response, error) {
		answer, err := sender.Send(ctx, githubapp.Request(q))
		return custody.Response(answer), err
	}
	c.Dial = func(ctx context.Context, socket string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	c.ReadFile = func(path string) ([]byte, error) {
		text, err := safefile.Read(path, maxKeyFile)
		if err != nil {
			return nil, &fault.Error{Hint: cmp.Or(fault.Hint(err), whatContainersSee), Err: err}
		}
		if custody.Scheme(uri) == "file:" {
			warnOfReaders(r, "key", path)
		}
		return text, nil
	}
	c.ParseKey = githubapp.ParseKey
	c.Secret = func(s redact.String) { maskNew(r, s) }
	c.Info, c.Warning = r.Info, r.Warning
	return custody.Open(ctx, uri, *c)
}

// closeTime is how long a step may take to give back what signing took. The
// runner kills a step that was cancelled after ten seconds.
const closeTime = 5 * time.Second

// closeKey gives back what was taken to sign with a key, also if the step
// failed or was cancelled. It does nothing for a key that is in this process.
func closeKey(ctx context.Context, r *actions.Runner, key crypto.Signer) {
	held, ok := key.(*custody.Key)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := held.Close(ctx); err != nil {
		r.Warning("%s", fault.Text(err))
	}
}

// ownBytes returns the private key itself, or nil if it is not in this process.
func ownBytes(key crypto.Signer) *rsa.PrivateKey {
	if held, ok := key.(*custody.Key); ok {
		key = held.Private()
	}
	own, _ := key.(*rsa.PrivateKey)
	return own
}
