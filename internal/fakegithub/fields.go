package fakegithub

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// fields reads a body that has to be a JSON object; an empty body and null are
// an empty object. It refuses one without the fields that are required.
func (c *call) fields(required ...string) (map[string]json.RawMessage, *answer) {
	fields := map[string]json.RawMessage{}
	switch {
	case len(c.body) == 0:
	case !json.Valid(c.body):
		return nil, refuse(c.fail(http.StatusBadRequest, "Problems parsing JSON"))
	case json.Unmarshal(c.body, &fields) != nil:
		return nil, refuse(c.fail(http.StatusBadRequest, "Body should be a JSON object"))
	}
	var missing []string
	for _, name := range required {
		if _, supplied := fields[name]; !supplied {
			missing = append(missing, fmt.Sprintf("%q", name))
		}
	}
	switch len(missing) {
	case 0:
		return fields, nil
	case 1:
		return nil, c.invalid(missing[0] + " wasn't supplied.")
	}
	return nil, c.invalid(strings.Join(missing, ", ") + " weren't supplied.") // wording unconfirmed
}

// setFields hands each field of the body to set, in order of names. set returns
// what is wrong with the field.
func (c *call) setFields(set func(name string, value json.RawMessage) string) *answer {
	fields, refused := c.fields()
	if refused != nil {
		return refused
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if problem := set(name, fields[name]); problem != "" {
			return c.invalid(problem)
		}
	}
	return nil
}

// decode reads one field, if it is there. null is a value of no kind.
func decode[T any](c *call, fields map[string]json.RawMessage, name, kind string, value *T) *answer {
	raw, supplied := fields[name]
	if supplied && (string(raw) == "null" || json.Unmarshal(raw, value) != nil) {
		return c.invalid(fmt.Sprintf("For 'properties/%s', %s is not %s.", name, raw, kind))
	}
	return nil
}

// invalid is the answer to a body that breaks the schema. The first line is
// GitHub's; the wording below it is unconfirmed.
func (c *call) invalid(problem string) *answer {
	return c.unprocessable("Invalid request.\n\n" + problem)
}

func (c *call) unprocessable(message string) *answer {
	return refuse(c.fail(http.StatusUnprocessableEntity, message))
}

// decodeNullable reads a string that may be null, which is the empty one.
func decodeNullable(c *call, fields map[string]json.RawMessage, name string, value *string) *answer {
	if string(fields[name]) == "null" {
		return nil
	}
	return decode(c, fields, name, "a string", value)
}
