package envelope

import (
	"errors"

	"github.com/valetkey/valetkey/internal/fault"
)

// Sentinels that an error of [Open] may wrap.
var (
	// ErrEmpty is for an empty input, such as a job output that was dropped.
	ErrEmpty = errors.New("empty")
	// ErrNoMatch is for an age file that none of the given identities opens,
	// including a wrong passphrase and an identity in the place of one.
	ErrNoMatch = errors.New("no identity matches")
)

// The errors of Seal. They stand alone; those of Open and of the Parse
// functions follow the name of the input, as in "is empty: …".
var (
	errNobody = fault.New("there is nobody to encrypt for",
		"give recipients, a passphrase or the App's private key")
	errTooMany = fault.New("there are more than 100 recipients",
		"encrypt for one key that all of the readers hold")
	errPassphraseAlone = fault.New("a passphrase can't be combined with recipients",
		"give either: a file with a passphrase vouches for its sender, which every further recipient would undo")
	errOnePassphrase = fault.New("there is more than one passphrase",
		"give one: age files take a single passphrase")
	errMixedQuantum = fault.New("post-quantum recipients (age1pq1…) can't be combined with others",
		"give only age1pq1… recipients, or none: any other key in the file would leave it open to a quantum computer")
	errNothing = fault.New("there is nothing to encrypt: neither a token nor a value",
		"give the names of the values to encrypt")
	errBoth = fault.New("a token and other values can't be in one envelope",
		"make two")
	errTokenForm = fault.New("the token has a character that no token has",
		"pass the token alone, without white space")
	errNotText = fault.New("a value, or the name of one, is not UTF-8 text",
		"encode it first, as in base64 -w0")
	errTime = fault.New("the time at which the token expires can't be written down",
		"give one of the years 1 to 9999")
	errTooLargeToSeal = fault.New("the encrypted form would be larger than 1 MiB",
		"encrypt fewer or smaller values: the outputs of a job may have 1 MB together")
	errMaskAlways = fault.New("a masked value occurs in what every age file begins with, so the runner would drop the output",
		"find the secret that is a common word or a few characters long, and replace it by a real one")
	errMask = fault.New("a masked value occurs in the encrypted form again and again, so the runner would drop the output",
		"find the secret that is one or two characters long, and replace it by a real one")
	errEncrypt = fault.New("a recipient's key can't be used",
		"check the recipients: one of them is not a valid public key")
)

// The errors of Open, except those that depend on the kinds of keys.
const (
	wholeOutput = "pass the output encrypted-token as it is: one line of base64"
	stockTool   = "to open a file of your own making, pass it in base64: age -e -r … | base64 -w0"
)

var (
	errEmpty = &fault.Error{
		Problem: "is empty: there is nothing to open",
		Hint: "the runner drops a job output that holds a masked value, with a warning in that job, " +
			"or the job that should have set it did not run: is it in needs, and does it declare the output?",
		Err: ErrEmpty,
	}
	errTooLarge = fault.New("is larger than 1 MiB, which no envelope of ours is",
		wholeOutput)
	errMasked = fault.New("is ***, which a log shows in the place of a masked value",
		"take the value from the output, not from a log")
	errBinary = fault.New("is a binary age file, which no input takes unharmed",
		stockTool)
	errNotBase64 = fault.New("is neither base64 nor an armoured age file",
		wholeOutput)
	errNotAge = fault.New("is base64, but not of an age file",
		wholeOutput+"; "+stockTool)
	errOtherAge = fault.New("is an age file of another version than v1",
		"encrypt it with age 1.0 or later")
	errCut = fault.New("is cut off: the end of the age file is missing",
		wholeOutput)
	errDamaged = fault.New("is damaged: a part of the age file was changed or is missing",
		wholeOutput)
	errCostly = fault.New("asks for more work than a passphrase is worth: its scrypt work factor is over 19",
		"encrypt it again with age's own factor, which is 18, or for a recipient, which costs nothing")
	errNotOurs = fault.New("opens, but what is in it is neither a token nor values as valetkey writes them",
		`what is in it has to be JSON like {"version":1,"values":{"NAME":"…"}}: use the encrypt action`)
	errNewer = fault.New("was made by a newer release of valetkey",
		"use the same release here as in the job that made it")
)
