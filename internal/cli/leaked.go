package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
	"github.com/valetkey/valetkey/internal/wording"
)

// maxLeaked bounds the file of leaked values: ten thousand fine-grained tokens
// and some.
const maxLeaked = 1 << 20

// leakedList is a list of values that leaked, and what became of each.
type leakedList struct {
	Values          []leakedValue // different ones, in the order of their lines
	Blank, Repeated int           // lines that are left out
}

// leakedValue is one value of the list. Others know it by its line.
type leakedValue struct {
	Line int
	Kind redact.Kind // empty if it is not a token that can be ended
	Fate leakedFate
	Why  error // why it is not ended, or not known to be

	value redact.String
}

// leakedFate is what became of a value, in the words for a log.
type leakedFate string

// The fates. A value has none before somebody tries to end it.
const (
	leakedEnded    leakedFate = "ended"
	leakedAccepted leakedFate = "accepted by GitHub, not checked"
	leakedAlive    leakedFate = "accepted by GitHub, and still at work"
	leakedUnknown  leakedFate = "accepted by GitHub, and perhaps still at work"
	leakedFailed   leakedFate = "not ended"
	leakedOwn      leakedFate = "left alone"
	leakedForeign  leakedFate = "not a GitHub token"
)

// parseLeaked reads the values that the input leaked leads to. It masks all of
// them before anything can fail: the action calls it before it reads other
// inputs. It returns an empty list if the input is not given, or a fault was
// noted.
func parseLeaked(p Process, r *actions.Runner, in *actions.Inputs) leakedList {
	source := in.String("leaked")
	maskWords(r, source) // somebody may have put the values themselves there
	if source == "" {
		return leakedList{}
	}
	text, ok := readLeaked(p, r, in, source)
	if !ok {
		return leakedList{}
	}
	r.Mask(actions.EachLine(redact.New(text))...)
	maskWords(r, text)
	list := splitLeaked(text)
	if len(list.Values) == 0 {
		in.Fault("leaked", "leads to blank lines alone", "put the values there, one a line")
	}
	for _, variable := range p.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if name == "GITHUB_TOKEN" || strings.HasPrefix(name, "INPUT_") {
			list.leaveAlone(strings.TrimSpace(value), "this step runs with it: it is the value of "+actions.Quote(name))
		}
	}
	return list
}

// readLeaked returns the text that the input names, or false after noting a
// fault.
func readLeaked(p Process, r *actions.Runner, in *actions.Inputs, source string) (text string, ok bool) {
	from, name, _ := strings.Cut(source, ":")
	switch from {
	case "env":
		if !isVariable(name) {
			in.Fault("leaked", "has "+actions.Quote(name)+" after env:, which is not the name of a variable", "write leaked: env:LEAKED")
			return "", false
		}
		if text = p.Getenv(name); text == "" {
			cause, hint := r.WithoutSecrets("")
			problem := "names " + actions.Quote(name) + ", which is empty or not set"
			if cause != "" {
				problem += ": " + cause
			} else {
				hint = "give it to the step in env:"
			}
			in.Fault("leaked", problem, hint)
		}
		return text, text != ""
	case "file":
		data, err := safefile.Read(name, maxLeaked)
		if err != nil {
			f := fileFault("leaked", name, "can't be read", err,
				"give the path of the list; a container action sees the files of the workspace and of RUNNER_TEMP")
			in.Fault(f.Input, f.Problem, f.Hint)
		}
		return string(data), err == nil
	}
	in.Fault("leaked", "is neither env:NAME nor file:PATH",
		"name the variable of the step, or the file, that holds the values, one a line; as an input they would stand in the workflow")
	return "", false
}

// maskWords masks each word of a text that may be a token: a line may be
// NAME=TOKEN, of which a later step prints the token alone.
func maskWords(r *actions.Runner, text string) {
	for word := range strings.FieldsFuncSeq(text, notInWord) {
		if redact.MayBeSecret(word) {
			r.Mask(redact.New(word))
		}
	}
}

func notInWord(c rune) bool { return !strings.ContainsRune(alphanumeric+"._-", c) }

// splitLeaked splits a text into its values.
func splitLeaked(text string) leakedList {
	var list leakedList
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, "\ufeff"))
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch value := strings.TrimSpace(line); {
		case value == "":
			list.Blank++
		case seen[value]:
			list.Repeated++
		default:
			seen[value] = true
			list.Values = append(list.Values, newLeaked(i+1, value))
		}
	}
	return list
}

func newLeaked(line int, value string) leakedValue {
	kind, problem, _ := endable(value)
	v := leakedValue{Line: line, Kind: kind, value: redact.New(value)}
	if kind == "" {
		v.Fate = leakedForeign
		v.Why = actions.Fault{
			Input: "leaked", Problem: v.where() + " " + problem,
			Hint: "end it where it was made, and leave the line out; each line is one token and nothing else",
		}
	}
	return v
}

// leaveAlone keeps a value from being ended, without which the step could not go
// on.
func (l *leakedList) leaveAlone(value, why string) {
	i := slices.IndexFunc(l.Values, func(v leakedValue) bool { return v.value.Reveal() == value })
	if i < 0 || l.Values[i].Fate != "" {
		return
	}
	v := &l.Values[i]
	v.Fate = leakedOwn
	v.Why = actions.Fault{
		Input: "leaked", Problem: v.where() + " is left alone: " + why,
		Hint: "an installation token ends with its job; run the step again with another token to end any other",
	}
}

// with returns the values that have one of the fates, or all of them if none is
// given.
func (l *leakedList) with(fates ...leakedFate) []*leakedValue {
	var found []*leakedValue
	for i := range l.Values {
		if len(fates) == 0 || slices.Contains(fates, l.Values[i].Fate) {
			found = append(found, &l.Values[i])
		}
	}
	return found
}

// kindsOf counts values by their kinds.
func kindsOf(values []*leakedValue) string {
	var kinds []string
	count := map[string]int{}
	for _, v := range values {
		kind := v.kind()
		if count[kind]++; count[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	for i, kind := range kinds {
		kinds[i] = wording.Number(count[kind]) + " × " + kind
	}
	return strings.Join(kinds, ", ")
}

func (v *leakedValue) kind() string {
	if v.Kind == "" {
		return "something else"
	}
	return string(v.Kind)
}

// where names the value by its line and kind.
func (v *leakedValue) where() string {
	if v.Kind == "" {
		return "line " + strconv.Itoa(v.Line)
	}
	return "line " + strconv.Itoa(v.Line) + ", " + v.Kind.WithArticle() + ","
}
