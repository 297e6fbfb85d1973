package cli

import (
	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/fleet"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// newFleet returns the owners that these credentials reach. What it tells goes
// to the log of the step.
func newFleet(r *actions.Runner, api *githubapp.API, c credentials, points int) (*fleet.Fleet, error) {
	return fleet.New(fleet.Config{
		API: api, Issuer: c.Issuer, Key: c.Key, Token: c.Token, Points: points,
		Info:    r.Info,
		Warning: func(err error) { r.Warning("%s", fault.Text(err)) },
	})
}

// valueOf returns a function that reads what a manifest takes from the
// environment, and masks it.
func valueOf(p Process, r *actions.Runner) func(variable string) (redact.String, error) {
	return func(variable string) (redact.String, error) {
		value := redact.New(p.Getenv(variable))
		r.Mask(actions.EachLine(value)...)
		switch {
		case isReserved(variable):
			return redact.String{}, fault.New("the variable "+variable+" is the runner's own",
				"give the value to the step under another name")
		case value.Empty():
			return redact.String{}, fault.New("the variable "+variable+" is empty or not set",
				"give it to the step: env: "+variable+": ${{ secrets."+variable+" }}")
		}
		return value, nil
	}
}
