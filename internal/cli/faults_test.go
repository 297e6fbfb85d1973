package cli

import (
	"bytes"
	"fmt"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func saying(status int, message string) fakegithub.Fault {
	return fakegithub.Fault{
		Status: status, Header: asJSONType,
		Body: fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest"}`, message),
	}
}

// says answers every call of a method with a message, as GitHub does.
func says(method string, status int, message string) func(*step) {
	return inject(at(method, 0, saying(status, message)))
}

// saysAt answers every call of a path with such a message. The description of the
// API does not have each status everywhere.
func saysAt(path string, status int, message string) func(*step) {
	f := saying(status, message)
	f.Path = path
	return unlikeGitHub(f)
}

var asJSONType = map[string]string{"Content-Type": "application/json; charset=utf-8"}

// at limits a fault to a method and to a number of calls; 0 means every call.
func at(method string, times int, f fakegithub.Fault) fakegithub.Fault {
	f.Method, f.Times = method, times
	return f
}

// inject makes GitHub answer with a fault.
func inject(f fakegithub.Fault) func(*step) {
	return func(s *step) { s.Inject(f) }
}

// unlikeGitHub injects an answer that GitHub never gives.
func unlikeGitHub(f fakegithub.Fault) func(*step) {
	return func(s *step) {
		s.SkipOpenAPI = true
		s.Inject(f)
	}
}

// page answers with a web page.
func page(status int, html string) fakegithub.Fault {
	return fakegithub.Fault{Status: status, Header: map[string]string{"Content-Type": "text/html"}, Body: html}
}

// replaced changes one place of an answer.
func replaced(old, by string) func([]byte) []byte {
	return func(answer []byte) []byte { return bytes.Replace(answer, []byte(old), []byte(by), 1) }
}
