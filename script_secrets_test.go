package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// tokenForms returns every token that was made, those of people too, in each of
// its encodings.
func tokenForms(ts *testscript.TestScript) (forms []redact.String) {
	for _, t := range scriptOf(ts).github.Tokens() {
		forms = append(forms, actions.Encodings(redact.New(t.Value))...)
	}
	for _, personal := range append(scriptOf(ts).governed.values, ts.Getenv("MY_TOKEN")) {
		if personal != "" {
			forms = append(forms, actions.Encodings(redact.New(personal))...)
		}
	}
	return forms
}

// checkHidden looks for each secret, in each of its encodings, in the log and
// in the summary. It skips the add-mask lines, which hide the secrets.
func checkHidden(ts *testscript.TestScript, _ bool, _ []string) {
	secrets := append(tokenForms(ts), actions.LongLines(redact.New(ts.Getenv("INPUT_PRIVATE-KEY")))...)
	var lines []string
	for line := range strings.Lines(ts.ReadFile("stdout") + ts.ReadFile("stderr") + ts.ReadFile("summary")) {
		if !strings.HasPrefix(line, "::add-mask::") {
			lines = append(lines, line)
		}
	}
	text := strings.Join(lines, "")
	stored := storedIn(scriptOf(ts).github.Server)
	secrets = append(secrets, stored...)
	for _, name := range []string{"output", "state", "env", ".valetkey/state", "report.json"} { // no file holds what was stored
		file, err := os.ReadFile(ts.MkAbs(name))
		for _, s := range stored {
			if err == nil && bytes.Contains(file, []byte(s.Reveal())) {
				ts.Fatalf("%s holds a secret", name)
			}
		}
	}
	for _, s := range secrets {
		if strings.Contains(text, s.Reveal()) {
			ts.Fatalf("a secret of %d characters is readable in:\n%s", len(s.Reveal()), text)
		}
	}
}

// checkSilent looks for each secret, in each of its encodings, in files that
// others keep.
func checkSilent(ts *testscript.TestScript, _ bool, args []string) {
	secrets := append(tokenForms(ts), actions.LongLines(redact.New(fakegithubtest.PEM(fakegithubtest.Key())))...)
	for _, name := range args {
		text := ts.ReadFile(name)
		for _, s := range secrets {
			if strings.Contains(text, s.Reveal()) {
				ts.Fatalf("a secret of %d characters is in %s", len(s.Reveal()), name)
			}
		}
		if m := regexp.MustCompile(`eyJ[\w-]+\.eyJ|AGE-SECRET-KEY-1\w{20}`).FindString(text); m != "" {
			ts.Fatalf("%s… is in %s", m, name)
		}
	}
}
