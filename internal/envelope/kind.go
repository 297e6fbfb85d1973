package envelope

import (
	"slices"
	"strings"
)

// kind is a kind of key: age's type of a stanza, which is the entry for one
// recipient in the header of a file.
type kind string

const (
	ageKey     kind = "X25519"
	hybridKey  kind = "mlkem768x25519"
	sshEd25519 kind = "ssh-ed25519"
	sshRSA     kind = "ssh-rsa"
	passphrase kind = "scrypt"
	pluginKey  kind = "plugin" // all others; they need a program of their own
)

func (k kind) String() string {
	switch k {
	case ageKey:
		return "an age key (age1…)"
	case hybridKey:
		return "a post-quantum age key (age1pq1…)"
	case sshEd25519:
		return "an SSH key (ssh-ed25519)"
	case sshRSA:
		return "an RSA key (the App's private key, or ssh-rsa)"
	case passphrase:
		return "a passphrase"
	}
	return "a key of an age plugin"
}

// kindOf reads the type of a stanza. Some tools add stanzas without a recipient
// ("grease") to keep readers tolerant; ok is false for these.
func kindOf(stanza string) (k kind, ok bool) {
	switch k := kind(stanza); k {
	case ageKey, hybridKey, sshEd25519, sshRSA, passphrase:
		return k, true
	}
	return pluginKey, !strings.HasSuffix(stanza, "-grease")
}

// joinKinds joins the names of kinds, each once.
func joinKinds(kinds []kind) string {
	var words []string
	for _, k := range kinds {
		if w := k.String(); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
