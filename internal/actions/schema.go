package actions

// Schema is what the action.yml of an action declares: the one place for names and
// defaults.
type Schema struct {
	Folder  string // where the action.yml is, "" for the root
	Inputs  []InputSchema
	Outputs []string
}

// InputSchema is one declared input.
type InputSchema struct{ Name, Description, Default, Deprecated string }
