package secret

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Request is one call of GitHub's REST API.
type Request struct {
	Place      Place  // whose token it takes
	Permission string // and with which permission: at level write, of actions read
	Op         string // what it is for, in words
	Method     string
	Path       string // below the API's address, escaped
	Body       any    // nil: none
	Result     any    // decoded into unless nil
}

// Call sends a request, with whatever waits and retries it takes. Status is that
// of GitHub's last answer, zero when there was none; it is given with an error
// too.
type Call func(context.Context, Request) (status int, err error)

// Entry is what GitHub tells of a secret.
type Entry struct {
	Name       string    `json:"name"` // upper-case
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"` // in whole seconds
	Visibility string    `json:"visibility"` // in organizations: all, private or selected
}

const perPage = 100

// The package speaks HTTP through Call alone.
const (
	methodGet    = "GET"
	methodPut    = "PUT"
	methodDelete = "DELETE"

	statusCreated       = 201
	statusNotFound      = 404
	statusForbidden     = 403
	statusUnprocessable = 422
)

// List lists the secrets of a place. A place has a hundred at most, an
// organization a thousand.
func List(ctx context.Context, call Call, at Place) ([]Entry, error) {
	all, _, err := list(ctx, call, at)
	return all, err
}

func list(ctx context.Context, call Call, at Place) (all []Entry, status int, err error) {
	for page := 1; ; page++ {
		var answer struct {
			Total   int     `json:"total_count"`
			Secrets []Entry `json:"secrets"`
		}
		path := fmt.Sprintf("%s?per_page=%d", at.SecretsPath(), perPage)
		if page > 1 {
			path += fmt.Sprintf("&page=%d", page)
		}
		status, err := call(ctx, Request{at, at.Permission(), "list the secrets of " + at.String(), methodGet, path, nil, &answer})
		if err != nil {
			return nil, status, err
		}
		all = append(all, answer.Secrets...)
		if len(answer.Secrets) < perPage || len(all) >= answer.Total {
			return all, status, nil
		}
	}
}

// Get reads what GitHub tells of one secret; found is false where there is none.
func Get(ctx context.Context, call Call, at Place, name string) (entry Entry, found bool, err error) {
	status, err := call(ctx, Request{at, at.Permission(), "look at " + name + " of " + at.String(), methodGet, at.SecretsPath() + "/" + name, nil, &entry})
	if status == statusNotFound {
		return Entry{}, false, nil
	}
	return entry, err == nil, err
}

// find gives the entry of a name, nil where there is none. Names know no case.
func find(entries []Entry, name string) *Entry {
	for i := range entries {
		if strings.EqualFold(entries[i].Name, name) {
			return &entries[i]
		}
	}
	return nil
}
