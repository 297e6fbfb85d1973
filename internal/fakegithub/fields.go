package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// fields reads a body that has to be a JSON object; none and null are an empty one.
func (c *call) fields() (map[string]json.RawMessage, *answer) {
	fields := map[string]json.RawMessage{}
	switch {
	case len(c.body) == 0:
		return fields, nil
	case !json.Valid(c.body):
		return nil, refuse(c.fail(http.StatusBadRequest, "Problems parsing JSON"))
	case json.Unmarshal(c.body, &fields) != nil:
		return nil, refuse(c.fail(http.StatusBadRequest, "Body should be a JSON object"))
	}
	return fields, nil
}

// required names the fields that are missing, in this order. The wording for several is unconfirmed.
func (c *call) required(fields map[string]json.RawMessage, names ...string) *answer {
	var missing []string
	for _, name := range names {
		if _, supplied := fields[name]; !supplied {
			missing = append(missing, fmt.Sprintf("%q", name))
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return c.invalid(missing[0] + " wasn't supplied.")
	}
	return c.invalid(strings.Join(missing, ", ") + " weren't supplied.")
}

// decode reads one field, if it is there. null is no value of any kind.
func decode[T any](c *call, fields map[string]json.RawMessage, name, kind string, value *T) *answer {
	raw, supplied := fields[name]
	if supplied && (string(raw) == "null" || json.Unmarshal(raw, value) != nil) {
		return c.invalid(fmt.Sprintf("For 'properties/%s', %s is not %s.", name, raw, kind))
	}
	return nil
}

// invalid is the answer to a body that breaks the schema. The first line is GitHub's, the wording below it unconfirmed.
func (c *call) invalid(problem string) *answer {
	return c.unprocessable("Invalid request.\n\n" + problem)
}

func (c *call) unprocessable(message string) *answer {
	return refuse(c.fail(http.StatusUnprocessableEntity, message))
}

// first returns the first refusal.
func first(refusals ...*answer) *answer {
	for _, refused := range refusals {
		if refused != nil {
			return refused
		}
	}
	return nil
}
