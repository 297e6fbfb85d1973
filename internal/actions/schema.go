package actions

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml"
)

// Schema is what an action.yml declares: the one place for names and defaults.
type Schema struct {
	Inputs  []InputSchema
	Outputs []string
}

// InputSchema is one declared input.
type InputSchema struct{ Name, Description, Default, Deprecated string }

// ParseSchema reads an action.yml.
func ParseSchema(file []byte) (*Schema, error) {
	var doc struct {
		Inputs  yaml.MapSlice `yaml:"inputs"`
		Outputs yaml.MapSlice `yaml:"outputs"`
	}
	if err := yaml.Unmarshal(file, &doc); err != nil {
		return nil, fmt.Errorf("parse action.yml: %w", err)
	}
	s := &Schema{}
	for _, item := range doc.Inputs {
		in := InputSchema{Name: fmt.Sprint(item.Key)}
		fields, _ := item.Value.(map[string]any)
		for key, to := range map[string]*string{"description": &in.Description, "default": &in.Default, "deprecationMessage": &in.Deprecated} {
			if v, ok := fields[key]; ok {
				*to = fmt.Sprint(v)
			}
		}
		s.Inputs = append(s.Inputs, in)
	}
	for _, item := range doc.Outputs {
		s.Outputs = append(s.Outputs, fmt.Sprint(item.Key))
	}
	return s, nil
}

// ParseNames is [ParseSchema] without the descriptions: they are most of the file, each
// on a line of its own, and only help shows them, so no step waits for them.
func ParseNames(file []byte) (*Schema, error) {
	var rest []byte
	for line := range bytes.Lines(file) {
		if !bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("description: ")) {
			rest = append(rest, line...)
		}
	}
	return ParseSchema(rest)
}
