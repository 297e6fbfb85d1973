//go:build !nodemo

package cli

import (
	"context"
	"fmt"
	"strings"
)

// man prints the manual page, in the macros man(7).
func (t table) man(ctx context.Context, p Process) int {
	fmt.Fprint(p.Stdout, manPage(t.manual(ctx), built().Version))
	return exitOK
}

// manPage returns the manual page of a version.
func manPage(list []manualEntry, version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH VALETKEY 1 \"\" \"valetkey %s\"\n", roff(version))
	b.WriteString(".SH NAME\nvaletkey \\- short\\-lived, scoped credentials for GitHub workflows\n" +
		".SH SYNOPSIS\n.B valetkey\n.I COMMAND\n.RI [ argument ...]\n" +
		".SH DESCRIPTION\n" + roff("valetkey mints tokens of a GitHub App that open only what a job needs and end with it, "+
		"sets the secrets of many repositories, replaces credentials that are due, and governs personal access tokens.") + "\n" +
		".PP\n" + roff("An action reads its inputs from variables: INPUT_ and the input's name in capitals, dashes kept. "+
		"A shell sets one with env: env 'INPUT_NAME=VALUE' valetkey COMMAND. The other commands take flags, with one dash or two.") + "\n")
	for _, actions := range []bool{true, false} {
		b.WriteString(map[bool]string{true: ".SH ACTIONS\n", false: ".SH OTHER COMMANDS\n"}[actions])
		for _, e := range list {
			if (e.Action != nil) == actions {
				b.WriteString(e.manual())
			}
		}
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, row := range [][2]string{
		{fmt.Sprint(exitOK), "All went well."},
		{fmt.Sprint(exitFailure), "Something failed, which is said with a hint at the cure."},
		{fmt.Sprint(exitUsage), "The command line is not understood, and nothing is done."},
	} {
		b.WriteString(".TP\n.B " + row[0] + "\n" + roff(row[1]) + "\n")
	}
	b.WriteString(".SH ENVIRONMENT\n")
	for _, row := range [][2]string{
		{"INPUT_…", "The inputs of an action, see above."},
		{"GITHUB_API_URL", "The REST API, where it is not that of github.com."},
		{"GITHUB_OUTPUT", "The file that outputs go to."},
		{"NO_COLOR", "If it is set, nothing is coloured. Only a terminal gets colour at all."},
	} {
		b.WriteString(".TP\n.B " + roff(row[0]) + "\n" + roff(row[1]) + "\n")
	}
	b.WriteString(".SH SEE ALSO\n.BR git (1),\n.BR gitcredentials (7),\n.BR gh (1)\n.PP\nhttps://github.com/valetkey/valetkey\n")
	return b.String()
}

// manual returns the part of the page about one command.
func (e manualEntry) manual() string {
	var b strings.Builder
	b.WriteString(".SS " + roff(e.Name) + "\n" + roff(e.Summary) + "\n")
	for _, o := range e.Options {
		name := ".B \\-" + roff(o.Name)
		if o.Value != "" {
			name = ".BI \\-" + roff(o.Name) + " \" " + roff(o.Value) + "\""
		}
		b.WriteString(".TP\n" + name + "\n" + roff(o.Help) + "\n")
	}
	if e.Action == nil {
		return b.String()
	}
	single := false
	for _, in := range schemaOf(*e.Action).Inputs {
		name, help := in.Name, in.Description
		if strings.HasPrefix(name, "permission-") && name != "permission-check" { // there is one for each permission
			if single {
				continue
			}
			single = true
			name, help = "permission-NAME", "The level of one permission, such as permission-contents: read."
		}
		if in.Default != "" {
			help += " (default " + in.Default + ")"
		}
		if in.Deprecated != "" {
			help += " Deprecated. " + in.Deprecated
		}
		b.WriteString(".TP\n.B " + roff("INPUT_"+strings.ToUpper(name)) + "\n" + roff(help) + "\n")
	}
	return b.String()
}

// roff returns a text as a line that formats to itself.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ", "…", "...", `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
