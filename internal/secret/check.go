package secret

import (
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// MaxValue is GitHub's limit for one secret, in bytes.
// https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets
const MaxValue = 48 << 10

// Check returns an error, before any request, for what GitHub would refuse. The
// caller makes sure that the name may be shown.
func Check(name string, value redact.String) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if n := len(value.Reveal()); n > MaxValue {
		return fault.New(
			fmt.Sprintf("the value of %s has %d bytes, and GitHub allows %d", name, n, MaxValue),
			"keep large values in an encrypted file, and its passphrase in the secret",
		)
	}
	if text := value.Reveal(); text != "" && strings.TrimSpace(text) == "" {
		return fault.New("the value of "+name+" is white space only",
			"check how the step's env: sets it; a secret that is not set is empty, and one that was pasted may have lost its text")
	}
	return nil
}

// CheckName checks a name against GitHub's rules for secrets and variables.
func CheckName(name string) error {
	letter := func(r rune) bool { return r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }
	switch {
	case name == "", strings.ContainsFunc(name, func(r rune) bool { return !letter(r) && (r < '0' || r > '9') }), !letter(rune(name[0])):
		return fault.New("the name of a secret has only letters, digits and _, and does not begin with a digit",
			"rename it, as in NPM_TOKEN")
	case strings.HasPrefix(strings.ToUpper(name), "GITHUB_"):
		return fault.New(name+": names that begin with GITHUB_ are GitHub's own", "rename it")
	}
	return nil
}
