package secret

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
)

// Entry is what GitHub reports about a secret.
type Entry struct {
	Name       string    `json:"name"` // upper-case
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`           // in whole seconds
	Visibility string    `json:"visibility,omitempty"` // in organizations: all, private or selected
}

// Request returns a request about the secrets of the place.
func (p Place) Request(op, method, path string, body, result any) apicall.Request {
	return apicall.Request{
		Owner: p.Owner, Repository: p.Repository, Permission: p.Permission(), Op: op, Method: method, Path: path, Body: body,
		Result: result,
	}
}

// List returns the secrets of a place. A place has at most a hundred, an
// organization a thousand.
func List(ctx context.Context, call apicall.Func, at Place) ([]Entry, apicall.Answer, error) {
	req := at.Request("list the secrets of "+at.String(), http.MethodGet, at.SecretsPath(), nil, nil)
	return apicall.List(ctx, call, req, "secrets", func(e *Entry) string { return strings.ToUpper(e.Name) })
}

// Get returns what GitHub reports about one secret; found is false if it does
// not exist.
func Get(ctx context.Context, call apicall.Func, at Place, name string) (entry Entry, found bool, err error) {
	answer, err := call(ctx, at.Request("look at "+name+" of "+at.String(), http.MethodGet, at.SecretsPath()+"/"+name, nil, &entry))
	if answer.Status == http.StatusNotFound {
		return Entry{}, false, nil
	}
	return entry, err == nil, err
}

// find returns the entry with a name, or nil. Names are not case-sensitive.
func find(entries []Entry, name string) *Entry {
	for i := range entries {
		if strings.EqualFold(entries[i].Name, name) {
			return &entries[i]
		}
	}
	return nil
}
