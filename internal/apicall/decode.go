package apicall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Decode decodes an answer into result and checks it against result's type.
// encoding/json does not check: it accepts null for anything and leaves the
// fields that are missing as they were. A list that is null or missing would
// look like an empty one.
//
// A field must be present unless its tag says omitempty or omitzero, and only
// pointers may be null, but no element of a list. The error repeats nothing of
// the answer.
func Decode(data []byte, result any) error {
	if err := json.Unmarshal(data, result); err != nil {
		var known *fault.Error
		if !errors.As(err, &known) { // what json says may repeat the answer
			known = notDescribed("")
		}
		return known
	}
	to := reflect.TypeOf(result)
	if to.Kind() == reflect.Pointer {
		to = to.Elem()
	}
	switch wrong := mismatch(to, data); {
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
// or "". A type with a decoder of its own has checked its part.
func mismatch(t reflect.Type, data json.RawMessage) string {
	switch data = bytes.TrimSpace(data); {
	case t.Kind() == reflect.Interface:
		return ""
	case string(data) == "null":
		if t.Kind() == reflect.Pointer {
			return ""
		}
		return " is null"
	case t.Kind() == reflect.Pointer:
		return mismatch(t.Elem(), data)
	case reflect.PointerTo(t).Implements(unmarshaler):
		return ""
	case t.Kind() == reflect.Struct:
		return mismatchedField(t, data)
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return mismatchedElement(t, data)
	}
	return ""
}

func mismatchedField(t reflect.Type, data json.RawMessage) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return " is not an object"
	}
	for i := range t.NumField() {
		tag, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if tag == "" {
			continue // not a field of GitHub's
		}
		value, present := fields[tag]
		if !present {
			if strings.HasPrefix(options, "omit") || t.Field(i).Type.Kind() == reflect.Pointer {
				continue
			}
			return "." + tag + " is missing"
		}
		if wrong := mismatch(t.Field(i).Type, value); wrong != "" {
			return "." + tag + wrong
		}
	}
	return ""
}

// isPlain reports whether values of a type have no parts. Most elements are
// plain, such as the levels of permissions.
func isPlain(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Bool || t.Kind() == reflect.Int64
}

func mismatchedElement(t reflect.Type, data json.RawMessage) string {
	if isPlain(t.Elem()) && !bytes.Contains(data, []byte("null")) {
		return "" // it decoded, so only null could be wrong in it
	}
	var elements []json.RawMessage
	if t.Kind() == reflect.Map {
		var values map[string]json.RawMessage
		if json.Unmarshal(data, &values) != nil {
			return " is not an object"
		}
		for _, value := range values {
			elements = append(elements, value)
		}
	} else if json.Unmarshal(data, &elements) != nil {
		return " is not a list"
	}
	for i, element := range elements {
		if string(bytes.TrimSpace(element)) == "null" {
			return " holds null"
		}
		if wrong := mismatch(t.Elem(), element); wrong != "" {
			return fmt.Sprintf("[%d]%s", i, wrong)
		}
	}
	return ""
}
