package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/wording"
)

// runCustody is the command custody check. It takes the inputs of a mint that
// are about the App, and mints nothing.
func runCustody(ctx context.Context, p Process, c command, args []string) int {
	const usage = "valetkey custody check"
	switch {
	case slices.ContainsFunc(args, isHelp):
		fmt.Fprintf(p.Stdout, "usage: %s\n\n%s\n"+
			"Each input is a variable, as for a mint: INPUT_ and its name in capitals\n\n", usage, wording.Wrap("  ", "  ", c.Summary))
		describeInputs(p.Stdout, slices.DeleteFunc(slices.Clone(schemaOf("").Inputs), func(in actions.InputSchema) bool {
			return !isKeySetting(in.Name) && !strings.Contains(appInputs, " "+in.Name+" ")
		}))
		return exitOK
	case len(args) == 0 || args[0] != "check":
		return misuse(p, "custody takes the word check", usage)
	case len(args) > 1:
		return misuse(p, "custody check takes no arguments, and "+actions.Quote(args[1])+" is one",
			"its inputs are variables, such as INPUT_KEY; "+usage+" -h lists them")
	}
	r := p.plain()
	return exitCode(r, checkCustody(ctx, p, r, p.inputs(r, "")))
}

// appInputs are the inputs about the App besides key and its settings.
const appInputs = " client-id app-id private-key private-key-file github-api-url insecure-http ca-bundle "

// checkCustody signs, shows GitHub a signature, and tells each step.
func checkCustody(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	ctx, cancel := inTime(ctx)
	defer cancel()
	out := actions.NewPlain(p.Stdout, p.Getenv)
	done := func(step string) { out.Info("ok: %s", step) }
	given := readAppKey(r, in)
	given.Custody.Done = done
	issuer, h := parseIssuer(in, false), parseHost(r, in)
	key := given.open(ctx, p, r, in, h)
	if err := in.Err(); err != nil {
		return err
	}
	defer closeKey(ctx, r, key)
	// No signature over this is one over a JWT, which has no zero byte.
	if _, err := crypto.SignMessage(key, rand.Reader, []byte("valetkey custody check\x00"), crypto.SHA256); err != nil {
		return err
	}
	if public, ok := key.Public().(*rsa.PublicKey); ok {
		done("the signature is one of the key " + custody.Fingerprint(public))
	}
	api, err := p.connect(r, h)
	if err != nil {
		return err
	}
	app, err := api.App(issuer, key)
	if err != nil {
		return err
	}
	slug, err := app.Slug(ctx)
	if err != nil {
		return err
	}
	done("GitHub takes it, and knows the App as " + actions.Quote(slug))
	out.Info("nothing is minted")
	return nil
}
