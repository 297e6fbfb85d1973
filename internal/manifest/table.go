package manifest

import (
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"
)

// kind is the kind of value that a key takes.
type kind uint8

const (
	text     kind = iota
	duration      // a text that is a time
	list          // of texts
	integers      // a list of them, each from least to most
	boolean       // true or false
	integer       // from least to most
	levels        // a mapping of permissions to their levels
	object        // of one shape
	objects       // a list of them
)

// shape describes one kind of mapping. Parser, schema and reference come from
// it.
type shape struct {
	name       string // of its section in the reference
	about      string
	fields     []*field
	exactlyOne []string // of these keys exactly one must be present
	anyOf      []string // of these keys at least one must be present
	atLeastOne bool     // at least one of its keys must be present
	empty      string   // what a mapping without any is called
	hint       string   // when one of these three is violated
	rules      []rule
	whole      *shape // the one that it is a part of, or nil
}

// field is one key of a shape.
type field struct {
	key          string
	kind         kind
	required     bool
	isEntry      bool   // it is an entry of the key's list
	private      bool   // an ill-formed value is never shown
	unique       bool   // nothing in the list may appear twice
	onlyTrue     bool   // false is an error, since it would say nothing
	lists        string // the lists of rules that have this condition; empty: all
	defaultText  string // the default
	defaultWords string // the default in words, for the reference
	about        string
	example      string // a value, as YAML
	words        []string
	form         *form
	least, most  int64
	of           *shape
}

// label returns the field's name for a message.
func (f *field) label() string {
	if f.isEntry {
		return "an entry of " + f.key
	}
	return f.key
}

// howToWrite returns an example for a hint.
func (f *field) howToWrite() string {
	if f.isEntry {
		return "write an entry such as " + f.example
	}
	return "write " + f.key + ": " + f.example
}

// rule is about two keys of one mapping. It applies if key is present, with the
// word is if that is not empty. Then needs must be present and not must be
// absent, and if only is present it must hold word alone.
type rule struct {
	key, is    string
	needs, not string
	only, word string
	hint       string
}

// form is the form of a text. The patterns use the common part of Go's syntax
// and JavaScript's.
type form struct {
	name    string // what it is
	pattern string
	never   string // a pattern of texts that match, but are wrong
	longest int    // the most characters, if not zero
	hint    string

	// explain returns what exactly is wrong with a text, and a hint for that;
	// without a problem, name and hint say it. It may be nil.
	explain func(text string) (problem, hint string)

	compile                 sync.Once
	compiled, compiledNever *regexp.Regexp // of pattern and never; the second may be nil
}

// matches reports whether a text has the form. The patterns are compiled on
// first use, because most runs need few of them.
func (f *form) matches(text string) bool {
	f.compile.Do(func() {
		f.compiled = regexp.MustCompile(f.pattern)
		if f.never != "" {
			f.compiledNever = regexp.MustCompile(f.never)
		}
	})
	return f.compiled.MatchString(text) && (f.compiledNever == nil || !f.compiledNever.MatchString(text)) &&
		(f.longest == 0 || utf8.RuneCountInString(text) <= f.longest)
}

// fault returns what is wrong with a text that has not the form, and a hint.
// shown stands for the text.
func (f *form) fault(text, shown string) (problem, hint string) {
	if f.explain != nil {
		if problem, hint = f.explain(text); problem != "" {
			return problem, hint
		}
	}
	return shown + " is not " + f.name, f.hint
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
		never:   `^\.{1,2}$`, // in a path it would lead elsewhere
		hint:    "up to 255 characters on one line, and not . or .., such as production",
	}
	rotationName = &form{
		name:    "the name of a rotation",
		pattern: `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`,
		never:   `^[Aa][Ll][Ll]$`, // in the inputs force and compromised it means every rotation
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
		hint:    "a number and one of m, h, d, w, such as 30m or 1h; 0m means at once",
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

// shapes returns all shapes, in the order of the reference.
func shapes() []*shape {
	return []*shape{
		fileShape, secretShape, targetShape, scopeShape, rotationShape, deployKeyShape, randomShape, ageShape, storeShape,
		patsShape, requestRuleShape, grantRuleShape, authorizationRuleShape, conditionShape, permissionsShape,
		leaksShape, protectShape, limitsShape, noticesShape,
	}
}

// vocabulary returns every word of the table.
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

// keys returns the names of the shape's fields.
func (s *shape) keys() []string {
	var keys []string
	for _, f := range s.fields {
		keys = append(keys, f.key)
	}
	return keys
}
