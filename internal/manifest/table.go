package manifest

import (
	"regexp"
	"slices"
	"sync"
)

// kind is what a key of the manifest takes.
type kind uint8

const (
	text     kind = iota
	duration      // a text that is a time
	list          // of texts
	boolean       // true or false
	integer       // from least to most
	levels        // a mapping of permissions to their levels
	object        // of one shape
	objects       // a list of them
)

// shape describes one kind of mapping. Parsing, the schema and the reference
// come from it.
type shape struct {
	name   string // of its section in the reference
	about  string
	fields []*field
	one    []string // exactly one of these keys is there
	any    bool     // at least one of its keys is
	hint   string   // when that is not so
	rules  []rule
}

// field is one key of a shape.
type field struct {
	key         string
	kind        kind
	required    bool
	entry       bool   // an entry of the key's list
	private     bool   // what is ill-formed here is never shown
	unique      bool   // no text of the list comes twice
	standard    string // the default
	otherwise   string // the default, where it takes words to say it
	about       string
	example     string // a value, as YAML
	words       []string
	form        *form
	least, most int
	of          *shape
}

// label names the field in a message.
func (f *field) label() string {
	if f.entry {
		return "an entry of " + f.key
	}
	return f.key
}

// write shows how it is done.
func (f *field) write() string {
	if f.entry {
		return "write an entry such as " + f.example
	}
	return "write " + f.key + ": " + f.example
}

// rule is about two keys of one mapping: when key is there, and holds the word is
// unless that is empty, then needs must be there, not must not be, and where
// only is there it must hold the word alone.
type rule struct {
	key, is    string
	needs, not string
	only, word string
	hint       string
}

// form is how a text is written. The patterns are in the common part of Go's
// syntax and JavaScript's.
type form struct {
	name    string // what it is
	pattern string
	never   string // a pattern of what looks right, but is not
	hint    string

	compile sync.Once
	yes, no *regexp.Regexp // of pattern and never; no may be nil
}

// fits tells whether a text is of the form. Most runs need few of the patterns.
func (f *form) fits(text string) bool {
	f.compile.Do(func() {
		f.yes = regexp.MustCompile(f.pattern)
		if f.never != "" {
			f.no = regexp.MustCompile(f.never)
		}
	})
	return f.yes.MatchString(text) && (f.no == nil || !f.no.MatchString(text))
}

const (
	ownerPattern = `[A-Za-z0-9_][A-Za-z0-9_-]{0,99}`
	topicPattern = `[a-z0-9][a-z0-9-]{0,49}`
	namePattern  = `([A-Za-z0-9._*?-]|\[\^?([A-Za-z0-9._](-[A-Za-z0-9._])?)+\]){1,100}`
)

var (
	secretName = &form{
		name:    "a name that GitHub takes",
		pattern: `^[A-Za-z_][A-Za-z0-9_]{0,254}$`,
		never:   `^[Gg][Ii][Tt][Hh][Uu][Bb]_`,
		hint:    "letters, digits and underscores, no digit first and no GITHUB_, such as NPM_TOKEN",
	}
	valueSource = &form{
		name:    "where a value comes from",
		pattern: `^(mint|env:[A-Za-z_][A-Za-z0-9_]*)$`,
		hint:    "env:VARIABLE names a variable that holds the value, mint makes a token; the value itself never goes into the manifest",
	}
	repositoryPattern = &form{
		name:    "a repository, a pattern or a topic",
		pattern: `^!?(` + ownerPattern + `/` + namePattern + `|topic:(` + ownerPattern + `/)?` + topicPattern + `)$`,
		never:   `/\.{1,2}$`,
		hint:    `acme/api, acme/web-* (patterns in the name only), topic:payments or topic:acme/payments; "!" in front excludes`,
	}
	repositoryName = &form{
		name:    "a repository",
		pattern: `^` + ownerPattern + `/[A-Za-z0-9._-]{1,100}$`,
		never:   `/\.{1,2}$`,
		hint:    "OWNER/NAME of one repository, such as acme/api; no patterns here",
	}
	organizationName = &form{
		name:    "an organization",
		pattern: `^` + ownerPattern + `$`,
		hint:    "its name as in github.com/NAME, such as acme",
	}
	environmentName = &form{
		name:    "an environment",
		pattern: `^[^\x00-\x1f\x7f-\x9f]{1,255}$`,
		never:   `^\.{1,2}$`, // a path would lead elsewhere
		hint:    "up to 255 characters on one line, and not . or .., such as production",
	}
	rotationName = &form{
		name:    "the name of a rotation",
		pattern: `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`,
		never:   `^[Aa][Ll][Ll]$`, // the inputs force and compromised mean every one by it
		hint:    "up to 64 letters, digits, dots, dashes and underscores, and not all, such as infra-deploy-key",
	}
	keyTitle = &form{
		name:    "a title",
		pattern: `^[^\x00-\x20\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,59}$`,
		hint:    "1 to 60 characters on one line, such as ci",
	}
	interval = &form{
		name:    "a time of at least 10m",
		pattern: `^[1-9][0-9]{0,3}[mhdw]$`,
		never:   `^[1-9]m$`,
		hint:    "a number and one of m, h, d, w, such as 45m, 12h, 30d or 2w",
	}
	grace = &form{
		name:    "a time",
		pattern: `^(0|[1-9][0-9]{0,3})[mhdw]$`,
		hint:    "a number and one of m, h, d, w, such as 30m or 1h; 0m is no time at all",
	}
	permissionName = &form{
		name:    "a permission",
		pattern: `^[a-z][a-z0-9_-]{0,63}$`,
		hint:    "its name as in docs/permissions.md, such as contents",
	}
)

var (
	apps         = []string{"actions", "dependabot", "codespaces", "agents"}
	visibilities = []string{"all", "private", "selected"}
	accesses     = []string{"read", "write", "admin"}
	encodings    = []string{"hex", "base64", "base64url"}
)

// shapes lists all of them, in the order of the reference.
func shapes() []*shape {
	return []*shape{fileShape, secretShape, targetShape, scopeShape, rotationShape, deployKeyShape, randomShape, ageShape, storeShape}
}

// vocabulary is every word of the table's own.
func vocabulary() []string {
	var words []string
	for _, s := range shapes() {
		for _, f := range s.fields {
			words = append(append(words, f.key), f.words...)
		}
	}
	return append(words, "true", "false", "mint")
}

func (s *shape) field(key string) *field {
	i := slices.IndexFunc(s.fields, func(f *field) bool { return f.key == key })
	if i < 0 {
		return nil
	}
	return s.fields[i]
}

// keys are the names of its fields.
func (s *shape) keys() []string {
	var keys []string
	for _, f := range s.fields {
		keys = append(keys, f.key)
	}
	return keys
}
