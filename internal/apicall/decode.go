package apicall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Decode decodes an answer into result and checks it against result's type.
// encoding/json does not check: it accepts null for anything and leaves the
// fields that are missing as they were. A list that is null or missing would
// look like an empty one.
//
// A field must be present unless its tag says omitempty or omitzero, and only
// pointers may be null, but no element of a list. A pointer may be missing as
// well, unless its tag says `apicall:"present"`. The error repeats nothing of
// the answer.
func Decode(data []byte, result any) error {
	var err error
	own, decodesItself := result.(json.Unmarshaler)
	if decodesItself {
		err = own.UnmarshalJSON(data)
	} else {
		err = json.Unmarshal(data, result)
	}
	if err != nil {
		var known *fault.Error
		if !errors.As(err, &known) { // what json says may repeat the answer
			known = notDescribed("")
		}
		return known
	}
	if decodesItself && string(bytes.TrimSpace(data)) != "null" {
		return nil
	}
	var answer any
	_ = json.Unmarshal(data, &answer) // only a number of a field that is not ours could be too large
	to := reflect.TypeOf(result)
	if to.Kind() == reflect.Pointer {
		to = to.Elem()
	}
	switch wrong := mismatch(to, answer); {
	case strings.HasPrefix(wrong, "."):
		return notDescribed(": " + wrong[1:])
	case wrong != "":
		return notDescribed(": it" + wrong)
	}
	return nil
}

// notGitHub is the hint for an answer that is not what GitHub's API describes.
const notGitHub = "something between here and GitHub, such as a proxy or a login page, answers in its place: check github-api-url"

// notDescribed returns the error for such an answer. where is empty, or like ":
// repositories[0] is null".
func notDescribed(where string) *fault.Error {
	return fault.New("the answer is not what GitHub's API describes"+where, notGitHub)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// mismatch returns the first part of an answer that its type does not expect,
// or "". The answer was decoded as that type, so its parts are of the right
// kinds. A type with a decoder of its own has checked its part.
func mismatch(t reflect.Type, answer any) string {
	switch {
	case t.Kind() == reflect.Interface:
		return ""
	case answer == nil && t.Kind() == reflect.Pointer:
		return ""
	case answer == nil:
		return " is null"
	case t.Kind() == reflect.Pointer:
		return mismatch(t.Elem(), answer)
	case reflect.PointerTo(t).Implements(unmarshaler):
		return ""
	}
	switch parts := answer.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct {
			return mismatchedField(t, parts)
		}
		return mismatchedElement(t.Elem(), slices.Collect(maps.Values(parts)))
	case []any:
		return mismatchedElement(t.Elem(), parts)
	}
	return ""
}

func mismatchedField(t reflect.Type, fields map[string]any) string {
	for i := range t.NumField() {
		field := t.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == "" {
			continue // not a field of GitHub's
		}
		value, present := fields[tag]
		if !present {
			if strings.HasPrefix(options, "omit") || field.Type.Kind() == reflect.Pointer && field.Tag.Get("apicall") != "present" {
				continue
			}
			return "." + tag + " is missing"
		}
		if wrong := mismatch(field.Type, value); wrong != "" {
			return "." + tag + wrong
		}
	}
	return ""
}

func mismatchedElement(t reflect.Type, elements []any) string {
	for i, element := range elements {
		if element == nil {
			return " holds null"
		}
		if wrong := mismatch(t, element); wrong != "" {
			return fmt.Sprintf("[%d]%s", i, wrong)
		}
	}
	return ""
}
