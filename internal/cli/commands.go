package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/valetkey/valetkey/internal/manifest"
)

// commands returns the one table of commands. Dispatch, the usage and -h are
// made from it.
func commands() table {
	inputs := func(folder string) *string { return &folder }
	return table{
		{
			Name: "mint", Summary: "mint a token for this workflow step; mint --print prints one, for a shell",
			Action: inputs(""), Run: action(runMint), Print: runMintPrint,
		},
		{
			Name: "decrypt", Summary: "open an encrypted token, or encrypted values, in a later job",
			Action: inputs("decrypt"), Run: action(runDecrypt),
		},
		{
			Name: "revoke", Summary: "revoke a token now",
			Action: inputs("revoke"), Run: action(runRevoke),
		},
		{
			Name: "encrypt", Summary: "encrypt values for another job",
			Action: inputs("encrypt"), Run: action(runEncrypt),
		},
		{
			Name: "sync", Summary: "set the secrets of many repositories as a manifest says",
			Action: inputs("sync"), Run: action(runSync),
		},
		{
			Name: "rotate", Summary: "replace credentials of the manifest that are due",
			Action: inputs("rotate"), Run: action(runRotate),
		},
		{
			Name: "pats", Summary: "govern personal access tokens by a policy; pats explain TOKEN_ID says why",
			Action: inputs("pats"), Run: action(runPATs), Explain: runExplainPAT,
		},
		{
			Name: "custody", Summary: "tell whether the App's key signs where it is, and whether GitHub takes it: custody check",
			Flags: true, Data: true, Run: runCustody,
		},
		{
			Name: "git-credential", Summary: "a credential helper for git: mints for the repository that git asks for",
			Flags: true, Data: true, Run: runGitCredential,
		},
		{
			Name: "token", Summary: "print the job's token, after a step with refresh: true",
			Data: true, Run: runToken,
		},
		{
			Name:    "explain",
			Summary: "explain scopes, API operations, permissions, refusals of GitHub or a personal token, and show the step to use",
			Flags:   true, Data: true, Run: runExplain,
		},
		{
			Name: "manifest-schema", Summary: "print the JSON Schema of the manifest, for editors",
			Data: true, Run: printed(func() string { return string(manifest.Schema()) }),
		},
		{
			Name: "setup", Summary: "make a GitHub App with the permissions that a job takes, install it, and put its key where it belongs",
			Flags: true, Data: true, Run: runSetup,
		},
		{
			Name:    "demo",
			Summary: "show it all on this machine, or one chapter (demo mint), against an embedded GitHub; --serve keeps that running",
			Flags:   true, Run: runDemo,
		},
		{
			Name: "completion", Summary: "print what makes a shell complete these commands: completion bash, zsh or fish",
			Flags: true, Data: true, Run: runCompletion,
		},
		{
			Name: "man", Summary: "print the manual page: valetkey man | man -l -",
			Data: true, Run: runMan,
		},
		{
			Name: "version", Summary: "print the version, and the commit that it was built from",
			Data: true, Run: printed(func() string { return built().String() }),
		},
		{
			Name: "help", Summary: "print this list, or what a command takes: help COMMAND",
			Flags: true, Data: true, Run: runHelp,
		},
	}
}

// runHelp is the command help, which needs the table that it stands in.
func runHelp(ctx context.Context, p Process, _ command, args []string) int {
	return commands().help(ctx, p, args)
}

// runCompletion is the command completion, which needs the table, too.
func runCompletion(ctx context.Context, p Process, c command, args []string) int {
	return commands().completion(ctx, p, c, args)
}

// runMan is the command man, which needs it as well.
func runMan(ctx context.Context, p Process, _ command, _ []string) int { return commands().man(ctx, p) }

// Main runs one command and returns its exit code.
func Main(p Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The runner passes the same arguments to the main and the post stage, so
	// only the program's name tells them apart. Saved state would be a guess: it
	// would run a main stage again that failed before it saved any.
	if strings.TrimSuffix(filepath.Base(p.Args[0]), ".exe") == "post" {
		return guard(p.runner(), exitOK, func() int { return runPost(ctx, p) }) // never fails a job
	}
	if len(p.Args) < 2 {
		fmt.Fprint(p.Stderr, commands().usage())
		return exitUsage
	}
	name, args := p.Args[1], p.Args[2:]
	switch name {
	case "-h", "--help":
		name = "help"
	case "--version":
		name = "version"
	}
	c, ok := commands().find(name)
	if !ok {
		return commands().unknown(p, name)
	}
	r := p.runner()
	if c.data(args) {
		r = p.plain()
	}
	return guard(r, exitFailure, func() int { return c.run(ctx, p, args) })
}
