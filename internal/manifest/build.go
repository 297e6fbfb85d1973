package manifest

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// buildFile makes a File of the values, and checks what the table can't say.
func (p *parser) buildFile(f *File, v *value) {
	for _, s := range v.get("secrets").list() {
		f.Secrets = append(f.Secrets, p.buildSecret(s))
	}
	names := map[string]bool{}
	for _, r := range v.get("rotations").list() {
		f.Rotations = append(f.Rotations, p.buildRotation(r))
		name := r.get("name")
		if key := strings.ToLower(name.textOrEmpty()); key != "" && names[key] {
			p.add(name.at, "another rotation has this name", "give each a name of its own; reports go by it")
		} else {
			names[key] = true
		}
	}
	f.PATs = p.buildPATs(v.get("pats"))
}

func (p *parser) buildSecret(v *value) Secret {
	s := Secret{Position: v.at, Name: v.get("name").textOrEmpty(), Mint: p.buildScope(v.get("mint"))}
	if s.Mint == nil {
		s.Variable = s.Name
		if from := v.get("from").textOrEmpty(); from != "" {
			s.Variable = strings.TrimPrefix(from, "env:")
		}
	}
	for _, to := range v.get("to").list() {
		s.To = append(s.To, p.buildTarget(to))
	}
	return s
}

func (p *parser) buildScope(v *value) *Scope {
	if v == nil {
		return nil
	}
	s := &Scope{Position: v.at, Repositories: p.selection(v.get("repositories"), ""), Permissions: levelsOf(v.get("permissions"))}
	if owners := s.Repositories.Owners(); len(owners) > 1 {
		p.add(v.get("repositories").at, "repositories of "+owners[0]+" and of "+owners[1],
			"a token opens repositories of one owner; make an entry for each")
	}
	return s
}

// levelsOf returns permissions with their levels.
func levelsOf(v *value) map[string]string {
	if v == nil {
		return nil
	}
	permissions := map[string]string{}
	for name, level := range v.fields {
		permissions[name] = level.text
	}
	return permissions
}

func (p *parser) buildTarget(v *value) Target {
	t := Target{
		Position:     v.at,
		Repositories: p.selection(v.get("repositories"), ""),
		Environments: textsOf(v.get("environments")),
		Organization: v.get("organization").textOrEmpty(),
		Apps:         orActions(textsOf(v.get("apps"))),
		Visibility:   v.get("visibility").textOrEmpty(),
	}
	if create := v.get("create-environments"); create != nil {
		t.CreateEnvironments = create.isTrue
	}
	t.Selected = p.selection(v.get("selected"), t.Organization)
	if allow := v.get("allow-empty"); allow != nil {
		t.Repositories.AllowEmpty, t.Selected.AllowEmpty = allow.isTrue, allow.isTrue
		if v.valid && t.Organization != "" && t.Visibility != "selected" {
			p.add(allow.at, "allow-empty without a list that it applies to",
				"take it out; an organization has one with visibility: selected")
		}
	}
	return t
}

func (p *parser) buildRotation(v *value) Rotation {
	r := Rotation{
		Position:          v.at,
		Name:              v.get("name").textOrEmpty(),
		DeployKey:         buildDeployKey(v.get("deploy-key")),
		InstallationToken: p.buildScope(v.get("installation-token")),
		Random:            buildRandom(v.get("random")),
		Age:               v.get("age") != nil,
		Keep:              1,
	}
	if keep := v.get("keep"); keep != nil {
		r.Keep = int(keep.number)
	}
	if every := v.get("every"); every != nil && every.valid {
		r.Every = parseInterval(every.text)
		if r.InstallationToken != nil && r.Every > 50*time.Minute {
			p.add(every.at, "a token lives for an hour, and schedules come late", "rotate it every 30m or so")
		}
	}
	r.RetireAfter = p.retireAfter(&r, v.get("retire-after"))
	variables := map[string]bool{}
	for _, store := range v.get("store").list() {
		s := p.buildStore(store)
		r.Store = append(r.Store, s)
		if store.valid {
			p.checkCollision(s)
		}
		if variable := store.get("recipient-variable"); variable != nil && !r.Age {
			p.add(variable.at, "recipient-variable without age", "only an age identity has a recipient; take it out")
		} else if variable != nil && store.valid {
			key := strings.ToLower(strings.Join([]string{s.Organization, s.Owner, s.Repository, variable.text}, "\n"))
			if p.variables[key] {
				p.add(variable.at, "another rotation writes this variable", "give each identity a variable of its own")
			}
			variables[key] = true // the stores of one rotation may share one
		}
	}
	maps.Copy(p.variables, variables)
	return r
}

// defaultGrace is how long a replaced deploy key stays: most jobs are over by
// then.
const defaultGrace = time.Hour

// retireAfter returns how long replaced deploy keys stay. With more than the
// interval they would pile up.
func (p *parser) retireAfter(r *Rotation, v *value) time.Duration {
	switch {
	case r.DeployKey == nil:
		return 0
	case v == nil || !v.valid:
		return min(defaultGrace, r.Every)
	}
	after := parseInterval(v.text)
	if r.Every > 0 && after > r.Every {
		p.add(v.at, "retire-after is longer than every", "keys would pile up; make it shorter")
	}
	return after
}

// checkCollision adds an error for a secret that rotations would write twice.
func (p *parser) checkCollision(s Store) {
	for _, app := range s.Apps {
		key := strings.ToLower(strings.Join([]string{app, s.Organization, s.Owner, s.Repository, s.Environment, s.Secret}, "\n"))
		if p.stored[key] {
			p.add(s.Position, fmt.Sprintf("the same secret of %s is stored twice", app), "keep one of the two entries")
			return
		}
		p.stored[key] = true
	}
}

func (p *parser) buildStore(v *value) Store {
	s := Store{
		Position:          v.at,
		Environment:       v.get("environment").textOrEmpty(),
		Organization:      v.get("organization").textOrEmpty(),
		Secret:            v.get("secret").textOrEmpty(),
		Apps:              orActions(textsOf(v.get("apps"))),
		Visibility:        v.get("visibility").textOrEmpty(),
		RecipientVariable: v.get("recipient-variable").textOrEmpty(),
	}
	s.Owner, s.Repository, _ = strings.Cut(v.get("repository").textOrEmpty(), "/")
	s.Selected = p.selection(v.get("selected"), s.Organization)
	if allow := v.get("allow-empty"); allow != nil {
		s.Selected.AllowEmpty = allow.isTrue
	}
	return s
}

func buildDeployKey(v *value) *DeployKey {
	if v == nil {
		return nil
	}
	k := &DeployKey{Title: v.get("title").textOrEmpty(), ReadOnly: true}
	k.Owner, k.Repository, _ = strings.Cut(v.get("repository").textOrEmpty(), "/")
	if only := v.get("read-only"); only != nil {
		k.ReadOnly = only.isTrue
	}
	return k
}

func buildRandom(v *value) *Random {
	if v == nil {
		return nil
	}
	r := &Random{Bytes: 32, Encoding: "hex"}
	if n := v.get("bytes"); n != nil {
		r.Bytes = int(n.number)
	}
	if e := v.get("encoding"); e != nil {
		r.Encoding = e.text
	}
	return r
}

// parseInterval reads a time in the form that the table checked.
func parseInterval(text string) time.Duration {
	n, unit := 0, time.Minute
	for _, c := range text {
		switch c {
		case 'm':
		case 'h':
			unit = time.Hour
		case 'd':
			unit = 24 * time.Hour
		case 'w':
			unit = 7 * 24 * time.Hour
		default:
			n = 10*n + int(c-'0')
		}
	}
	return time.Duration(n) * unit
}

func textsOf(v *value) []string {
	var list []string
	for _, item := range v.list() {
		list = append(list, item.text)
	}
	return list
}

func orActions(list []string) []string {
	if len(list) == 0 {
		return []string{"actions"}
	}
	return list
}
