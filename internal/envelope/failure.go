package envelope

import "errors"

// Sentinels that an [*Error] of [Open] may wrap.
var (
	// ErrEmpty is for an input of nothing, as a job output is that was dropped.
	ErrEmpty = errors.New("empty")
	// ErrNoMatch is for an age file that none of the given identities opens,
	// a wrong passphrase and an identity in the place of one included.
	ErrNoMatch = errors.New("no identity matches")
)

// Error says what is wrong and, apart from it, what to do. Of Open and the Parse
// functions, Problem follows the name of what was read ("is empty: …"); of Seal,
// it stands alone.
type Error struct {
	Problem, Cure string

	is error
}

func (e *Error) Error() string { return e.Problem }

// Hint is the cure, printed on a line of its own.
func (e *Error) Hint() string { return e.Cure }

func (e *Error) Unwrap() error { return e.is }

func wrong(problem, cure string) *Error { return &Error{Problem: problem, Cure: cure} }

// What goes wrong in Seal.
var (
	errNobody = wrong("there is nobody to encrypt for",
		"give recipients, a passphrase or the App's private key")
	errTooMany = wrong("there are more than 100 recipients",
		"encrypt for one key that all of the readers hold")
	errPassphraseAlone = wrong("a passphrase can't be combined with recipients",
		"give either: a file with a passphrase vouches for its sender, which every further recipient would undo")
	errOnePassphrase = wrong("there is more than one passphrase",
		"give one: age files take a single passphrase")
	errMixedQuantum = wrong("post-quantum recipients (age1pq1…) can't be combined with others",
		"give only age1pq1… recipients, or none: any other key in the file would leave it open to a quantum computer")
	errNothing = wrong("there is nothing to encrypt: neither a token nor a value",
		"give the names of the values to encrypt")
	errBoth = wrong("a token and other values can't be in one envelope",
		"make two")
	errTokenForm = wrong("the token has a character that no token has",
		"pass the token alone, without white space")
	errNotText = wrong("a value, or the name of one, is not UTF-8 text",
		"encode it first, as in base64 -w0")
	errTime = wrong("the time at which the token expires can't be written down",
		"give one of the years 1 to 9999")
	errTooLargeToSeal = wrong("the encrypted form would be larger than 1 MiB",
		"encrypt fewer or smaller values: the outputs of a job may have 1 MB together")
	errMaskAlways = wrong("a masked value occurs in what every age file begins with, so the runner would drop the output",
		"find the secret that is a common word or a few characters long, and replace it by a real one")
	errMask = wrong("a masked value occurs in the encrypted form again and again, so the runner would drop the output",
		"find the secret that is one or two characters long, and replace it by a real one")
	errEncrypt = wrong("a recipient's key can't be used",
		"check the recipients: one of them is no valid public key")
)

// What goes wrong in Open, but for what depends on the kinds of keys.
const (
	wholeOutput = "pass the output encrypted-token as it is: one line of base64"
	stockTool   = "to open a file of your own making, pass it in base64: age -e -r … | base64 -w0"
)

var (
	errEmpty = &Error{
		Problem: "is empty: there is nothing to open",
		Cure: "the runner drops a job output that holds a masked value, with a warning in that job, " +
			"or the job that should have set it did not run: is it in needs, and does it declare the output?",
		is: ErrEmpty,
	}
	errTooLarge = wrong("is larger than 1 MiB, which no envelope of ours is",
		wholeOutput)
	errMasked = wrong("is ***, which a log shows in the place of a masked value",
		"take the value from the output, not from a log")
	errBinary = wrong("is a binary age file, which no input takes unharmed",
		stockTool)
	errNotBase64 = wrong("is neither base64 nor an armoured age file",
		wholeOutput)
	errNotAge = wrong("is base64, but not of an age file",
		wholeOutput+"; "+stockTool)
	errOtherAge = wrong("is an age file of another version than v1",
		"encrypt it with age 1.0 or later")
	errCut = wrong("is cut off: the end of the age file is missing",
		wholeOutput)
	errDamaged = wrong("is damaged: a part of the age file was changed or is missing",
		wholeOutput)
	errCostly = wrong("asks for more work than a passphrase is worth: its scrypt work factor is over 19",
		"encrypt it again with age's own factor, which is 18, or for a recipient, which costs nothing")
	errNotOurs = wrong("opens, but what is in it is neither a token nor values as valetkey writes them",
		`what is in it has to be JSON like {"version":1,"values":{"NAME":"…"}}: use the encrypt action`)
	errNewer = wrong("was made by a newer release of valetkey",
		"use the same release here as in the job that made it")
)
