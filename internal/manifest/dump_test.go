package manifest

import (
	"fmt"
	"reflect"
	"strings"
)

// dump formats a File for golden files.
func dump(f *File) string {
	var out strings.Builder
	for _, s := range f.Secrets {
		fmt.Fprintf(&out, "%d:%d secret %s from env %q%s\n", s.Line, s.Column, s.Name, s.Variable, scopeText(s.Mint))
		for _, t := range s.To {
			fmt.Fprintf(&out, "  %d:%d repositories [%v] environments %q create %v organization %q apps %v visibility %q selected [%v]\n",
				t.Line, t.Column, t.Repositories, t.Environments, t.CreateEnvironments, t.Organization, t.Apps, t.Visibility, t.Selected)
		}
	}
	for _, r := range f.Rotations {
		fmt.Fprintf(&out, "%d:%d rotation %s every %v keep %d age %v%s", r.Line, r.Column, r.Name, r.Every, r.Keep, r.Age,
			scopeText(r.InstallationToken))
		if r.DeployKey != nil {
			fmt.Fprintf(&out, " retire after %v key %+v", r.RetireAfter, *r.DeployKey)
		}
		if r.Random != nil {
			fmt.Fprintf(&out, " random %+v", *r.Random)
		}
		out.WriteString("\n")
		for _, s := range r.Store {
			fmt.Fprintf(&out, "  %d:%d %s in %q/%q environment %q organization %q apps %v visibility %q selected [%v] recipient %q\n",
				s.Line, s.Column, s.Secret, s.Owner, s.Repository, s.Environment, s.Organization, s.Apps, s.Visibility, s.Selected,
				s.RecipientVariable)
		}
	}
	if f.PATs != nil {
		dumpPATs(&out, f.PATs)
	}
	return out.String()
}

func dumpPATs(out *strings.Builder, p *PATs) {
	fmt.Fprintf(out, "%d:%d pats of %q enforce %v protect %+v limits %+v\n",
		p.Line, p.Column, p.Organizations, p.Enforce, p.Protect, p.Limits)
	if l := p.Leaks; l != nil {
		fmt.Fprintf(out, "  %d:%d leaks revoke %v kinds %v resolve %v\n", l.Line, l.Column, l.Revoke, l.Kinds, l.Resolve)
	}
	if n := p.Notices; n != nil {
		fmt.Fprintf(out, "  %d:%d notices in %q/%q mention %v\n", n.Line, n.Column, n.Owner, n.Repository, n.Mention)
	}
	for _, list := range []struct {
		name  string
		rules []PATRule
	}{{"requests", p.Requests}, {"grants", p.Grants}, {"sso", p.Authorizations}} {
		for _, r := range list.rules {
			fmt.Fprintf(out, "  %d:%d %s %q do %s audit %v notice %v reason %q if %s\n",
				r.Line, r.Column, list.name, r.Name, r.Do, r.Audit, r.Notice, r.Reason, conditionText(r.If))
		}
	}
}

// conditionText lists the parts of a condition that ask for something.
func conditionText(c PATCondition) string {
	words := []string{fmt.Sprintf("%d:%d", c.Line, c.Column)}
	v := reflect.ValueOf(c)
	for i := 1; i < v.NumField(); i++ {
		if field := reflect.Indirect(v.Field(i)); field.IsValid() && !field.IsZero() {
			words = append(words, fmt.Sprintf("%s %+v", v.Type().Field(i).Name, field))
		}
	}
	return strings.Join(words, ", ")
}

func scopeText(s *Scope) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf(" token %d:%d [%v] %v", s.Line, s.Column, s.Repositories, s.Permissions)
}
