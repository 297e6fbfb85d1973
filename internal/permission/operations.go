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
//	git push                              words of git and gh, see [Words]
//	gh api -X POST repos/acme/api/issues  as typed
//
// A line without a method means GET. Queries are dropped. Comments begin with #.
//
// Where the facts offer alternatives, those are chosen that, together, open the
// fewest further operations beyond given and beyond what the rest of the list
// takes; then the ones with the fewest permissions; then those that the
// documentation lists first. All faults are reported, in the order of the text.
func Operations(text string, given Set) ([]Need, []error) {
	if err := refuse(text, "operations", operationExample); err != nil {
		return nil, []error{err}
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var (
		wanted []wish
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

// wish is a need before the choice.
type wish struct {
	Need
	alternatives []Set
	needs        string // the same, as [parseAlternatives] reads them
}

// readLine reads one line, which is not blank. A fault without a hint at the
// nearest operation is cheaper, and enough when nobody will read it.
func readLine(line string, near bool) (wish, error) {
	fields := strings.Fields(line)
	if tool := strings.ToLower(fields[0]); tool == "git" || tool == "gh" {
		if tool == "git" || len(fields) == 1 || !strings.EqualFold(fields[1], "api") {
			return readWords(fields)
		}
		method, path, err := readAPI(fields[2:])
		if err != nil {
			return wish{}, err
		}
		return readOperation(method, path, near)
	}
	method, path := "GET", fields[0]
	switch {
	case fields[0] == "-":
		return wish{}, fault.New("begins with a dash, as in a list of YAML", "leave the dashes out, and write one operation a line")
	case len(fields) > 2:
		return wish{}, fault.New("more than a method and a path", operationExample)
	case len(fields) == 2:
		method, path = strings.ToUpper(fields[0]), fields[1]
	case isMethod(strings.ToUpper(fields[0])):
		return wish{}, fault.New("a method without a path", operationExample)
	}
	if !isMethod(method) {
		return wish{}, fault.New("what stands before the path is no method", "one of "+strings.Join(methods, ", "))
	}
	return readOperation(method, path, near)
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// isMethod takes HEAD as well, which GitHub treats as GET.
func isMethod(text string) bool { return text == "HEAD" || slices.Contains(methods, text) }

// readAPI reads what follows "gh api": its method and path. Fields make a
// request a POST there, so they want the method said.
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
		return "", "", fault.New("no path, or no method that there is", hint)
	}
	return method, path, nil
}

// readOperation reads a method, in capitals, and a path or address.
func readOperation(method, address string, near bool) (wish, error) {
	if method == "HEAD" {
		method = "GET"
	}
	path, err := apiPath(address)
	if err != nil {
		return wish{}, err
	}
	if o, ok := find(method, path); ok {
		return o.wish()
	}
	return wish{}, unknown(method, path, near)
}

// apiPath returns the segments of a path below the API's root. Queries, which may
// hold secrets, and hosts are dropped.
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
			return nil, fault.New("no address of an API", operationExample)
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

// wish is what an operation takes, or why a token of an App cannot have it.
func (o operation) wish() (wish, error) {
	if o.noted("jwt") {
		return wish{}, fault.New(o.String()+" takes the App's own JWT and no token", "leave it out, permissions have no part in it")
	}
	if o.noted("user") {
		with := "a personal access token"
		if o.needs != "" {
			with = "a fine-grained personal access token, with " + parseSet(o.needs).phrases()
		}
		return wish{}, fault.New(o.String()+" acts for a person, so the installation token of an App cannot do it",
			"use a user access token of the App (ghu_), or "+with)
	}
	w := wish{Need: Need{From: o.String()}, alternatives: o.accepts(), needs: o.needs}
	var notices []string
	for _, note := range strings.Fields(o.notes) {
		if note == "workflows" {
			w.Perhaps = Set{"workflows": "write"}
		}
		notices = append(notices, notes[note])
	}
	w.Notice = strings.Join(notices, " ")
	return w, nil
}

// notes are what the words in operations.tsv mean to a reader.
var notes = map[string]string{
	"account":   "This is a permission over a user account, which an installation may not have; what is public is open without it.",
	"cloud":     "Only on GitHub Enterprise Cloud.",
	"unlisted":  "GitHub lists no permission for it: it is public, or takes none, or nobody has written it down.",
	"unsure":    "GitHub does not say whether more is needed, or whether less would do.",
	"workflows": "Changes to files in .github/workflows take workflows: write as well.",
}

// choose settles the alternatives of all wishes at once.
func choose(wanted []wish, given Set) []Need {
	base := Set{"metadata": "read"}
	base.raise(given)
	var open []*wish
	for i := range wanted {
		w := &wanted[i]
		if len(w.alternatives) == 1 {
			w.Permissions = w.alternatives[0]
			base.raise(w.Permissions)
			continue
		}
		open = append(open, w)
	}
	settle(open, base)
	needs := make([]Need, len(wanted))
	for i, w := range wanted {
		needs[i] = w.Need
	}
	return needs
}

// settle chooses for each of the wishes. It tries every combination of the
// groups of wishes that have the same alternatives; the facts have so few of them
// (a test counts) that this is cheap.
func settle(wishes []*wish, base Set) {
	var groups [][]Set
	group := map[string]int{} // by needs
	for _, w := range wishes {
		if _, known := group[w.needs]; !known {
			group[w.needs] = len(groups)
			groups = append(groups, w.alternatives)
		}
	}
	best := leastOf(groups, base)
	for _, w := range wishes {
		chosen := best[group[w.needs]]
		w.Permissions = w.alternatives[chosen]
		var others []string
		for j, other := range w.alternatives {
			if j != chosen {
				others = append(others, other.phrases())
			}
		}
		w.Chosen = w.Permissions.phrases() + " rather than " + strings.Join(others, " or ")
	}
}

// leastOf returns, for each group, the index of the alternative to take.
func leastOf(groups [][]Set, base Set) []int {
	if len(groups) == 0 {
		return nil
	}
	var best []int
	least := [2]int{}
	pick := make([]int, len(groups))
	for {
		if c := costOf(groups, pick, base); best == nil || slices.Compare(c[:], least[:]) < 0 {
			best, least = slices.Clone(pick), c
		}
		i := len(pick) - 1
		for ; i >= 0; i-- { // the next combination, as an odometer counts
			if pick[i]++; pick[i] < len(groups[i]) {
				break
			}
			pick[i] = 0
		}
		if i < 0 {
			return best
		}
	}
}

// costOf is what a choice adds to base: operations that are opened, and
// permissions.
func costOf(groups [][]Set, pick []int, base Set) [2]int {
	sum := Set{}
	for i, g := range groups {
		sum.raise(g[pick[i]])
	}
	var cost [2]int
	for name, level := range sum {
		if !base.covers(Set{name: level}) {
			cost[0] += reach(name, level) - reach(name, base[name])
			cost[1]++
		}
	}
	return cost
}

// reach counts the operations that name a permission at most at this level.
func reach(name, level string) int {
	n := 0
	for _, o := range operations() {
		if !strings.Contains(o.needs, name) || !o.usable() {
			continue
		}
		if slices.ContainsFunc(o.accepts(), func(s Set) bool { l, ok := s[name]; return ok && rank(l) <= rank(level) }) {
			n++
		}
	}
	return n
}
