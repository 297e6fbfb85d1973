package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/actions"
)

// The built-in table is the one that go generate makes from the files today.
func TestTableIsUpToDate(t *testing.T) {
	want, err := table("../../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../schemas_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go generate ./internal/cli: %s", diff)
	}
}

func TestParse(t *testing.T) {
	const text = `
name: x
inputs:
  plain: {description: a}
  with default: {default: red}
  flag: {default: "false"}
  number: {default: 16}
  nothing:
  api: {default: "${{ github.api_url }}", deprecationMessage: soon}
outputs:
  token: {description: b}
runs: {using: docker}
`
	want := actions.Schema{
		Inputs: []actions.InputSchema{
			{Name: "plain", Description: "a"},
			{Name: "with default", Default: "red"},
			{Name: "flag", Default: "false"},
			{Name: "number", Default: "16"},
			{Name: "nothing"},
			{Name: "api", Default: "${{ github.api_url }}", Deprecated: "soon"},
		},
		Outputs: []string{"token"},
	}
	var got actions.Schema
	using, err := parse([]byte(text), &got)
	if err != nil || using != "docker" {
		t.Fatalf("%q, %v", using, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A field that the table has no room for is an error.
func TestOtherFieldsAreFaults(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "action.yml"), []byte("inputs: {key: {required: true}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := table(root); err == nil || !strings.HasSuffix(err.Error(), "action.yml: input key: required is not in the table") {
		t.Errorf("%v", err)
	}
}
