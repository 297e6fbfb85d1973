// Command generate makes everything that derives from permissions.json,
// scopes.json, operations.tsv and commands.tsv: the tables of package
// permission, docs/permissions.md and the permission-* inputs of the root
// action.yml. go generate runs it in internal/permission, and it never uses the
// network.
//
// When VALETKEY_GITHUB_FACTS names a directory of collected facts
// (permissions.json, scopes.json, endpoint-permissions.json), it first
// refreshes the first three files from it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(".", os.Getenv("VALETKEY_GITHUB_FACTS")); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run reads and writes the files of package permission in dir; facts may be "".
func run(dir, facts string) error {
	if facts != "" {
		if err := refreshAll(dir, facts); err != nil {
			return err
		}
	}
	var permissions, scopes, tsv, commands []byte
	for name, data := range map[string]*[]byte{
		"permissions.json": &permissions, "scopes.json": &scopes, "operations.tsv": &tsv, "commands.tsv": &commands,
	} {
		var err error
		if *data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	root := filepath.Join(dir, "..", "..")
	for _, step := range []struct {
		path   string
		change func(old []byte) ([]byte, error)
	}{
		{filepath.Join(dir, "table_gen.go"), func([]byte) ([]byte, error) { return table(permissions) }},
		{filepath.Join(dir, "commands_gen.go"), func([]byte) ([]byte, error) { return commandTable(commands, permissions) }},
		{filepath.Join(dir, "scopes.tsv.gz"), func(old []byte) ([]byte, error) {
			text, err := scopeLines(scopes, permissions)
			if err != nil {
				return nil, err
			}
			return pack(text, old)
		}},
		{filepath.Join(dir, "operations.tsv.gz"), func(old []byte) ([]byte, error) { return pack(tsv, old) }},
		{filepath.Join(root, "docs", "permissions.md"), func([]byte) ([]byte, error) {
			return page(permissions, scopes, tsv, commands)
		}},
		{filepath.Join(root, "action.yml"), func(old []byte) ([]byte, error) { return inputs(permissions, old) }},
	} {
		if err := rewrite(step.path, step.change); err != nil {
			return err
		}
	}
	return nil
}

// refreshAll renews the files that the others are made of.
func refreshAll(dir, facts string) error {
	permissions := []byte(nil)
	for _, step := range []struct {
		from, to string
		change   func(collected, old []byte) ([]byte, error)
	}{
		{"permissions.json", "permissions.json", func(collected, old []byte) (_ []byte, err error) {
			permissions, err = refresh(collected, old)
			return permissions, err
		}},
		{"scopes.json", "scopes.json", refreshScopes},
		{"endpoint-permissions.json", "operations.tsv", func(collected, _ []byte) ([]byte, error) {
			return operations(collected, permissions)
		}},
	} {
		collected, err := os.ReadFile(filepath.Join(facts, step.from))
		if err != nil {
			return err
		}
		err = rewrite(filepath.Join(dir, step.to), func(old []byte) ([]byte, error) { return step.change(collected, old) })
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite replaces the content of a file, which need not exist, by the result
// of change.
func rewrite(path string, change func([]byte) ([]byte, error)) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	changed, err := change(old)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(old, changed) {
		return nil
	}
	return os.WriteFile(path, changed, 0o644)
}
