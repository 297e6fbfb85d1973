package actions

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/valetkey/valetkey/internal/redact"
)

// Inputs reads the inputs of one step and collects what is wrong with them, so
// that a user sees every fault in one run. An empty input counts as absent, and
// the default that action.yml declares stands in for it: the runner applies
// defaults only to inputs that `with:` leaves out, and elsewhere nobody does.
type Inputs struct {
	runner *Runner
	schema *Schema
	read   map[string]bool
	faults []error
}

// Inputs starts reading the inputs that schema declares.
func (r *Runner) Inputs(schema *Schema) *Inputs {
	return &Inputs{runner: r, schema: schema, read: map[string]bool{}}
}

// String gives an input without the white space around it.
func (in *Inputs) String(name string) string {
	return strings.TrimSpace(in.document(name))
}

// Secret gives an input as it is, but for one of white space only, which is
// empty. The caller masks it before anything else.
func (in *Inputs) Secret(name string) redact.String {
	return redact.New(in.document(name))
}

// Bool gives an input that is true or false. Empty is false.
func (in *Inputs) Bool(name string) bool {
	return in.Choice(name, "false", "true") == "true"
}

// Choice gives an input that is one of a few words, in any case; the first one
// stands in for an empty input.
func (in *Inputs) Choice(name string, words ...string) string {
	v := strings.ToLower(in.String(name))
	switch {
	case v == "":
		return words[0]
	case slices.Contains(words, v):
		return v
	}
	in.Fault(name, fmt.Sprintf("%s is not one of its values", Quote(v)), "use "+strings.Join(words, " or "))
	return words[0]
}

// List gives the words of an input, separated by commas or white space, each
// once. Case counts: names of variables differ by it, and for repositories, which
// do not, the caller knows.
func (in *Inputs) List(name string) []string {
	words := strings.FieldsFunc(in.document(name), func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	var list []string
	seen := map[string]bool{}
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			list = append(list, w)
		}
	}
	return list
}

// Fault notes that an input is wrong, and how to right it.
func (in *Inputs) Fault(name, problem, cure string) {
	in.faults = append(in.faults, Fault{Input: name, Problem: problem, Cure: cure})
}

// Err gives all that was noted.
func (in *Inputs) Err() error { return errors.Join(in.faults...) }

// Read lists the inputs asked for so far, sorted: a test holds them against the
// schema.
func (in *Inputs) Read() []string { return slices.Sorted(maps.Keys(in.read)) }

// document is the input's value or its default, not trimmed.
func (in *Inputs) document(name string) string {
	declared, ok := in.schema.input(name)
	if !ok {
		panic("input " + name + " is read, but action.yml does not declare it")
	}
	in.read[declared.Name] = true
	// Only spaces become underscores; dashes stay (Handler.cs).
	v := in.runner.getenv("INPUT_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_")))
	if strings.TrimSpace(v) == "" {
		return in.runner.expand(declared.Default)
	}
	return v
}

var expression = regexp.MustCompile(`\$\{\{\s*(github|runner)\.([a-z_]+)\s*\}\}`)

// expand evaluates what a default may hold of the runner's expressions: a value
// of the github or the runner context, which the environment carries too.
func (r *Runner) expand(text string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string {
		m := expression.FindStringSubmatch(e)
		return r.Variable(strings.ToUpper(m[1] + "_" + m[2]))
	})
}

// plainWord is compiled when something is wrong, which it mostly is not.
var plainWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_./:@*?!-]{1,60}$`)
})

// Quote shows a word that a user gave, unless it could be a secret in the wrong
// input: then it tells only how long it is.
func Quote(word string) string {
	if plainWord().MatchString(word) && !redact.MayBeSecret(word) {
		return `"` + word + `"`
	}
	return fmt.Sprintf("a text of %d characters", len([]rune(word)))
}
