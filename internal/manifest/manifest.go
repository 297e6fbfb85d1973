// Package manifest is the schema of .github/valetkey.yml: which secrets go where,
// and which credentials are replaced how often. One table describes it, and
// parsing, the JSON Schema for editors and the reference in docs/manifest.md all
// come from that.
//
// It does no input or output, holds no value of a secret and asks GitHub nothing.
// Start at [Parse].
package manifest

import (
	"strconv"
	"time"
)

//go:generate go run ./generate

// File is a whole manifest, with defaults filled in. It is for reading only, by
// as many as like to.
type File struct {
	Secrets   []Secret
	Rotations []Rotation

	source *source
}

// Fault is for what turns out to be wrong after parsing: it shows the line as the
// parser's own faults do.
func (f *File) Fault(at Position, problem, hint string) *Fault {
	return f.source.fault(at, problem, hint)
}

// Position is where something stands in the manifest, from 1 on; columns count
// characters.
type Position struct{ Line, Column int }

func (p Position) String() string { return "line " + strconv.Itoa(p.Line) }

// before tells which of two comes first.
func (p Position) before(q Position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Column < q.Column
}

// Secret is one secret and every place that it goes to. Exactly one of Variable
// and Mint is set.
type Secret struct {
	Position
	Name     string // at the target
	Variable string // the environment variable that holds the value
	Mint     *Scope // or: a fresh installation token
	To       []Target
}

// Scope is what a token opens.
type Scope struct {
	Position
	Repositories Selection // of one owner
	Permissions  map[string]string
}

// Target is where a secret goes: repositories, environments of them, or an
// organization. Exactly one of Repositories and Organization is set.
type Target struct {
	Position
	Repositories       Selection
	Environments       []string // only with Repositories
	CreateEnvironments bool
	Organization       string
	Apps               []string  // never empty
	Visibility         string    // of an organization's secret: all, private, selected; empty keeps what is there
	Selected           Selection // with visibility selected
}

// Rotation is one credential that is replaced again and again. Exactly one of
// DeployKey, InstallationToken, Random and Age is set.
type Rotation struct {
	Position
	Name              string
	DeployKey         *DeployKey
	InstallationToken *Scope
	Random            *Random
	Age               bool
	Every             time.Duration
	Keep              int           // deploy keys: how many replaced ones stay
	RetireAfter       time.Duration // deploy keys: for how long a replaced one stays at least
	Store             []Store
}

// DeployKey is an SSH key of one repository.
type DeployKey struct {
	Owner, Repository string
	Title             string
	ReadOnly          bool
}

// Random is a generated secret.
type Random struct {
	Bytes    int
	Encoding string // hex, base64 or base64url
}

// Store is where a rotation's new value goes. Exactly one of Repository and
// Organization is set; with the first, Owner is its owner.
type Store struct {
	Position
	Owner, Repository string
	Environment       string
	Organization      string
	Secret            string
	Apps              []string // never empty
	Visibility        string
	Selected          Selection
	RecipientVariable string // with age: the Actions variable that gets the recipient
}
