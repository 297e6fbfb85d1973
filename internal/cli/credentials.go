package cli

import (
	"cmp"
	"context"
	"crypto"
	"fmt"
	"os"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// maxKeyFile bounds the file of a key. A key of 16,384 bits takes at most 14
// KiB.
const maxKeyFile = 64 << 10

const (
	giveThePEM        = "give the path of the .pem file that GitHub made"
	whatContainersSee = "a container action sees the files of the workspace and of RUNNER_TEMP"
)

// appKey is the App's private key as the step got it: as text, in a file, which
// shows up in no list of processes, no shell history and no variable, or as the
// URI of a key that is elsewhere.
type appKey struct {
	Text    redact.String
	URI     string
	Custody *custody.Config // who signs with the key of the URI, without functions
	Input   string          // the input that it came from, for faults
	Wrong   bool            // it cannot be read, and the fault is noted
	Set     bool            // settings of a URI are given
}

// readAppKey reads private-key, or the file that private-key-file names, or key
// with its settings. It masks the key before anything can fail or print.
func readAppKey(r *actions.Runner, in *actions.Inputs) *appKey {
	k := readKeyText(r, in)
	if !in.Declares("key") {
		return k
	}
	other := k.Given()
	k.URI = in.String("key")
	maskPasted(r, k.URI)
	k.readSettings(r, in)
	switch {
	case k.URI != "" && other:
		in.Fault("key", "can't be used with "+k.Input, "give one of them")
		k.Wrong = true
	case k.URI != "", k.Set && !other:
		k.Input = "key"
	}
	return k
}

// readKeyText reads private-key, or the file that private-key-file names.
func readKeyText(r *actions.Runner, in *actions.Inputs) *appKey {
	k := &appKey{Text: in.Key("private-key"), Input: "private-key"}
	r.Mask(actions.LongLines(k.Text)...)
	path := in.String("private-key-file")
	if path == "" {
		return k
	}
	if redact.MayBeSecret(path) { // the key itself, in the wrong input
		r.Mask(actions.EachLine(redact.New(path))...)
	}
	both := !k.Text.Empty()
	k.Input, k.Wrong = "private-key-file", true
	if both {
		in.Fault(k.Input, "can't be used with private-key", "give one of them")
		return k
	}
	text, err := safefile.Read(path, maxKeyFile)
	if err != nil {
		f := fileFault(k.Input, path, "can't be read", err,
			giveThePEM+"; "+whatContainersSee)
		in.Fault(f.Input, f.Problem, f.Hint)
		return k
	}
	if k.Text = redact.New(string(text)); strings.TrimSpace(k.Text.Reveal()) == "" {
		in.Fault(k.Input, actions.Quote(path)+" is empty", giveThePEM)
		return k
	}
	r.Mask(actions.LongLines(k.Text)...)
	k.Wrong = false
	warnOfReaders(r, k.Input, path)
	return k
}

// warnOfReaders warns of a key that others on this machine can read. It leaves
// runners alone, whose files belong to one job on a machine that has no other
// user, or should have none.
func warnOfReaders(r *actions.Runner, input, path string) {
	info, err := os.Stat(path)
	if err != nil || r.OnRunner() {
		return
	}
	if _, _, known := safefile.Owner(info); known && info.Mode().Perm()&0o044 != 0 {
		r.Warning("%s", fault.Text(fault.New(
			fmt.Sprintf("%s: %s can be read by others on this machine (mode %04o)", input, actions.Quote(path), info.Mode().Perm()),
			"chmod 600 it")))
	}
}

// Given reports whether there is a key, or was meant to be one.
func (k *appKey) Given() bool { return k.Wrong || k.URI != "" || !k.Text.Empty() }

// reachable reports whether this run may sign with the key, if there is one. A
// run that gets no secrets may get no OIDC token either, and a role takes one.
func (k *appKey) reachable(r *actions.Runner) bool {
	cause, _ := r.WithoutSecrets("")
	return k.Given() && (cause == "" || !takesRole(k.Custody) || k.Custody.Job.RequestURL != "")
}

// open returns the key, or nil after noting a fault. Whoever signs with it calls
// [closeKey] at the end; ctx bounds all that signing does.
func (k *appKey) open(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs, h host) crypto.Signer {
	if k.URI == "" || k.Wrong {
		return k.parse(r, in)
	}
	key, err := p.custodian(ctx, r, h, k.URI, k.Custody)
	if err != nil {
		k.fault(in, err)
		return nil
	}
	return key
}

// fault notes an error of the package custody, at the input that it begins with.
func (k *appKey) fault(in *actions.Inputs, err error) {
	input, problem := k.Input, err.Error()
	if word, rest, _ := strings.Cut(problem, " "); word == "key" {
		problem = rest
	} else if in.Declares(word) {
		input, problem = word, rest
	}
	in.Fault(input, problem, fault.Hint(err))
}

// parse returns the key itself, or nil after noting a fault.
func (k *appKey) parse(r *actions.Runner, in *actions.Inputs) crypto.Signer {
	if k.Wrong {
		return nil
	}
	skip := ""
	if in.Declares("on-missing-key") {
		skip = "set on-missing-key: skip to go on without a token"
	}
	if cause, hint := r.WithoutSecrets(skip); k.Text.Empty() && cause != "" {
		in.Fault(k.Input, "is empty: "+cause, hint)
		return nil
	}
	if k.Input == "key" {
		in.Fault(k.Input, "is empty, and its settings are not", "give the URI of the App's key, as in awskms:///alias/NAME")
		return nil
	}
	key, err := githubapp.ParseKey(k.Text)
	if err != nil {
		hint := fault.Hint(err)
		if k.Text.Empty() {
			hint += missingKey
		}
		in.Fault(k.Input, err.Error(), hint)
	}
	return key
}

// missingKey names the two places where a secret that exists is empty all the
// same:
// https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows
// and .../write-workflows/choose-what-workflows-do/deploy-to-environment
const missingKey = ". A reusable workflow has it only with secrets: inherit in the job that calls it, " +
	"and a secret of an environment is there only with environment: in the job"

// parseIssuer returns the client id, or else app-id. GitHub takes either as the
// issuer of a JWT, and app-id may hold either, as with
// actions/create-github-app-token.
func parseIssuer(in *actions.Inputs, optional bool) string {
	client, app := in.String("client-id"), in.String("app-id")
	if client != "" && !speaksID(client) {
		in.Fault("client-id", actions.Quote(client)+" is not a client id",
			"copy it from the App's settings page; it looks like Iv23li0123456789abcd")
	}
	if app != "" && !isID(app) && (!strings.HasPrefix(app, "Iv") || !speaksID(app)) {
		in.Fault("app-id", actions.Quote(app)+" is not an App id", "it is a number; or pass the client id in client-id instead")
	}
	if client+app == "" && !optional {
		in.Fault("client-id", "is empty", "pass the App's client id, from its settings page, as in client-id: ${{ vars.APP_CLIENT_ID }}")
	}
	return cmp.Or(client, app)
}

// credentials are what a step that works on a fleet acts as: an App, or a
// token.
type credentials struct {
	Issuer string
	AppKey *appKey       // as the step got it
	Key    crypto.Signer // nil if there is a Token; whoever signs with it calls closeKey
	Token  redact.String
	Host   host
}

// parseCredentials reads the App's inputs, and token if the action has it.
func parseCredentials(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs, hasToken bool) credentials {
	c := credentials{AppKey: readAppKey(r, in)}
	if hasToken {
		c.Token = redact.New(in.String("token"))
		r.Mask(actions.Encodings(c.Token)...)
	}
	c.Issuer = parseIssuer(in, !c.Token.Empty())
	c.Host = parseHost(r, in)
	switch {
	case c.Token.Empty():
		c.Key = c.AppKey.open(ctx, p, r, in, c.Host)
	case c.AppKey.Given() || c.AppKey.Set || c.Issuer != "":
		in.Fault("token", "can't be used with client-id, app-id, private-key or key", "give the App, or a token")
	case !redact.IsWord(c.Token.Reveal()):
		in.Fault("token", "is not a token: it has white space or other characters that no token has",
			"pass the output token of valetkey as it is")
	}
	return c
}
