//go:build !nodemo

package cli

import (
	"context"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/safefile"
	"github.com/valetkey/valetkey/internal/setup"
)

// keeper puts a new App's key where it belongs. A custodian, such as a key
// management service, can be one.
type keeper struct {
	Goes  string // where, in words: "the file key.pem"
	Check func(context.Context) error
	Keep  func(context.Context, setup.App) ([]setup.Kept, error)
	Late  bool // the App has to be installed before
}

// inFile keeps the key in a new file.
func inFile(path string) keeper {
	cannot := func(err error) error {
		if err == nil {
			return nil
		}
		f := fileFault("", path, "can't be written", err, "give the path of a new file in a directory that is there")
		return fault.New("-key-file: "+f.Problem, f.Hint)
	}
	return keeper{
		Goes:  "the file " + actions.Quote(path),
		Check: func(context.Context) error { return cannot(safefile.CheckNew(path)) },
		Keep: func(_ context.Context, app setup.App) ([]setup.Kept, error) {
			if err := safefile.Create(path, []byte(app.Key.Reveal())); err != nil {
				return nil, cannot(err)
			}
			return []setup.Kept{{What: "the key is in the file " + path, Remove: "delete the file"}}, nil
		},
	}
}
