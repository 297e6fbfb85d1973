package manifest

// value is a part of the file in a form that is easier than YAML's. A nil one is
// what the file leaves out.
type value struct {
	at     Position
	sound  bool // nothing in it is wrong, as far as the table knows
	text   string
	number int
	yes    bool
	items  []*value
	keys   []string // of fields, in the order of the file
	meant  []string // keys that unknown ones seem to stand for
	fields map[string]*value
}

func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	return v.fields[key]
}

func (v *value) word() string {
	if v == nil {
		return ""
	}
	return v.text
}

func (v *value) list() []*value {
	if v == nil {
		return nil
	}
	return v.items
}
