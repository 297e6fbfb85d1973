package cli

import (
	"fmt"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func saying(status int, message string) fakegithub.Fault {
	return fakegithub.Fault{
		Status: status, Header: asJSONType,
		Body: fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest"}`, message),
	}
}

// says answers every call of a method with a message of GitHub's.
func says(method string, status int, message string) func(*step) {
	return func(s *step) { s.Inject(at(method, 0, saying(status, message))) }
}

// saysAt answers every call of a path so.
func saysAt(path string, status int, message string) func(*step) {
	return func(s *step) {
		f := saying(status, message)
		f.Path = path
		s.SkipOpenAPI = true // with statuses that GitHub does not describe everywhere
		s.Inject(f)
	}
}

var asJSONType = map[string]string{"Content-Type": "application/json; charset=utf-8"}

func at(method string, times int, f fakegithub.Fault) fakegithub.Fault {
	f.Method, f.Times = method, times
	return f
}
