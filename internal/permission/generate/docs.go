package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// page makes docs/permissions.md.
func page(permissions, scopeData, tsv, commandData []byte) ([]byte, error) {
	entries, err := parse(permissions)
	if err != nil {
		return nil, err
	}
	scopes, err := readScopes(scopeData, permissions)
	if err != nil {
		return nil, err
	}
	operations, err := readOperations(tsv, permissions)
	if err != nil {
		return nil, err
	}
	commands, err := readCommands(commandData, permissions)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("<!-- Made by go generate ./internal/permission. DO NOT EDIT. -->\n\n# Permissions\n\n" +
		"What to ask for, when you know the scopes of a personal access token (input `scopes`) or the API calls of a job\n" +
		"(input `operations`). `valetkey explain` answers the same questions for a list of them. The tables follow what GitHub\n" +
		"publishes; where that leaves open how permissions combine, all of them are taken and the action says so.\n")
	pageScopes(&b, scopes)
	pageCommands(&b, commands)
	pagePermissions(&b, entries, operations)
	pagePersons(&b, operations)
	return []byte(b.String()), nil
}

func pageScopes(b *strings.Builder, scopes []scope) {
	b.WriteString("\n## From scopes\n\n" +
		"The narrowest permissions that cover a scope of a classic token, for repositories and organizations.\n\n" +
		"| scope | opens | permissions | to know |\n| --- | --- | --- | --- |\n")
	for _, s := range scopes {
		if !s.Preset && s.Instead == "" {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, s.Grants, listed(joined(s.Permissions)), s.Notice)
		}
	}
	b.WriteString("\n### Presets\n\nA part of a scope, for one job. `scopes` takes them as well.\n\n" +
		"| preset | opens | permissions | to know |\n| --- | --- | --- | --- |\n")
	for _, s := range scopes {
		if s.Preset {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, s.Grants, listed(joined(s.Permissions)), s.Notice)
		}
	}
	b.WriteString("\n### Scopes that no App can have\n\n| scope | opens | why | instead |\n| --- | --- | --- | --- |\n")
	for _, s := range scopes {
		if s.Why != "" {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, s.Grants, s.Why, s.Instead)
		}
	}
}

func pageCommands(b *strings.Builder, commands [][3]string) {
	b.WriteString("\n## From commands\n\n" +
		"`operations` takes these lines besides API operations, without arguments. Where the command is followed\n" +
		"by an asterisk, gh asks GraphQL, for which GitHub lists no permissions: the table has those of the REST operations that\n" +
		"do the same.\n\n" +
		"| command | permissions |\n| --- | --- |\n")
	for _, c := range commands {
		mark := ""
		if strings.Contains(c[2], "graphql") {
			mark = " *"
		}
		fmt.Fprintf(b, "| `%s`%s | %s |\n", c[0], mark, listed(c[1]))
	}
}

// listed formats "contents=read,issues=write" for readers.
func listed(permissions string) string {
	return "`" + strings.NewReplacer("=", ": ", ",", "`, `").Replace(permissions) + "`"
}

func pagePermissions(b *strings.Builder, entries []entry, operations []operation) {
	b.WriteString("\n## What a permission opens\n\n" +
		"For each level: the number of API operations that name it, alone or among others, and the one with the\n" +
		"shortest path. A level includes the ones before it. Every token has `metadata: read`.\n\n" +
		"| permission | of | meaning | operations |\n| --- | --- | --- | --- |\n")
	for _, e := range entries {
		var opens []string
		for _, level := range e.Levels {
			if n, first := named(operations, e.Name+"="+level); n > 0 {
				opens = append(opens, fmt.Sprintf("%s %d: `%s %s`", level, n, first.Method, first.Path))
			} else {
				opens = append(opens, level+" 0")
			}
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.Name, e.Scope, e.Description, strings.Join(opens, "<br>"))
	}
}

// named counts the operations that name "contents=read" and returns the one
// with the shortest path.
func named(operations []operation, permission string) (int, operation) {
	var list []operation
	for _, o := range operations {
		parts := strings.FieldsFunc(o.Permissions, func(r rune) bool { return r == ',' || r == ';' })
		if o.usable() && slices.Contains(parts, permission) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return 0, operation{}
	}
	return len(list), slices.MinFunc(list, func(a, c operation) int { return cmp.Compare(len(a.Path), len(c.Path)) })
}

func pagePersons(b *strings.Builder, operations []operation) {
	b.WriteString("\n## Operations that act for a person\n\n" +
		"They take a user token, and the installation token of an App cannot do them:\n\n```\n")
	var path string
	for _, o := range operations {
		if !slices.Contains(o.Notes, "user") {
			continue
		}
		switch {
		case o.Path == path:
			b.WriteString("|" + o.Method)
		case path != "":
			b.WriteString(" " + path + "\n" + o.Method)
		default:
			b.WriteString(o.Method)
		}
		path = o.Path
	}
	b.WriteString(" " + path +
		"\n```\n\nBesides these, no App reaches notifications, the REST API of packages, and runners of an enterprise.\n")
}
