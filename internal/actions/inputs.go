package actions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// Inputs reads the inputs of one step and collects what is wrong with them, so
// that a user sees every fault in one run. An empty input counts as absent and
// gets the default that action.yml declares: the runner applies defaults only
// to inputs that `with:` leaves out, and outside a runner nobody applies them.
type Inputs struct {
	runner      *Runner
	environment []string // of the step, as NAME=value
	declared    []input
	byVariable  map[string]*input
	faults      []error
}

// input is a declared input of this step.
type input struct {
	*InputSchema
	variable string // in which the runner passes it
	read     bool
}

// Inputs returns a reader of the inputs that schema declares. environment holds
// the variables of the step as NAME=value; undeclared inputs are found there.
// It is nil where they do not matter, as in the post stage.
func (r *Runner) Inputs(schema *Schema, environment []string) *Inputs {
	in := &Inputs{
		runner: r, environment: environment,
		declared: make([]input, len(schema.Inputs)), byVariable: make(map[string]*input, len(schema.Inputs)),
	}
	for i := range schema.Inputs {
		declared := &schema.Inputs[i]
		in.declared[i] = input{InputSchema: declared, variable: variableOf(declared.Name)}
		in.byVariable[in.declared[i].variable] = &in.declared[i]
	}
	return in
}

// find returns a declared input by its name, in any case.
func (in *Inputs) find(name string) *input {
	found := in.byVariable[variableOf(name)]
	if found == nil {
		panic("input " + name + " is read, but action.yml does not declare it")
	}
	return found
}

// String returns an input without the white space around it.
func (in *Inputs) String(name string) string {
	return strings.TrimSpace(in.untrimmed(in.find(name)))
}

// Secret returns an input unchanged. The caller masks it before anything else.
func (in *Inputs) Secret(name string) redact.String {
	return redact.New(in.untrimmed(in.find(name)))
}

// Key is [Inputs.Secret] for an input whose absence the caller handles. Here
// white space alone counts as absent, not as a fault: it is left of a block of
// several lines if the secret in it is empty, as all secrets are for pull
// requests from forks.
func (in *Inputs) Key(name string) redact.String {
	v := in.raw(in.find(name))
	if isBlank(v) {
		v = ""
	}
	return redact.New(v)
}

// Bool returns an input that is true or false. Empty means false.
func (in *Inputs) Bool(name string) bool {
	return in.Choice(name, "false", "true") == "true"
}

// Choice returns an input that is one of a few words, in any case. The first
// word is the default.
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

// Fault records that an input is wrong, and how to fix it.
func (in *Inputs) Fault(name, problem, hint string) {
	in.faults = append(in.faults, Fault{Input: name, Problem: problem, Hint: hint})
}

// Err returns all recorded faults, or nil.
func (in *Inputs) Err() error { return errors.Join(in.faults...) }

// untrimmed returns the input's value or its default, with its white space.
func (in *Inputs) untrimmed(i *input) string {
	before := i.read
	v := in.raw(i)
	if isBlank(v) && !before {
		in.noteBlank(i.Name)
	}
	if strings.TrimSpace(v) == "" {
		return in.runner.expand(i.Default)
	}
	return v
}

// raw returns the value of the input's variable.
func (in *Inputs) raw(i *input) string {
	i.read = true
	return in.runner.getenv(i.variable)
}

// variableOf returns the name of the variable in which the runner passes an
// input. Only spaces become underscores; dashes stay (Handler.cs). A step calls
// it hundreds of times, and names of inputs are ASCII.
func variableOf(name string) string {
	variable := append(make([]byte, 0, len(prefix)+len(name)), prefix...)
	for _, c := range []byte(name) {
		switch {
		case c == ' ':
			c = '_'
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		variable = append(variable, c)
	}
	return string(variable)
}

const prefix = "INPUT_"

// isBlank reports whether a text is not empty but consists of white space
// alone.
func isBlank(text string) bool { return text != "" && strings.TrimSpace(text) == "" }

func (in *Inputs) noteBlank(name string) {
	in.Fault(name, "holds nothing but white space", "give it a value, or leave it out")
}

var expression = pattern.Pattern{Text: `\$\{\{\s*(github|runner)\.([a-z_]+)\s*\}\}`}

// expand evaluates those of the runner's expressions that a default may
// contain: values of the github and runner contexts, which are in the
// environment too.
func (r *Runner) expand(text string) string {
	if !strings.Contains(text, "${{") { // as in most defaults
		return text
	}
	return expression.Regexp().ReplaceAllStringFunc(text, func(e string) string {
		m := expression.Regexp().FindStringSubmatch(e)
		return r.Variable(strings.ToUpper(m[1] + "_" + m[2]))
	})
}

// longestWord and plainWord limit the words that a message may repeat. The
// length is checked separately because a counted repetition makes a pattern as
// large as its count.
const longestWord = 60

var plainWord = pattern.Pattern{Text: `^[A-Za-z0-9_./:@*?!-]+$`}

// Quote returns a word of a user in quotes. If the word could be a secret in
// the wrong input, Quote returns only how long it is.
func Quote(word string) string {
	if len(word) <= longestWord && plainWord.Matches(word) && !redact.MayBeSecret(word) {
		return `"` + word + `"`
	}
	return fmt.Sprintf("a text of %d characters", len([]rune(word)))
}
