package manifest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Schema returns a JSON Schema of the manifest, for editors. It says what the
// table says; [Parse] checks more, such as which owner a topic belongs to.
func Schema() []byte {
	schema := fileShape.schema()
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = ".github/valetkey.yml"
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(schema) // our own maps, lists and texts never fail
	return out.Bytes()
}

func (s *shape) schema() map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range s.fields {
		properties[f.key] = f.schema()
		if f.required {
			required = append(required, f.key)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if s.about != "" {
		schema["description"] = plain(s.about)
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	if s.atLeastOne {
		schema["minProperties"] = 1
	}
	for name, keys := range map[string][]string{"oneOf": s.exactlyOne, "anyOf": s.anyOf} {
		var choices []any
		for _, key := range keys {
			choices = append(choices, requires(key))
		}
		if choices != nil {
			schema[name] = choices
		}
	}
	var all []any
	for _, r := range s.rules {
		all = append(all, r.schema())
	}
	if all != nil {
		schema["allOf"] = all
	}
	return schema
}

func requires(key string) map[string]any { return map[string]any{"required": []string{key}} }

// schema returns a rule as a condition and its consequence.
func (r rule) schema() map[string]any {
	condition, properties, then := requires(r.key), map[string]any{}, map[string]any{}
	if r.is != "" {
		condition["properties"] = map[string]any{r.key: map[string]any{"const": r.is}}
	}
	if r.needs != "" {
		then["required"] = []string{r.needs}
	}
	if r.not != "" {
		properties[r.not] = false
	}
	if r.only != "" {
		// Only one of the two branches makes sense for the kind of the key; the
		// other says nothing.
		alone := map[string]any{"const": r.word}
		properties[r.only] = map[string]any{"if": map[string]any{"type": "array"}, "then": map[string]any{"items": alone}, "else": alone}
	}
	if len(properties) > 0 {
		then["properties"] = properties
	}
	return map[string]any{"if": condition, "then": then}
}

func (f *field) schema() map[string]any {
	var schema map[string]any
	switch f.kind {
	case object:
		schema = f.of.schema()
	case objects:
		schema = map[string]any{"type": "array", "minItems": 1, "items": f.of.schema()}
	case boolean:
		schema = map[string]any{"type": "boolean"}
		if f.onlyTrue {
			schema["const"] = true
		}
	case integer:
		schema = f.number()
		if f.form != nil {
			schema = map[string]any{"anyOf": []any{schema, f.form.schema()}}
		}
	case integers:
		schema = map[string]any{"type": "array", "minItems": 1, "items": f.number(), "uniqueItems": f.unique}
	case levels:
		schema = map[string]any{
			"type": "object", "minProperties": 1,
			"propertyNames": f.form.schema(), "additionalProperties": map[string]any{"enum": f.words},
		}
	case list:
		schema = map[string]any{"type": "array", "minItems": 1, "items": f.texts()}
		if f.unique {
			schema["uniqueItems"] = true
		}
	default:
		schema = f.texts()
	}
	schema["description"] = plain(f.about)
	if f.defaultText != "" {
		schema["default"] = f.defaultValue()
	}
	return schema
}

// number returns the schema of one number of the key.
func (f *field) number() map[string]any {
	return map[string]any{"type": "integer", "minimum": f.least, "maximum": f.most}
}

// texts returns the schema of one text of the key.
func (f *field) texts() map[string]any {
	if len(f.words) > 0 {
		return map[string]any{"enum": f.words}
	}
	return f.form.schema()
}

func (f *form) schema() map[string]any {
	schema := map[string]any{"type": "string", "pattern": f.pattern}
	if f.never != "" {
		schema["not"] = map[string]any{"pattern": f.never}
	}
	if f.longest > 0 {
		schema["maxLength"] = f.longest
	}
	return schema
}

// defaultValue returns the default in the type of the key.
func (f *field) defaultValue() any {
	switch f.kind {
	case boolean:
		return f.defaultText == "true"
	case integer:
		n, _ := strconv.Atoi(f.defaultText)
		return n
	case list:
		return []string{f.defaultText}
	}
	return f.defaultText
}

// plain removes the marks of Markdown.
func plain(text string) string {
	text = strings.ReplaceAll(text, "[permissions.md](permissions.md)", "docs/permissions.md")
	return strings.ReplaceAll(text, "`", "")
}
