package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// No file holds a text that a secret scanner would take for a token or a key.
// Tests make theirs when they run.
func TestNothingTokenShaped(t *testing.T) {
	shaped := regexp.MustCompile(`gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9]{20,}|` +
		`AGE-SECRET-KEY-(PQ-)?1[A-Z0-9]{40,}|PRIVATE KEY-----\s+[A-Za-z0-9+/]{60,}`)
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		if found := shaped.Find(text); found != nil {
			t.Errorf("%s holds %.12s…", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
