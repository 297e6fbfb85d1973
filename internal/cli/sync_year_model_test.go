package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func (y *year) placeOf(h held) fakegithub.Place {
	return fakegithub.Place{Owner: "fleet", Repository: y.names[h.repository]}
}

// now returns the secrets that GitHub has.
func (y *year) now() map[held]fakegithub.Secret {
	all := map[held]fakegithub.Secret{}
	for _, id := range append(slices.Collect(maps.Keys(y.names)), 0) {
		for _, s := range y.Secrets(y.placeOf(held{id, ""})) {
			all[held{id, s.Name}] = s
		}
	}
	return all
}

// logged returns the log without the masks.
func (m *manifested) logged() string {
	lines := slices.Collect(strings.Lines(m.log.String()))
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "::add-mask::") }), "")
}

// judge checks that a request changed only what it may.
func (y *year) judge(m *manifested, r *http.Request) {
	if r.Method != http.MethodPut && r.Method != http.MethodDelete {
		return
	}
	now := y.now()
	for h, was := range y.secrets {
		if _, there := now[h]; there {
			continue
		}
		what := fmt.Sprintf("%s by manifest %d: %s of %s, %q,", r.Method, m.number, h.name, y.placeOf(h).Repository, was.value)
		switch {
		case r.Method != http.MethodDelete:
			y.t.Errorf("%s is gone", what)
		// Two writes within one second are not to be told apart.
		case was.by != m && was.at != m.wrote[h]:
			y.t.Errorf("%s was not its own", what)
		case m.fits(h.name, y.names[h.repository], h.repository == 0):
			y.t.Errorf("%s is wanted", what)
		}
		delete(y.secrets, h)
		y.count["deleted"]++
	}
	for h, is := range now {
		was, there := y.secrets[h]
		if there && was.value == is.Value && was.at == is.UpdatedAt.Unix() {
			continue
		}
		switch want := m.values[h.name]; {
		case r.Method != http.MethodPut || !m.fits(h.name, y.names[h.repository], h.repository == 0):
			y.t.Errorf("%s by manifest %d: %s of %s became %q, which it does not want",
				r.Method, m.number, h.name, y.placeOf(h).Repository, is.Value)
		case is.Value != want:
			y.t.Errorf("%s of %s became %q, not %q", h.name, y.placeOf(h).Repository, is.Value, want)
		case !there:
			y.count["created"]++
		case was.by == nil:
			y.count["replaced a person's"]++
		}
		m.wrote[h] = is.UpdatedAt.Unix()
		y.secrets[h] = stored{is.Value, m, is.UpdatedAt.Unix()}
	}
}

// judgeRun checks the report of a run.
func (y *year) judgeRun(m *manifested) {
	text, err := os.ReadFile(m.env["INPUT_REPORT-FILE"])
	var report syncReport
	if err != nil || json.Unmarshal(text, &report) != nil {
		return // it ended before there was anything to report
	}
	_ = os.Remove(m.env["INPUT_REPORT-FILE"])
	deleted, failed := 0, 0
	for _, target := range report.Targets {
		switch {
		case target.Outcome == "deleted":
			deleted++
		case target.Outcome == "failed" && m.fits(target.Secret, target.Repository, target.Organization):
			failed++
		}
		if _, left, _ := strings.Cut(target.Reason, "but left"); left != "" {
			y.count["no longer in the manifest, but left"]++
		}
	}
	if deleted > 0 && failed > 0 || deleted > max(y.most, len(report.Targets)/20) {
		y.t.Errorf("manifest %d: %d deleted, %d failed, of %d:\n%s", m.number, deleted, failed, len(report.Targets), m.logged())
	}
}

// checkAll checks every secret that a manifest wants.
func (y *year) checkAll(m *manifested) {
	now := y.now()
	for id, repository := range y.names {
		for _, name := range slices.Sorted(maps.Keys(m.wants)) {
			s := now[held{id, name}]
			if m.fits(name, repository, false) && !y.archived[id] && s.Value != m.values[name] {
				y.t.Errorf("%s of %s is %q, not %q:\n%s", name, repository, s.Value, m.values[name], m.logged())
			}
		}
	}
}

// people does one thing that people do.
func (y *year) people() {
	ids := slices.Sorted(maps.Keys(y.names))
	id := anyOf(y, ids)
	name := y.names[id]
	m := y.manifests[y.chance.IntN(2)]
	switch y.chance.IntN(12) {
	case 0, 1: // what a person needs, under whatever name
		if y.often(0.1) {
			id = 0
		}
		h := held{id, anyOf(y, append(secretNames[0], "MINE"))}
		y.SetSecret(y.placeOf(h), fakegithub.Secret{Name: h.name, Value: fmt.Sprint("a person's ", y.chance.Uint32())})
		y.count["person"]++
	case 2:
		if there := slices.Collect(maps.Keys(y.secrets)); len(there) > 0 {
			h := anyOf(y, there)
			y.DeleteSecret(y.placeOf(h), h.name)
		}
	case 3:
		y.rename(id, anyOf(y, []string{"r", "site-", "r9"})+fmt.Sprint(y.chance.IntN(1e6)))
	case 4: // and another one takes a name that one had
		if len(y.former) > 0 {
			if last := y.former[len(y.former)-1]; !slices.Contains(slices.Collect(maps.Values(y.names)), last) {
				y.add(last)
			}
		}
	case 5:
		y.drop(id)
	case 6:
		y.archived[id] = !y.archived[id]
		y.ArchiveRepository("fleet", name, y.archived[id])
		y.count["archive"]++
	case 7:
		y.ReplacePublicKey(y.placeOf(held{id, ""}))
		y.count["key"]++
	default:
		y.office(m)
	}
	y.look()
}

// lookedAt returns the path that a deletion asks for first.
var lookedAt = regexp.MustCompile(`^/repositories/([0-9]+)$`)

// meddle makes a person change the secret that a path is about, or one of its
// repository.
func (y *year) meddle(path string) {
	parts := strings.Split(path, "/")
	for h := range y.secrets {
		place := y.placeOf(h)
		switch {
		case parts[1] == "repositories" && parts[2] == fmt.Sprint(h.repository):
		case parts[1] == "repos" && parts[3] == place.Repository && parts[6] == h.name:
		default:
			continue
		}
		y.SetSecret(place, fakegithub.Secret{Name: h.name, Value: fmt.Sprint("a person's ", y.chance.Uint32())})
		y.count["meddled"]++
		y.look()
		return
	}
}

// office does what people do to the manifests, which no run sees before its
// end.
func (y *year) office(m *manifested) {
	if y.running {
		return
	}
	switch y.chance.IntN(4) {
	case 0: // a cache gives an older one back
		if len(m.states) > 0 {
			y.restore(m, anyOf(y, m.states))
			y.count["older state"]++
		}
	default:
		y.edit(m)
	}
}

func (y *year) drop(id int64) {
	if len(y.names) < 5 {
		return
	}
	name := y.names[id]
	y.DeleteRepository("fleet", name)
	delete(y.names, id)
	y.former = append(y.former, name)
	y.count["gone"]++
	y.look()
}

func (y *year) rename(id int64, to string) {
	if slices.Contains(slices.Collect(maps.Values(y.names)), to) {
		return
	}
	from := y.names[id]
	y.RenameRepository("fleet", from, to)
	y.names[id] = to
	y.former = append(y.former, from)
	y.count["rename"]++
}

// look records what is there after people changed it.
func (y *year) look() {
	now := y.now()
	maps.DeleteFunc(y.secrets, func(h held, _ stored) bool { _, there := now[h]; return !there })
	for h, s := range now {
		if was := y.secrets[h]; was.value != s.Value || was.at != s.UpdatedAt.Unix() {
			y.secrets[h] = stored{s.Value, nil, s.UpdatedAt.Unix()}
		}
	}
}

// edit changes what a manifest wants.
func (y *year) edit(m *manifested) {
	lists := [][]string{
		{"fleet/*"}, {"fleet/r*"}, {"fleet/*", "!fleet/r1*"}, {"fleet/site-*"}, {"fleet/r[0-4]*"}, {"fleet/r0", "fleet/r2*"},
	}
	for _, name := range secretNames[m.number] {
		if y.often(0.3) {
			continue
		}
		m.values[name] = fmt.Sprintf("%s of manifest %d, %d", name, m.number, y.chance.Uint32())
		switch {
		case y.often(0.3):
			delete(m.wants, name)
		case name == "ORG":
			m.wants[name] = nil
		default:
			m.wants[name] = anyOf(y, lists[:len(lists)-1+y.chance.IntN(8)/7]) // an exact name fails before long
		}
	}
	y.publish(m)
}

// publish writes the manifest to its file.
func (y *year) publish(m *manifested) {
	if len(m.wants) == 0 { // a manifest has to have something
		m.wants["E"], m.values["E"] = []string{"fleet/*"}, "E"
	}
	var b strings.Builder
	b.WriteString("secrets:\n")
	for _, name := range slices.Sorted(maps.Keys(m.wants)) {
		m.env[name] = m.values[name]
		to := "organization: fleet"
		if list := m.wants[name]; list != nil {
			to = `repositories: ["` + strings.Join(list, `", "`) + `"], allow-empty: true`
		}
		fmt.Fprintf(&b, "  - {name: %s, to: [{%s}]}\n", name, to)
	}
	m.write(y.t, b.String())
}
