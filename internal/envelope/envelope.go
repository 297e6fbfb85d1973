// Package envelope carries a credential from one job to another as a standard age
// file (age-encryption.org/v1), in one line of base64: such a line survives job
// outputs, environment variables and shells, and anybody can open it without us:
//
//	base64 -d | age -d -i key | jq -r .token
//
// [Seal] makes one and [Open] takes one apart. Who can open it is a list of
// [Recipient]; what opens it is a list of [Identity].
//
// An envelope is confidential, not signed: whoever knows a recipient, which is
// public, can make one. Its content deserves the trust that its way here
// deserves, and no more; only a passphrase also vouches for the sender.
//
// The package reads no environment and no clock, and no text of its errors holds
// a part of what it was given.
package envelope

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/valetkey/valetkey/internal/redact"
)

// Version is that of the JSON in an envelope. It is raised when a reader of the
// old one would misunderstand a new one; new fields alone don't raise it.
const Version = 1

// maxLine bounds an envelope, in both directions. All outputs of a job may have
// 1 MB.
const maxLine = 1 << 20

// Payload is what an envelope holds: a token, or named values. Lists and maps
// that are empty come back as nil, and times to the second.
type Payload struct {
	// A token, and what is known about it. All but the token may be missing.
	Token          redact.String
	ExpiresAt      time.Time
	APIURL         string
	InstallationID int64
	AppSlug        string
	Permissions    map[string]string
	Repositories   []string

	// Values that are none of ours, by name. Neither is checked but for being
	// UTF-8: a name may well be PATH.
	Values map[string]redact.String
}

// Seal encrypts to all of the recipients, in one line of standard base64 without
// padding characters. None of mustNotContain occurs in it: the runner drops a job
// output that holds a masked value, even where it is there by chance, so Seal
// encrypts again until it is not. The error is a [*fault.Error].
func Seal(p Payload, to []Recipient, mustNotContain []redact.String) (string, error) {
	if err := CheckRecipients(to); err != nil {
		return "", err
	}
	plain, err := marshal(p)
	if err != nil {
		return "", err
	}
	if occurs(always, mustNotContain) {
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
		if !occurs(line, mustNotContain) {
			return line, nil
		}
	}
	return "", errMask
}

// attempts is how often Seal encrypts. A mask of two characters is in about a
// third of all lines with a single recipient, so 20 attempts leave one in 10⁹; a
// single character is in nearly all of them. A passphrase takes a second each.
func attempts(to []Recipient) int {
	if to[0].kind == passphrase {
		return 5
	}
	return 20
}

var intro = redact.AgeFile.Prefix() + "v1\n"

// always is what every envelope begins with, whatever is in it.
var always = base64.StdEncoding.EncodeToString([]byte(intro + "->"))

func occurs(line string, values []redact.String) bool {
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
	w, err := age.Encrypt(&file, recipients...) // has written the header and the nonce
	if err != nil {
		return "", errEncrypt
	}
	if _, err = w.Write(unpadded(plain, file.Len())); err != nil {
		return "", errEncrypt
	}
	if err = w.Close(); err != nil {
		return "", errEncrypt
	}
	return base64.StdEncoding.EncodeToString(file.Bytes()), nil
}

// unpadded lengthens a JSON text by spaces, which mean nothing in it, until the
// whole file is a multiple of three bytes. Its base64 then ends without the = or
// == that a last line of some other secret may have made a mask of, and that no
// new encryption would be rid of.
func unpadded(plain []byte, before int) []byte {
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
