package openapitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// specification is GitHub's description, ready for the lookup of operations.
type specification struct{ doc *openapi3.T }

// operation is a described call with the parameters of its path.
type operation struct {
	spec   *specification
	route  *routers.Route
	params map[string]string
}

func load(path string) (*specification, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, err
	}
	correct(doc)
	return &specification{doc}, nil
}

// correct fixes the one place where the description contradicts itself: the
// items of GET /app/installations are an inlined copy of the schema
// installation in which `account` has become a user AND an enterprise, which
// nothing can be.
func correct(doc *openapi3.T) {
	item, installation := doc.Paths.Value("/app/installations"), doc.Components.Schemas["installation"]
	if item == nil || installation == nil {
		return
	}
	if media := item.Get.Responses.Value("200").Value.Content.Get("application/json"); media != nil {
		media.Schema.Value.Items = installation
	}
}

// find matches segment by segment on the escaped path, so that a %2F in a value
// stays in it. The template with the fewest parameters wins. Link headers name
// organizations by their number, below /organizations, where few operations are
// described.
func (s *specification) find(method, path string) *operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if described := s.best(method, path); described != nil {
		return described
	}
	if rest, byNumber := strings.CutPrefix(path, "/organizations/"); byNumber {
		return s.best(method, "/orgs/"+rest)
	}
	return nil
}

func (s *specification) best(method, path string) *operation {
	var best *operation
	for template, item := range s.doc.Paths.Map() {
		params, ok := match(template, path)
		if !ok || item.GetOperation(method) == nil || (best != nil && len(best.params) <= len(params)) {
			continue
		}
		best = &operation{s, &routers.Route{
			Spec: s.doc, Path: template, PathItem: item, Method: method, Operation: item.GetOperation(method),
		}, params}
	}
	return best
}

func match(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		value, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		if strings.HasPrefix(w, "{") && value != "" {
			params[strings.Trim(w, "{}")] = value
		} else if w != value {
			return nil, false
		}
	}
	return params, true
}

var filterOptions = &openapi3filter.Options{
	AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // the fake itself is strict about credentials
	IncludeResponseStatus: true,
	MultiError:            true,
}

// checkRequest validates path, query and body. ghinstallation sends the literal
// null for "no options"; GitHub takes it for no body.
func (o *operation) checkRequest(r *http.Request, body []byte) error {
	copied := r.Clone(context.Background())
	copied.Header.Del("Authorization") // so that it cannot end up in a message
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		body = nil
	}
	copied.Body = io.NopCloser(bytes.NewReader(body))
	copied.ContentLength = int64(len(body))
	if len(body) == 0 {
		copied.Body = http.NoBody
	} else if copied.Header.Get("Content-Type") == "" {
		return errors.New("a body without Content-Type")
	}
	return brief(openapi3filter.ValidateRequest(copied.Context(), &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: o.params, Route: o.route, Options: filterOptions,
	}))
}

func (o *operation) checkResponse(recorder *httptest.ResponseRecorder) error {
	result := recorder.Result()
	isJSON := strings.HasPrefix(result.Header.Get("Content-Type"), "application/json")
	if version := result.Header.Get("X-GitHub-Api-Version-Selected"); version != "" && version != "2022-11-28" {
		return nil
	}
	if recorder.Code >= http.StatusInternalServerError || (recorder.Body.Len() > 0 && !isJSON) {
		return nil
	}
	declared := o.route.Operation.Responses.Value(strconv.Itoa(recorder.Code)) != nil
	if !declared && recorder.Code >= http.StatusBadRequest {
		return o.spec.checkBasicError(recorder.Body.Bytes())
	}
	if !declared && recorder.Code != http.StatusNotModified {
		return errors.New("the operation does not declare this status")
	}
	if recorder.Body.Len() == 0 && recorder.Code == http.StatusNotModified {
		return nil
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: &http.Request{Method: o.route.Method, URL: &url.URL{}}, PathParams: o.params, Route: o.route, Options: filterOptions,
		},
		Status: recorder.Code, Header: result.Header, Options: filterOptions,
	}
	input.SetBodyBytes(recorder.Body.Bytes())
	return brief(openapi3filter.ValidateResponse(context.Background(), input))
}

func (s *specification) checkBasicError(body []byte) error {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("basic-error: %v", err)
	}
	return brief(s.doc.Components.Schemas["basic-error"].Value.VisitJSON(value))
}

// brief reduces each error to its place and reason. It drops the value, which
// may be a token.
func brief(err error) error {
	if err == nil {
		return nil
	}
	var problems []string
	collect(err, &problems)
	return errors.New(strings.Join(problems, "; "))
}

func collect(err error, problems *[]string) {
	var many openapi3.MultiError
	var schema *openapi3.SchemaError
	var request *openapi3filter.RequestError
	var response *openapi3filter.ResponseError
	switch {
	case errors.As(err, &many):
		for _, e := range many {
			collect(e, problems)
		}
	case errors.As(err, &schema):
		*problems = append(*problems, fmt.Sprintf("/%s: %s", strings.Join(schema.JSONPointer(), "/"), reason(schema)))
	case errors.As(err, &request) && request.Parameter != nil:
		*problems = append(*problems, fmt.Sprintf("parameter %s is malformed", request.Parameter.Name))
	case errors.As(err, &request):
		*problems = append(*problems, request.Reason)
	case errors.As(err, &response):
		*problems = append(*problems, response.Reason)
	default:
		*problems = append(*problems, fmt.Sprintf("%T", err))
	}
}

// reason returns which rule was broken: the text of some rules quotes the
// value.
func reason(e *openapi3.SchemaError) string {
	switch e.SchemaField {
	case "required", "type", "nullable", "enum", "properties":
		return e.Reason
	}
	return "breaks the rule " + e.SchemaField
}
