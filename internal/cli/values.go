package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// notForValues notes a fault for each input that makes no sense for values, so
// that none is ignored.
func notForValues(in *actions.Inputs, req decryptRequest) error {
	for _, given := range []struct {
		input string
		set   bool
	}{
		{"git", req.JobEnv.Git},
		{"gh", req.JobEnv.GH},
		{"bot-identity", req.JobEnv.Bot},
		{"export-env", len(req.JobEnv.Names) > 0},
		{"revoke", req.Revoke},
		{"plaintext-output", req.Encrypted},
	} {
		if given.set {
			in.Fault(given.input, "is for a token, and encrypted-token holds values", "leave it out; names and export are for values")
		}
	}
	return in.Err()
}

// exportValues hands over the values of the encrypt action: those that the step
// names, or all of them as outputs if it names none.
func exportValues(r *actions.Runner, in *actions.Inputs, opened envelope.Payload, req decryptRequest) error {
	if err := notForValues(in, req); err != nil {
		return err
	}
	taken, dropped, err := selectValues(in, opened, req.Names)
	if err != nil {
		return err
	}
	var pairs []actions.Pair
	for _, name := range taken {
		value := opened.Values[name]
		if len(actions.Maskable(value)) == 0 {
			return actions.Fault{
				Input:   "encrypted-token",
				Problem: fmt.Sprintf("holds a value %s of under %d characters, which can't be masked here", name, redact.MinMask),
				Hint:    "a value that short is not a secret: leave it out where the envelope is made, and pass it as a plain output",
			}
		}
		pairs = append(pairs, actions.Pair{Name: name, Value: value.Reveal()})
	}
	write, where := r.Output, "outputs"
	if req.ToEnv {
		write, where = r.Env, "the environment of later steps"
	}
	if err := write(pairs...); err != nil {
		return err
	}
	r.Info("opened %s into %s", wording.Names(taken), where)
	if len(dropped) > 0 {
		r.Info("left out %s, which names does not have", wording.Names(dropped))
	}
	return nil
}

// selectValues returns the names of the values that are handed out and of those
// that are left out, sorted.
func selectValues(in *actions.Inputs, opened envelope.Payload, names []string) (taken, dropped []string, err error) {
	held := slices.Sorted(maps.Keys(opened.Values))
	var shown []string
	for _, name := range held {
		shown = append(shown, actions.Quote(name))
	}
	if len(names) == 0 {
		for _, name := range held {
			if err := valueName(name); err != nil {
				in.Fault("encrypted-token", "holds "+err.Error(),
					"encrypt it again under another name, or say in names which values to take")
			}
		}
		return held, nil, in.Err()
	}
	for i, name := range held {
		if slices.Contains(names, name) {
			taken = append(taken, name)
		} else {
			dropped = append(dropped, shown[i])
		}
	}
	for _, name := range names {
		if !slices.Contains(held, name) {
			in.Fault("names", actions.Quote(name)+" is not in encrypted-token, which holds "+wording.Names(shown),
				"compare it with names of the step that encrypted; case counts")
		}
	}
	return taken, dropped, in.Err()
}
