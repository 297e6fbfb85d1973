package actions

// Schema holds what the action.yml of an action declares. No other place
// defines names and defaults of inputs.
type Schema struct {
	Folder  string // of the action.yml, "" for the root
	Inputs  []InputSchema
	Outputs []string
}

// InputSchema is one declared input.
type InputSchema struct{ Name, Description, Default, Deprecated string }
