package fakegithub

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oneOf refuses a parameter that is there with another value than these.
func (c *call) oneOf(query url.Values, name string, values ...string) *answer {
	got := query.Get(name)
	if got == "" || slices.Contains(values, got) {
		return nil
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return c.invalid(fmt.Sprintf("%q is not a member of [%s].", got, strings.Join(quoted, ", ")))
}

// list reads a parameter that is repeated as name[]. Without the brackets it
// would be a single value, which is refused (unconfirmed).
func (c *call) list(query url.Values, name string, most int) ([]string, *answer) {
	if query.Has(name) {
		return nil, c.invalid(fmt.Sprintf("For 'properties/%s', %q is not an array.", name, query.Get(name)))
	}
	values := query[name+"[]"]
	if len(values) > most {
		return nil, c.invalid(fmt.Sprintf("No more than %d items are allowed; %d were supplied.", most, len(values)))
	}
	return values, nil
}

// instant reads a time; zero when the parameter is not there.
func (c *call) instant(query url.Values, name string) (time.Time, *answer) {
	text := query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, c.invalid(fmt.Sprintf("%q is not a valid date-time.", text))
	}
	return at, nil
}

// only refuses parameters that this fake does not know. GitHub ignores what it
// does not know; a test had better learn of it.
func (c *call) only(query url.Values, names ...string) *answer {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name != "per_page" && !slices.Contains(names, name) {
			return c.unprocessable(fmt.Sprintf("This fake of GitHub does not know the parameter %q of this list.", name))
		}
	}
	return nil
}
