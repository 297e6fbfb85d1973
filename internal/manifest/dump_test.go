package manifest

import (
	"fmt"
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
	return out.String()
}

func scopeText(s *Scope) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf(" token %d:%d [%v] %v", s.Line, s.Column, s.Repositories, s.Permissions)
}
