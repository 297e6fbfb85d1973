package permission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

const operationExample = "write one operation a line, such as GET /repos/{owner}/{repo}/issues or git clone"

// Operations reads API operations, one a line, and returns what each takes, in
// the order of the text and each once:
//
//	GET /repos/{owner}/{repo}/issues      as the documentation writes them
//	PATCH /repos/acme/api/issues/:number  with real values, or older placeholders
//	https://api.github.com/user/repos     full addresses, also .../api/v3/...
//	git push                              commands of git and gh, see [Commands]
//	gh api -X POST repos/acme/api/issues  as typed
//
// A line without a method means GET. Queries are dropped. Comments begin with
// #.
//
// Where the facts offer alternatives, Operations chooses those that together
// open the fewest operations beyond given and beyond what the rest of the list
// takes; then those with the fewest permissions; then those that the
// documentation lists first. All errors are returned, in the order of the text.
func Operations(text string, given Set) ([]Need, []error) {
	if err := checkText(text, "operations", operationExample); err != nil {
		return nil, []error{err}
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var (
		wanted []candidate
		wrong  faults
		seen   = map[string]bool{}
	)
	for i, line := range strings.Split(text, "\n") {
		line = unquote(uncomment(line))
		if line == "" {
			continue
		}
		w, err := readLine(line, len(wrong.first) < maxFaults)
		if err != nil {
			wrong.add(fmt.Errorf("line %d: %w", i+1, err))
			continue
		}
		if !seen[w.From] {
			seen[w.From] = true
			wanted = append(wanted, w)
		}
	}
	return choose(wanted, given), wrong.list()
}

// candidate is a need before the choice between its alternatives.
type candidate struct {
	Need
	alternatives []Set
	needs        string // the same, as [parseAlternatives] reads them
}

// readLine reads one line that is not blank. Without near, an error has no hint
// at the nearest operation, which is cheaper and enough when nobody will read
// it.
func readLine(line string, near bool) (candidate, error) {
	fields := strings.Fields(line)
	if tool := strings.ToLower(fields[0]); tool == "git" || tool == "gh" {
		if tool == "git" || len(fields) == 1 || !strings.EqualFold(fields[1], "api") {
			return readCommand(fields)
		}
		method, path, err := readAPI(fields[2:])
		if err != nil {
			return candidate{}, err
		}
		return readOperation(method, path, near)
	}
	method, path := "GET", fields[0]
	switch {
	case fields[0] == "-":
		return candidate{}, fault.New("begins with a dash, as in a list of YAML", "leave the dashes out, and write one operation a line")
	case len(fields) > 2:
		return candidate{}, fault.New("more than a method and a path", operationExample)
	case len(fields) == 2:
		method, path = strings.ToUpper(fields[0]), fields[1]
	case isMethod(strings.ToUpper(fields[0])):
		return candidate{}, fault.New("a method without a path", operationExample)
	}
	if !isMethod(method) {
		return candidate{}, fault.New("the word before the path is not a method", "one of "+strings.Join(methods, ", "))
	}
	return readOperation(method, path, near)
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// isMethod also takes HEAD, which GitHub treats as GET.
func isMethod(text string) bool { return text == "HEAD" || slices.Contains(methods, text) }

// readAPI reads the arguments of "gh api": its method and path. Options with
// fields make the request a POST, so it asks for the method instead.
func readAPI(args []string) (method, path string, err error) {
	const hint = "write gh api -X METHOD PATH, and leave other options out"
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case (arg == "-X" || arg == "--method") && len(args) > 0 && method == "":
			method, args = strings.ToUpper(args[0]), args[1:]
		case strings.HasPrefix(arg, "-") || path != "":
			return "", "", fault.New("more than a method and a path", hint)
		default:
			path = arg
		}
	}
	method = cmp.Or(method, "GET")
	if path == "" || !isMethod(method) {
		return "", "", fault.New("the path is missing, or the method does not exist", hint)
	}
	return method, path, nil
}

// readOperation reads a method, in capitals, and a path or address.
func readOperation(method, address string, near bool) (candidate, error) {
	if method == "HEAD" {
		method = "GET"
	}
	path, err := apiPath(address)
	if err != nil {
		return candidate{}, err
	}
	if o, ok := find(method, path); ok {
		return o.candidate()
	}
	return candidate{}, unknownOperation(method, path, near)
}

// apiPath returns the segments of a path below the API's root. It drops the
// query, which may hold secrets, and the host.
func apiPath(address string) ([]string, error) {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	path := address
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		host, below, _ := strings.Cut(rest, "/")
		host = strings.ToLower(host[strings.LastIndex(host, "@")+1:])
		path = "/" + below
		switch {
		case !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http"):
			return nil, fault.New("not an address of an API", operationExample)
		case !strings.HasPrefix(host, "api.") && host != "uploads.github.com" && !strings.HasPrefix(path, "/api/"):
			return nil, fault.New("the address of a page, not of the API", "the API is at https://api.github.com/ or https://HOST/api/v3/")
		}
	}
	path = "/" + strings.TrimPrefix(path, "/")
	for _, root := range []string{"/api/v3", "/api/uploads"} {
		if below, ok := strings.CutPrefix(path, root); ok && (below == "" || below[0] == '/') {
			path = below
		}
	}
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	return strings.Split(path, "/"), nil
}

// candidate returns what an operation takes, or why a token of an App cannot
// call it.
func (o operation) candidate() (candidate, error) {
	if o.hasNote("jwt") {
		return candidate{}, fault.New(o.String()+" takes the App's own JWT, not a token", "leave it out: permissions do not apply to it")
	}
	if o.hasNote("user") {
		with := "a personal access token"
		if o.needs != "" {
			with = "a fine-grained personal access token, with " + parseSet(o.needs).phrases()
		}
		return candidate{}, fault.New(o.String()+" acts for a person, so the installation token of an App cannot do it",
			"use a user access token of the App (ghu_), or "+with)
	}
	w := candidate{Need: Need{From: o.String()}, alternatives: o.accepts(), needs: o.needs}
	w.annotate(o.notes)
	return w, nil
}

// annotate adds what the words of a table's notes stand for.
func (n *Need) annotate(words string) {
	var notices []string
	for _, note := range strings.Fields(words) {
		if note == "workflows" {
			n.Perhaps = Set{"workflows": "write"}
		}
		notices = append(notices, notes[note])
	}
	n.Notice = strings.Join(notices, " ")
}

// notes explain the words of operations.tsv and commands.tsv to a reader.
var notes = map[string]string{
	"account":   "This is a permission over a user account, which an installation may not have; what is public is open without it.",
	"cloud":     "Only on GitHub Enterprise Cloud.",
	"graphql":   "gh asks GraphQL, for which GitHub lists no permissions: these are those of REST operations that do the same.",
	"unlisted":  "GitHub lists no permission for it: it is public, or takes none, or nobody has written it down.",
	"unsure":    "GitHub does not say whether more is needed, or whether less would do.",
	"workflows": "Changes to files in .github/workflows take workflows: write as well.",
}
