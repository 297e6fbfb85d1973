// Package envelope carries a credential from one job to another as a standard
// age file (age-encryption.org/v1), in one line of base64: such a line survives
// job outputs, environment variables and shells, and opens without this
// program:
//
//	base64 -d | age -d -i key | jq -r .token
//
// [Seal] makes one for a list of [Recipient], and [Open] opens one with a list
// of [Identity].
//
// An envelope is confidential, not signed: anybody who knows a recipient, which
// is public, can make one. Trust its content as far as the way it came, and no
// more; only a passphrase also vouches for the sender.
//
// The package reads no environment and no clock, and its errors repeat nothing
// of its input.
package envelope

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/valetkey/valetkey/internal/redact"
)

// Version is the version of the JSON in an envelope. It is raised when a reader
// of the old version would misunderstand a new envelope; new fields alone don't
// raise it.
const Version = 1

// maxLine bounds an envelope, when sealed and when opened. All outputs of a job
// together may have 1 MB.
const maxLine = 1 << 20

// Payload is the content of an envelope: a token, or named values. Empty lists
// and maps come back as nil, and times without fractions of a second.
type Payload struct {
	// A token, and its properties. All but the token may be missing.
	Token          redact.String
	ExpiresAt      time.Time
	APIURL         string
	InstallationID int64
	AppSlug        string
	Permissions    map[string]string
	Repositories   []string

	// Other values by name. Names and values only have to be UTF-8: a name may
	// well be PATH.
	Values map[string]redact.String
}

// Seal encrypts to all of the recipients, in one line of standard base64
// without padding characters. None of mustNotContain occurs in it: the runner
// drops a job output that holds a masked value, even by chance, so Seal
// encrypts again until the line holds none. The error is a [*fault.Error].
func Seal(p Payload, to []Recipient, mustNotContain []redact.String) (string, error) {
	if err := CheckRecipients(to); err != nil {
		return "", err
	}
	plain, err := marshal(p)
	if err != nil {
		return "", err
	}
	if containsAny(commonPrefix, mustNotContain) {
		return "", errMaskAlways
	}
	for range attempts(to) {
		line, err := encrypt(plain, to)
		if err != nil {
			return "", err
		}
		if len(line) > maxLine {
			return "", errTooLargeToSeal
		}
		if !containsAny(line, mustNotContain) {
			return line, nil
		}
	}
	return "", errMask
}

// attempts returns how often Seal encrypts. A mask of two characters is in
// about a third of all lines with a single recipient, so 20 attempts fail once
// in 10⁹; a single character is in nearly all of them. A passphrase takes a
// second each.
func attempts(to []Recipient) int {
	if to[0].kind == passphrase {
		return 5
	}
	return 20
}

var intro = redact.AgeFile.Prefix() + "v1\n"

// commonPrefix is the beginning of every envelope.
var commonPrefix = base64.StdEncoding.EncodeToString([]byte(intro + "->"))

func containsAny(line string, values []redact.String) bool {
	for _, v := range values {
		if !v.Empty() && strings.Contains(line, v.Reveal()) {
			return true
		}
	}
	return false
}

func encrypt(plain []byte, to []Recipient) (string, error) {
	recipients := make([]age.Recipient, len(to))
	for i, r := range to {
		recipients[i] = r.wraps
	}
	var file bytes.Buffer
	w, err := age.Encrypt(&file, recipients...) // writes the header and the nonce
	if err != nil {
		return "", errEncrypt
	}
	if _, err = w.Write(padded(plain, file.Len())); err != nil {
		return "", errEncrypt
	}
	if err = w.Close(); err != nil {
		return "", errEncrypt
	}
	return base64.StdEncoding.EncodeToString(file.Bytes()), nil
}

// padded appends spaces to a JSON text, where they mean nothing, until the size
// of the whole file is a multiple of three bytes. Its base64 then ends without
// = or ==. Some other secret whose last line is just that may be a mask, and no
// new encryption would get rid of it.
func padded(plain []byte, before int) []byte {
	const chunk, overhead = 64 << 10, 16 // of age's payload; each chunk has a tag
	text := bytes.Clone(plain)
	for {
		chunks := (len(text) + chunk - 1) / chunk
		if (before+len(text)+chunks*overhead)%3 == 0 {
			return text
		}
		text = append(text, ' ')
	}
}
