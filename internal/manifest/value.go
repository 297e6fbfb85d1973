package manifest

// value is a part of the file in a form that is easier than YAML's. It is nil
// where the file leaves the part out.
type value struct {
	at         Position
	valid      bool // the table found no error in it
	text       string
	number     int64
	isTrue     bool
	items      []*value
	keys       []string // of fields, in the order of the file
	likelyKeys []string // known keys that the unknown ones probably stand for
	fields     map[string]*value
}

func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	return v.fields[key]
}

func (v *value) textOrEmpty() string {
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
