package custody

import (
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// location is where a key is, taken apart. Each part is of characters that mean
// nothing in a URL, but for the path of a file.
type location struct {
	scheme  string
	host    string // with AWS: of an endpoint, or empty; with Azure: of the vault, or its name
	region  string // with AWS: of the ARN, or empty
	key     string
	version string
}

// spelling is one kind of URI. What follows the scheme has the named groups of
// the pattern.
type spelling struct {
	scheme  string
	rest    *pattern.Pattern
	example string
}

const (
	hostPattern     = `(?:[0-9A-Za-z.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?`
	awsAliasPattern = `alias/[0-9A-Za-z/_-]{1,256}`
	awsIDPattern    = `(?:mrk-)?[0-9A-Fa-f-]{32,36}`
)

// spellings has the kinds of URI, as other tools that sign write them.
var spellings = []spelling{
	{
		"awskms://", &pattern.Pattern{Text: `^(?:(?P<host>` + hostPattern + `)?/)??(?P<key>` + awsIDPattern + `|` + awsAliasPattern +
			`|arn:aws[a-z-]*:kms:(?P<region>[0-9a-z-]+):[0-9]{12}:(?:key/` + awsIDPattern + `|` + awsAliasPattern + `))$`},
		"awskms:///alias/NAME, awskms:///KEY-ID or awskms:///arn:aws:kms:REGION:ACCOUNT:key/KEY-ID",
	},
	{
		"gcpkms://", &pattern.Pattern{Text: `^(?P<key>projects/[0-9A-Za-z:._-]+/locations/[0-9a-z-]+/keyRings/[0-9A-Za-z_-]+/` +
			`cryptoKeys/[0-9A-Za-z_-]+)/(?:cryptoKeyVersions|versions)/(?P<version>[0-9]+)$`},
		"gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY/cryptoKeyVersions/1",
	},
	{
		"azurekms://", &pattern.Pattern{Text: `^(?P<host>` + hostPattern + `)/(?P<key>[0-9A-Za-z-]{1,127})` +
			`(?:/(?P<version>[0-9A-Za-z]{1,64}))?$`},
		"azurekms://VAULT/KEY or azurekms://VAULT/KEY/VERSION",
	},
	{"hashivault://", vaultKey, "hashivault://KEY"},
	{"openbao://", vaultKey, "openbao://KEY"},
	{
		"ssh-agent:", &pattern.Pattern{Text: `^(?P<key>(?:SHA256:[0-9A-Za-z+/]{43}=?)?)$`},
		"ssh-agent:SHA256:FINGERPRINT, or ssh-agent: if the agent has one RSA key only",
	},
	{"file:", &pattern.Pattern{Text: `^(?P<key>/?[^/].*)$`}, "file:PATH"},
}

var vaultKey = &pattern.Pattern{Text: `^(?P<key>\w(?:[\w.-]*\w)?)$`}

// Scheme returns the scheme of the URI of a key, such as awskms://, or "" for a
// text that is no such URI.
func Scheme(uri string) string {
	for _, f := range spellings {
		if strings.HasPrefix(uri, f.scheme) {
			return f.scheme
		}
	}
	return ""
}

// maxURI is longer than any URI of a key.
const maxURI = 4096

// parse takes a URI apart. Its errors never repeat the URI, which may be a key
// that was pasted into the wrong input.
func parse(uri string) (location, error) {
	kind := redact.KindOf(uri)
	switch {
	case uri == "":
		return location{}, fault.New("key is empty", anyForm())
	case kind != "" && !strings.HasPrefix(uri, "ssh-agent:"):
		return location{}, fault.New("key is "+kind.WithArticle()+", not the URI of a key", anyForm())
	case len(uri) > maxURI, redact.OneLine(uri) != uri:
		return location{}, fault.New("key is not the URI of a key", anyForm())
	}
	for _, f := range spellings {
		rest, ok := strings.CutPrefix(uri, f.scheme)
		if !ok {
			continue
		}
		if f.scheme == "file:" && strings.HasPrefix(rest, "///") {
			rest = rest[2:]
		}
		found := f.rest.Regexp().FindStringSubmatch(rest)
		if found == nil {
			return location{}, fault.New("key is not the URI of a key", "write it as "+f.example)
		}
		group := func(name string) string {
			if i := f.rest.Regexp().SubexpIndex(name); i > 0 {
				return found[i]
			}
			return ""
		}
		return location{f.scheme, group("host"), group("region"), group("key"), group("version")}, nil
	}
	return location{}, fault.New("key is not the URI of a key", anyForm())
}

// anyForm returns the hint that names all kinds of URI.
func anyForm() string {
	var examples []string
	for _, f := range spellings {
		examples = append(examples, f.scheme+"…")
	}
	return "write it as one of " + strings.Join(examples, ", ") + ", or pass a private key in private-key"
}

// uri returns the URI in its usual spelling.
func (l *location) uri() string {
	text := l.scheme + l.host
	if l.host != "" || l.scheme == "awskms://" {
		text += "/"
	}
	text += l.key
	switch {
	case l.version != "" && l.scheme == "gcpkms://":
		text += "/cryptoKeyVersions/" + l.version
	case l.version != "":
		text += "/" + l.version
	}
	return text
}
