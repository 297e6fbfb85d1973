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
	runner      *Runner
	schema      *Schema
	environment []string               // NAME=value, of the step
	byName      map[string]InputSchema // in small letters
	variables   map[string]bool        // those of declared inputs
	read        map[string]bool
	faults      []error
}

// Inputs starts reading the inputs that schema declares. The environment is the
// step's, each variable as NAME=value: it shows what was given under other names. Where
// that is nobody's business, as in the post stage, it is nil.
func (r *Runner) Inputs(schema *Schema, environment []string) *Inputs {
	in := &Inputs{
		runner: r, schema: schema, environment: environment,
		byName: map[string]InputSchema{}, variables: map[string]bool{}, read: map[string]bool{},
	}
	for _, declared := range schema.Inputs {
		in.byName[strings.ToLower(declared.Name)], in.variables[variableOf(declared.Name)] = declared, true
	}
	return in
}

// declared finds a declared input by its name, in any case.
func (in *Inputs) declared(name string) (InputSchema, bool) {
	found, ok := in.byName[strings.ToLower(name)]
	return found, ok
}

// String gives an input without the white space around it.
func (in *Inputs) String(name string) string {
	return strings.TrimSpace(in.document(name))
}

// Secret gives an input as it is. The caller masks it before anything else.
func (in *Inputs) Secret(name string) redact.String {
	return redact.New(in.document(name))
}

// Key is [Inputs.Secret] for an input whose absence the caller judges anyway. White
// space alone is absent here: it is what is left of a block of several lines when the
// secret in it is empty, as all are for pull requests from forks.
func (in *Inputs) Key(name string) redact.String {
	v := in.raw(name)
	if isBlank(v) {
		v = ""
	}
	return redact.New(v)
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

// Fault notes that an input is wrong, and how to right it.
func (in *Inputs) Fault(name, problem, hint string) {
	in.faults = append(in.faults, Fault{Input: name, Problem: problem, Hint: hint})
}

// Err gives all that was noted.
func (in *Inputs) Err() error { return errors.Join(in.faults...) }

// Read lists the inputs asked for so far, sorted: a test holds them against the
// schema.
func (in *Inputs) Read() []string { return slices.Sorted(maps.Keys(in.read)) }

// document is the input's value or its default, not trimmed.
func (in *Inputs) document(name string) string {
	before := in.read[name]
	v := in.raw(name)
	if isBlank(v) && !before {
		in.blank(name)
	}
	if strings.TrimSpace(v) == "" {
		declared, _ := in.declared(name)
		return in.runner.expand(declared.Default)
	}
	return v
}

// raw is what the variable of a declared input holds.
func (in *Inputs) raw(name string) string {
	declared, ok := in.declared(name)
	if !ok {
		panic("input " + name + " is read, but action.yml does not declare it")
	}
	in.read[declared.Name] = true
	return in.runner.getenv(variableOf(name))
}

// variableOf is where the runner puts an input. Only spaces become underscores; dashes
// stay (Handler.cs).
func variableOf(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, " ", "_"))
}

const prefix = "INPUT_"

// isBlank reports whether a text is given, but holds nothing that could be seen.
func isBlank(text string) bool { return text != "" && strings.TrimSpace(text) == "" }

func (in *Inputs) blank(name string) {
	in.Fault(name, "holds nothing but white space", "give it a value, or leave it out")
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

// longestWord and plainWord are what a message may repeat. A counted repetition would
// make the pattern as large as its count.
const longestWord = 60

var plainWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_./:@*?!-]+$`)
})

// Quote shows a word that a user gave, unless it could be a secret in the wrong
// input: then it tells only how long it is.
func Quote(word string) string {
	if len(word) <= longestWord && plainWord().MatchString(word) && !redact.MayBeSecret(word) {
		return `"` + word + `"`
	}
	return fmt.Sprintf("a text of %d characters", len([]rune(word)))
}
