package cli

import (
	"context"
	"fmt"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// runEncrypt is the encrypt action. It encrypts values of the step's
// environment into one line that can be the output of a job.
func runEncrypt(_ context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	values := map[string]redact.String{}
	names := in.List("names")
	if len(names) == 0 {
		in.Fault("names", "is empty", "name the environment variables of this step to encrypt, as in names: DATABASE_PASSWORD")
	}
	for _, name := range names {
		if err := valueName(name); err != nil {
			in.Fault("names", err.Error(), "give it another name in the step's env:")
			continue
		}
		value := redact.New(p.Getenv(name))
		r.Mask(actions.EachLine(value)...)
		switch {
		case value.Empty():
			in.Fault("names", actions.Quote(name)+" is empty or not set",
				"give it to the step in env:; secrets are empty in pull requests from forks")
		case len(actions.Maskable(value)) == 0:
			in.Fault("names", fmt.Sprintf("the value of %s is shorter than %d characters", actions.Quote(name), redact.MinMask),
				"it could not be masked where it is opened; a value that short is not a secret")
		}
		values[name] = value
	}
	to := parseRecipients(r, in)
	if len(to) == 0 && in.Err() == nil {
		in.Fault("recipients", "is empty, and so is passphrase", "give the public key of the one who opens it, as age-keygen -y prints it")
	}
	if err := in.Err(); err != nil {
		return err
	}
	sealed, err := envelope.Seal(envelope.Payload{Values: values}, to, r.Masked())
	if err == nil {
		err = r.Output(actions.Pair{Name: "encrypted", Value: sealed})
	}
	if err == nil {
		r.Info("encrypted %s", wording.Names(names))
	}
	return err
}
