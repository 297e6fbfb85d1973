//go:build unix

package cli

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Every command that takes the key also takes it from a file.
func TestPrivateKeyFile(t *testing.T) {
	s := newFleetStep(t, 1, oneRotation+oneSecret+onePolicy, map[string]string{"VALUE": rand.Text()})
	s.inFile(t)
	for _, action := range actionsWith("private-key-file") {
		if s.next(t, nil); action == "revoke" {
			s.env["INPUT_TOKEN"] = ""
		}
		s.run(t, action)
		if s.exit != exitOK {
			t.Fatalf("%s: %s", action, s.log.String())
		}
		s.checkKeyHidden(t)
		if action == "mint" {
			s.env["INPUT_ENCRYPTED-TOKEN"] = s.outputs(t)["encrypted-token"]
		}
	}
	if s.Alive(s.Tokens()[0].Value) {
		t.Error("the token is alive: it was not opened with the key")
	}

	p := s.process(t)
	var answer strings.Builder
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader("protocol=https\nhost=github.test\npath=acme/api.git\n"), &answer, &s.log
	if exit := run(t.Context(), p, "git-credential", "get"); exit != exitOK || !strings.Contains(answer.String(), "password=ghs_") {
		t.Errorf("git-credential: exit %d, %s", exit, s.log.String())
	}
	path := s.env["INPUT_PRIVATE-KEY-FILE"]
	s.env["INPUT_PRIVATE-KEY"], s.env["INPUT_PRIVATE-KEY-FILE"] = "another", "nowhere"
	answer.Reset()
	p.Stdin = strings.NewReader("protocol=https\nhost=github.test\npath=acme/api.git\n")
	exit := run(t.Context(), p, "git-credential", "-private-key-file", path, "get")
	if exit != exitOK || !strings.Contains(answer.String(), "password=ghs_") {
		t.Errorf("git-credential with a flag: exit %d, %s", exit, s.log.String())
	}
}

// A file that holds no key is a fault that names the input, even with
// on-missing-key: skip.
func TestPrivateKeyFileFaults(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	good, pasted := file("good", testKey()), base64.StdEncoding.EncodeToString([]byte(testKey()))
	large := file("large", testKey()+strings.Repeat("\n", maxKeyFile))
	const theFile = "give the path of the .pem file that GitHub made"
	for _, c := range []struct{ name, path, key, line, hint string }{
		{"both", good, testKey(), "can't be used with private-key", "give one of them"},
		{"absent", filepath.Join(dir, "none"), "", "can't be read: no such file or directory", theFile},
		{"absent, and a blank key", filepath.Join(dir, "none"), " \n", "can't be read: no such file or directory", theFile},
		{"empty", file("empty", ""), "", "is empty", theFile},
		{"blank", file("blank", " \n\n"), "", "is empty", theFile},
		{"a directory", dir, "", "can't be read: it is a directory", "give the path of a plain file"},
		{"a named pipe", pipe, "", "can't be read: it is a named pipe", "give the path of a plain file"},
		{"a device", "/dev/zero", "", "can't be read: it is a device", "give the path of a plain file"},
		{"large", large, "", "can't be read: it is larger than the 64 KiB", "check that it is the right file"},
		{"no key", file("other", "hello"), "", "is not a private key", "generate a private key"},
		{"the key itself", testKey(), "", "can't be read", theFile},
		{"the key itself, in base64", pasted, "", "can't be read", theFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"mint", "rotate", "decrypt"} {
				s := newStep(t, map[string]string{
					"INPUT_PRIVATE-KEY": c.key, "INPUT_PRIVATE-KEY-FILE": c.path, "INPUT_ON-MISSING-KEY": "skip",
				})
				s.run(t, name)
				line, hint := s.annotation("error")
				ours := strings.HasPrefix(line, "input private-key-file: ") && strings.Contains(line, c.line)
				if s.exit != exitFailure || !ours || !strings.Contains(hint, c.hint) {
					t.Errorf("%s: exit %d, %q, hint %q", name, s.exit, line, hint)
				}
				if n := strings.Count(s.log.String(), "::error::"); n != 1 || s.requests() != "" {
					t.Errorf("%s: %d errors, asked %s", name, n, s.requests())
				}
				last := c.path[strings.LastIndex(strings.TrimSpace(c.path), "\n")+1:]
				if strings.HasPrefix(c.name, "the key itself") && !strings.Contains(s.log.String(), "::add-mask::"+last) {
					t.Errorf("%s: it is not masked", name)
				}
				s.env["INPUT_PRIVATE-KEY"] = testKey() // where it is looked for
				s.checkHidden(t)
				if strings.Contains(strings.ReplaceAll(s.log.String(), "::add-mask::"+pasted, ""), pasted[:40]) {
					t.Errorf("%s: the key is readable", name)
				}
			}
		})
	}
}

// Outside a runner, where a machine has several users, a key that all of them
// can read is warned about.
func TestPrivateKeyFileReaders(t *testing.T) {
	for _, c := range []struct {
		runner string
		mode   os.FileMode
		warned bool
	}{{"", 0o600, false}, {"", 0o640, true}, {"", 0o604, true}, {"true", 0o644, false}} {
		s := newStep(t, map[string]string{"GITHUB_ACTIONS": c.runner})
		path := s.inFile(t)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		for _, input := range []string{"private-key-file", "key"} {
			if input == "key" {
				s.next(t, map[string]string{"INPUT_PRIVATE-KEY-FILE": "", "INPUT_KEY": "file:" + path})
			}
			s.run(t, "mint")
			warned := strings.Contains(s.log.String(), "warning: "+input+": ") && strings.Contains(s.log.String(), "can be read by others")
			if s.exit != exitOK || warned != c.warned {
				t.Errorf("%v, runner %q: exit %d, warned is %v: %s", c.mode, c.runner, s.exit, warned, s.log.String())
			}
		}
	}
}

// A link in the workspace, which a pull request may bring, does not lead to a
// key elsewhere.
func TestPrivateKeyFileStaysInTheWorkspace(t *testing.T) {
	s := newStep(t, nil)
	p := s.process(t)
	env := maps.Clone(s.env)
	path := s.inFile(t)
	maps.Copy(s.env, map[string]string{"INPUT_CLIENT-ID": env["INPUT_CLIENT-ID"], "INPUT_PRIVATE-KEY-FILE": "key.pem"})
	t.Chdir(t.TempDir())
	if err := os.Symlink(path, "key.pem"); err != nil {
		t.Fatal(err)
	}
	s.exit = run(t.Context(), p, "mint")
	const want = `input private-key-file: "key.pem" can't be read: a link leads out of the workspace`
	if line, _ := s.annotation("error"); s.exit != exitFailure || line != want {
		t.Errorf("exit %d, %s", s.exit, s.log.String())
	}
}

// Each action says why a run gets no secrets, and its hint names only inputs
// that the action has.
func TestRunsWithoutSecrets(t *testing.T) {
	const dependabot = "store the key among the Dependabot secrets too (Settings, Secrets and variables, Dependabot)"
	const elsewhere = "A reusable workflow has it only with secrets: inherit in the job that calls it"
	for _, action := range actionsWith("private-key") {
		for actor, want := range map[string]string{"dependabot[bot]": dependabot, "mona": elsewhere} {
			var log strings.Builder
			env := map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": actor, "INPUT_CLIENT-ID": "Iv23liTEST", "INPUT_ENCRYPTED-TOKEN": "YQ==",
			}
			code := run(t.Context(), Process{
				Getenv: func(name string) string { return env[name] }, Environ: func() []string { return nil },
				Stdout: &log,
			}, action)
			skip := strings.Contains(log.String(), "on-missing-key: skip")
			if code != exitFailure || !strings.Contains(log.String(), want) || skip != (action == "mint" && want == dependabot) {
				t.Errorf("%s for %s: exit %d: %s", action, actor, code, log.String())
			}
		}
	}
}
