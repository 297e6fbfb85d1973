package cli

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

var leakedSchema = &actions.Schema{Inputs: []actions.InputSchema{{Name: "leaked"}}}

// parseLeakedIn parses the input leaked in a step.
func (s *step) parseLeakedIn(t *testing.T) (*actions.Runner, leakedList, error) {
	t.Helper()
	p := s.process(t)
	r := p.runner()
	in := r.Inputs(leakedSchema, p.Environ())
	list := parseLeaked(p, r, in)
	return r, list, in.Err()
}

// lines returns the lines of values with their kinds.
func (l *leakedList) lines() []string {
	var all []string
	for _, v := range l.Values {
		all = append(all, fmt.Sprint(v.Line, " ", v.kind()))
	}
	return all
}

func TestParseLeaked(t *testing.T) {
	classic, fine := "ghp_"+rand.Text()+rand.Text(), "github_pat_"+rand.Text()
	other := "AKIA" + rand.Text()[:16] // of somebody else's
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	for _, c := range []struct {
		name, source, env string
		want              []string
		blank, repeated   int
		fault, hint       string
	}{
		{name: "none"},
		{name: "a variable", source: "env:LEAKED", env: classic, want: []string{"1 personal access token (classic)"}},
		{
			name: "blank lines and repetitions", source: "env:LEAKED",
			env:  "\r\n" + classic + "\r\n  " + fine + "\t\r\n\r\n" + classic + "\r\n",
			want: []string{"2 personal access token (classic)", "3 fine-grained personal access token"}, blank: 2, repeated: 1,
		},
		{name: "old line ends", source: "env:LEAKED", env: classic + "\r" + fine, want: []string{
			"1 personal access token (classic)", "2 fine-grained personal access token",
		}},
		{
			name: "a file of another system", source: file("bom", "\ufeff"+classic+"\n"),
			want: []string{"1 personal access token (classic)"},
		},
		{
			name:   "other things",
			source: file("other", other+"\nNAME="+classic+"\n"+strings.Repeat("0a", 20)+"\n"+classic+" "+fine+"\nghs_short\n"),
			want: []string{
				"1 something else", "2 something else", "3 something else", "4 something else", "5 something else",
			},
		},
		{
			name: "an empty variable", source: "env:LEAKED", fault: `input leaked: names "LEAKED", which is empty or not set`,
			hint: "give it to the step in env:",
		},
		{
			name: "no variable", source: "env:",
			fault: "input leaked: has a text of 0 characters after env:, which is not the name of a variable",
			hint:  "write leaked: env:LEAKED",
		},
		{
			name: "the value as a name", source: "env:" + classic,
			fault: "input leaked: names a text of 56 characters, which is empty or not set",
			hint:  "give it to the step in env:",
		},
		{
			name: "the value itself", source: classic, fault: "input leaked: is neither env:NAME nor file:PATH",
			hint: "as an input they would stand in the workflow",
		},
		{
			name: "values themselves", source: classic + "\n" + fine, fault: "input leaked: is neither env:NAME nor file:PATH",
			hint: "name the variable",
		},
		{name: "another spelling", source: "LEAKED", fault: "input leaked: is neither env:NAME nor file:PATH", hint: "name the variable"},
		{
			name: "blank lines alone", source: file("blank", "\n \n"), blank: 2,
			fault: "input leaked: leads to blank lines alone", hint: "one a line",
		},
		{name: "an empty file", source: file("empty", ""), blank: 1, fault: "input leaked: leads to blank lines alone", hint: "one a line"},
		{
			name: "no file", source: "file:none.txt", fault: `input leaked: "none.txt" can't be read: no such file or directory`,
			hint: "a container action sees the files of the workspace",
		},
		{
			name: "a directory", source: "file:.", fault: `input leaked: "." can't be read: it is a directory`, hint: "plain file",
		},
		{
			name: "a large file", source: file("large", strings.Repeat("x", maxLeaked+1)),
			fault: "can't be read: it is larger than the 1 MiB that such a file may have", hint: "right file",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStep(t, map[string]string{"INPUT_LEAKED": c.source, "LEAKED": c.env})
			_, list, err := s.parseLeakedIn(t)
			if diff := cmp.Diff(c.want, list.lines()); diff != "" || list.Blank != c.blank || list.Repeated != c.repeated {
				t.Errorf("%d blank, %d repeated: %s", list.Blank, list.Repeated, diff)
			}
			said := textOf(err)
			if (said == "") != (c.fault == "") || !strings.Contains(said, c.fault) || !strings.Contains(said, c.hint) {
				t.Errorf("%s", said)
			}
			for _, value := range []string{classic, fine, other} {
				given := c.source + c.env + read(t, c.source)
				if strings.Contains(given, value) && !strings.Contains(s.log.String(), "::add-mask::"+value+"\n") {
					t.Errorf("a value is not masked by itself: %s", withoutMasks(s.log.String()))
				}
				if strings.Contains(withoutMasks(s.log.String())+said, value) {
					t.Error("a value is shown")
				}
			}
		})
	}
}

// read returns the text of the file that an input names.
func read(t *testing.T, source string) string {
	t.Helper()
	path, ok := strings.CutPrefix(source, "file:")
	if !ok || !filepath.IsAbs(path) {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A fork's pull request has no secrets, and the fault says so.
func TestLeakedWithoutSecrets(t *testing.T) {
	s := newStep(t, map[string]string{"INPUT_LEAKED": "env:LEAKED", "GITHUB_ACTOR": "dependabot[bot]"})
	_, _, err := s.parseLeakedIn(t)
	said := textOf(err)
	if !strings.Contains(said, "which is empty or not set: Dependabot's runs get") || !strings.Contains(said, "hint: ") {
		t.Errorf("%s", said)
	}
}

// textOf returns all errors that were joined into one, with their hints.
func textOf(err error) string {
	var all []string
	for _, e := range fault.List(err) {
		all = append(all, fault.Text(e))
	}
	return strings.Join(all, "\n")
}

// leak makes a token of a person that works.
func (s *step) leak(prefix string) string {
	value := prefix + rand.Text() + rand.Text()
	s.AddPersonalToken(fakegithub.PersonalToken{Value: value, Login: "monalisa"})
	return value
}

// mintLeaked mints an installation token.
func (s *step) mintLeaked(t *testing.T) string {
	t.Helper()
	s.run(t, "mint")
	tokens := s.Tokens()
	if s.exit != exitOK {
		t.Fatal(s.log.String())
	}
	return tokens[len(tokens)-1].Value
}

// endLeakedIn parses and ends what the variable LEAKED holds. The log begins
// with it.
func (s *step) endLeakedIn(t *testing.T, own ...redact.String) (list leakedList, failure string) {
	t.Helper()
	s.next(t, map[string]string{"INPUT_LEAKED": "env:LEAKED"})
	s.ResetRequests()
	r, list, err := s.parseLeakedIn(t)
	if err != nil {
		t.Fatal(err)
	}
	api, err := s.process(t).connect(r, host{URL: "https://api.github.test"})
	if err != nil {
		t.Fatal(err)
	}
	list, err = endLeaked(t.Context(), r, api, list, own...)
	return list, textOf(err)
}
