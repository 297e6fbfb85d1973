//go:build !nodemo

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
)

// completion prints the completion for one shell.
func (t table) completion(ctx context.Context, p Process, c command, args []string) int {
	const hint = "valetkey completion bash, zsh or fish"
	flags := c.flagSet()
	if code, over := c.parseFlags(p, flags, args, 1); over {
		return code
	}
	list := t.manual(ctx)
	switch shell := flags.Arg(0); shell {
	case "bash":
		fmt.Fprint(p.Stdout, completionBash(list))
	case "zsh":
		fmt.Fprint(p.Stdout, completionZsh(list))
	case "fish":
		fmt.Fprint(p.Stdout, completionFish(list))
	case "":
		return misuse(p, "completion takes the name of a shell", hint)
	default:
		return misuse(p, "there is no completion for "+actions.Quote(shell), hint)
	}
	return exitOK
}

// names returns the names of options, each after a prefix.
func names(options []option, prefix string) []string {
	var list []string
	for _, o := range options {
		list = append(list, prefix+o.Name)
	}
	return list
}

// valued returns the flags of a command that take a value, in both spellings.
func (e manualEntry) valued() []string {
	var list []string
	for _, o := range e.Options {
		if o.Value != "" {
			list = append(list, "-"+o.Name, "--"+o.Name)
		}
	}
	return list
}

// completionBash completes commands, their flags and words; where a flag takes a
// value that is not known, bash completes a file.
func completionBash(list []manualEntry) string {
	var b strings.Builder
	b.WriteString(`# Completion of valetkey in bash: source <(valetkey completion bash)
_valetkey() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words='' dashes=-
  COMPREPLY=()
  [[ $current == --* ]] && dashes=--
  if ((COMP_CWORD == 1)); then
    words='`)
	for i, e := range list {
		b.WriteString(strings.Repeat(" ", min(i, 1)) + e.Name)
	}
	b.WriteString("'\n  else\n    case ${COMP_WORDS[1]} in\n")
	for _, e := range list {
		fmt.Fprintf(&b, "      %s)\n", e.Name)
		for _, o := range e.Options {
			if o.Values != nil {
				fmt.Fprintf(&b, "        case $before in -%[1]s|--%[1]s)\n"+
					"          COMPREPLY=($(compgen -W '%[2]s' -- \"$current\")); return 0 ;; esac\n", o.Name, strings.Join(o.Values, " "))
			}
		}
		if valued := e.valued(); len(valued) > 0 {
			fmt.Fprintf(&b, "        case $before in %s) return 0 ;; esac\n", strings.Join(valued, "|"))
		}
		fmt.Fprintf(&b, "        [[ $current == -* ]] && words=\"%s\" || words='%s' ;;\n",
			strings.Join(names(e.Options, "${dashes}"), " "), strings.Join(names(e.Words, ""), " "))
	}
	b.WriteString(`    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _valetkey valetkey
`)
	return b.String()
}

// completionZsh is the same for zsh, with a line of help for each.
func completionZsh(list []manualEntry) string {
	offers := func(options []option, prefix string) string {
		var b strings.Builder
		for _, o := range options {
			b.WriteString(" " + quoteShell(prefix+o.Name+":"+o.Help))
		}
		return b.String()
	}
	var all []option
	for _, e := range list {
		all = append(all, option{Name: e.Name, Help: e.Summary})
	}
	var b strings.Builder
	b.WriteString("#compdef valetkey\n# Completion of valetkey in zsh: source <(valetkey completion zsh)\n" +
		"_valetkey() {\n  local -a offers\n  local before=$words[CURRENT-1] current=$words[CURRENT] dashes=-\n" +
		"  [[ $current == --* ]] && dashes=--\n" +
		"  if (( CURRENT == 2 )); then\n    offers=(" + offers(all, "") + " )\n    _describe command offers\n    return\n  fi\n" +
		"  case $words[2] in\n")
	for _, e := range list {
		fmt.Fprintf(&b, "    %s)\n", e.Name)
		for _, o := range e.Options {
			if o.Values != nil {
				fmt.Fprintf(&b, "      if [[ $before == -%[1]s || $before == --%[1]s ]]; then compadd -- %[2]s; return; fi\n",
					o.Name, strings.Join(o.Values, " "))
			}
		}
		if valued := e.valued(); len(valued) > 0 {
			fmt.Fprintf(&b, "      case $before in %s) _files; return ;; esac\n", strings.Join(valued, "|"))
		}
		fmt.Fprintf(&b, "      if [[ $current == --* ]]; then offers=(%s )\n", offers(e.Options, "--"))
		fmt.Fprintf(&b, "      elif [[ $current == -* ]]; then offers=(%s )\n", offers(e.Options, "-"))
		fmt.Fprintf(&b, "      else offers=(%s ); fi ;;\n", offers(e.Words, ""))
	}
	b.WriteString("  esac\n  (( $#offers )) && _describe argument offers\n}\n" +
		"if [[ $funcstack[1] == _valetkey ]]; then _valetkey; else compdef _valetkey valetkey; fi\n")
	return b.String()
}

// completionFish is the same for fish.
func completionFish(list []manualEntry) string {
	var b strings.Builder
	b.WriteString("# Completion of valetkey in fish: valetkey completion fish | source\n")
	for _, e := range list {
		fmt.Fprintf(&b, "complete -c valetkey -f -n __fish_use_subcommand -a %s -d %s\n", e.Name, quoteFish(e.Summary))
	}
	for _, e := range list {
		within := "complete -c valetkey -n '__fish_seen_subcommand_from " + e.Name + "'"
		if e.Name == "explain" { // a word of pats, too
			within = "complete -c valetkey -n '__fish_seen_subcommand_from explain; and not __fish_seen_subcommand_from pats help'"
		}
		for _, o := range e.Options {
			spelt := "-o " + o.Name + " -l " + o.Name
			if len(o.Name) == 1 {
				spelt = "-s " + o.Name
			}
			switch {
			case o.Values != nil:
				spelt += " -x -a " + quoteFish(strings.Join(o.Values, " "))
			case o.Value != "":
				spelt += " -r"
			}
			fmt.Fprintf(&b, "%s %s -d %s\n", within, spelt, quoteFish(o.Help))
		}
		for _, o := range e.Words {
			fmt.Fprintf(&b, "%s -f -a %s -d %s\n", within, o.Name, quoteFish(o.Help))
		}
	}
	return b.String()
}

// quoteShell quotes a text for a POSIX shell, and so for zsh.
func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// quoteFish quotes a text for fish, where a backslash counts within quotes.
func quoteFish(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
