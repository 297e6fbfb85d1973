package actions

import (
	"cmp"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/nearest"
)

// Given is an input as a step gives it.
type Given struct {
	Name  string // as in `with:`, in lower case
	Value string
}

// Undeclared returns the inputs that the step gives but action.yml does not
// declare, sorted by name. The runner passes them on after a warning that few
// people read.
func (in *Inputs) Undeclared() []Given {
	var list []Given
	for _, pair := range in.environment {
		name, value, _ := strings.Cut(pair, "=")
		input, ok := strings.CutPrefix(name, prefix)
		if !ok || input == "" || value == "" || in.byVariable[name] != nil {
			continue
		}
		// Some systems ignore the case of variables; there it is a declared
		// input.
		if capitals := strings.ToUpper(name); in.byVariable[capitals] != nil && in.runner.getenv(capitals) == value {
			continue
		}
		list = append(list, Given{Name: strings.ToLower(input), Value: value})
	}
	slices.SortStableFunc(list, func(a, b Given) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Prefixed returns the inputs that the step gives and whose names begin with
// prefix, declared or not. The prefix ends in a dash; a name may have
// underscores for dashes. The names in except are left out.
func (in *Inputs) Prefixed(prefix string, except ...string) []Given {
	var list []Given
	for i := range in.declared {
		declared := &in.declared[i]
		if !strings.HasPrefix(declared.Name, prefix) || slices.Contains(except, declared.Name) {
			continue
		}
		if v := strings.TrimSpace(in.untrimmed(declared)); v != "" {
			list = append(list, Given{declared.Name, v})
		}
	}
	for _, given := range in.Undeclared() {
		plain := Dashed(given.Name)
		if !strings.HasPrefix(plain, prefix) || slices.Contains(except, plain) {
			continue
		}
		if isBlank(given.Value) {
			in.noteBlank(DisplayName(given.Name, prefix+"…"))
			continue
		}
		list = append(list, Given{given.Name, strings.TrimSpace(given.Value)})
	}
	return list
}

// Dashed returns a name with dashes for its underscores and spaces.
func Dashed(name string) string { return strings.NewReplacer("_", "-", " ", "-").Replace(name) }

// DisplayName returns a name for a message, or placeholder if the name may be a
// secret.
func DisplayName(name, placeholder string) string {
	if Quote(name) == `"`+name+`"` {
		return name
	}
	return placeholder
}

// Declares reports whether action.yml declares an input.
func (in *Inputs) Declares(name string) bool {
	return in.byVariable[variableOf(name)] != nil
}

// Short names resemble too many words that were not meant for this action.
const (
	minMisspelled = 4 // length of an undeclared name that may be a misspelling
	minMeant      = 5 // length of a declared name that it may be meant for
	minTwoErrors  = 8 // length of a name that may have two wrong letters
)

// Meant returns the declared input that an undeclared name was probably meant
// for: the same name with other dashes, or a name that differs in one or two
// letters. It returns "" if there is none.
func (in *Inputs) Meant(name string) string {
	plain := Dashed(name)
	if declared := in.byVariable[variableOf(plain)]; declared != nil {
		return declared.Name
	}
	if len(plain) < minMisspelled {
		return ""
	}
	var names []string
	for _, declared := range in.declared {
		if len(declared.Name) >= minMeant {
			names = append(names, declared.Name)
		}
	}
	most := 1
	if len(plain) >= minTwoErrors {
		most = 2
	}
	return nearest.Word(plain, names, most)
}
