package cli

import "github.com/valetkey/valetkey/internal/actions"

// Some of the inputs are written by the generator of package permission, so that one
// goes first.
//
//go:generate go generate ../permission
//go:generate go run ./generate

// schemaOf returns what the action.yml in a folder declares; the folder is empty for
// the root action.
func schemaOf(folder string) *actions.Schema {
	for i := range schemas {
		if schemas[i].Folder == folder {
			return &schemas[i]
		}
	}
	panic(folder + " has no action.yml") // held by a test
}
