package actions

import (
	"cmp"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/nearest"
)

// Given is an input as a step gives it.
type Given struct {
	Name  string // as in `with:`, in small letters
	Value string
}

// Undeclared lists what the step gives as inputs that action.yml does not declare,
// sorted by name. The runner passes them on after a warning that few read.
func (in *Inputs) Undeclared() []Given {
	var list []Given
	for _, pair := range in.environment {
		name, value, _ := strings.Cut(pair, "=")
		input, ok := strings.CutPrefix(name, prefix)
		if !ok || input == "" || value == "" || in.variables[name] {
			continue
		}
		// In another case it is another variable, but for systems where it is not.
		if capitals := strings.ToUpper(name); in.variables[capitals] && in.runner.getenv(capitals) == value {
			continue
		}
		list = append(list, Given{Name: strings.ToLower(input), Value: value})
	}
	slices.SortFunc(list, func(a, b Given) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Prefixed lists what the step gives of the inputs whose names begin with a prefix
// that ends in a dash, declared or not, in either spelling of the dashes. The names
// in except are inputs of another kind.
func (in *Inputs) Prefixed(prefix string, except ...string) []Given {
	var list []Given
	for _, declared := range in.schema.Inputs {
		if !strings.HasPrefix(declared.Name, prefix) || slices.Contains(except, declared.Name) {
			continue
		}
		if v := in.String(declared.Name); v != "" {
			list = append(list, Given{declared.Name, v})
		}
	}
	for _, given := range in.Undeclared() {
		plain := Dashed(given.Name)
		if !strings.HasPrefix(plain, prefix) || slices.Contains(except, plain) {
			continue
		}
		if isBlank(given.Value) {
			in.blank(Speakable(given.Name, prefix+"…"))
			continue
		}
		list = append(list, Given{given.Name, strings.TrimSpace(given.Value)})
	}
	return list
}

// Dashed is a name with dashes where it has underscores or spaces.
func Dashed(name string) string { return strings.NewReplacer("_", "-", " ", "-").Replace(name) }

// Speakable is a name for a message, or what stands for it where the name may be a
// secret.
func Speakable(name, otherwise string) string {
	if Quote(name) == `"`+name+`"` {
		return name
	}
	return otherwise
}

// Declares reports whether action.yml declares an input.
func (in *Inputs) Declares(name string) bool {
	_, ok := in.declared(name)
	return ok
}

// Short names are near to too many words that are somebody's own.
const (
	shortest    = 4 // of a name that may be a misspelling
	shortestOur = 5 // of one that it may be meant for
	long        = 8 // from here on, two letters may be wrong
)

// Meant returns the declared input that a name which is not declared was meant for:
// the same in another spelling of its dashes, or one or two letters off. It is empty
// for a name that is somebody's own.
func (in *Inputs) Meant(name string) string {
	plain := Dashed(name)
	if declared, ok := in.declared(plain); ok {
		return declared.Name
	}
	if len(plain) < shortest {
		return ""
	}
	var names []string
	for _, declared := range in.schema.Inputs {
		if len(declared.Name) >= shortestOur {
			names = append(names, declared.Name)
		}
	}
	most := 1
	if len(plain) >= long {
		most = 2
	}
	return nearest.Word(plain, names, most)
}
