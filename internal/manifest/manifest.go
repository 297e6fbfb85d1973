// Package manifest is the schema of .github/valetkey.yml: which secrets go
// where, which credentials are replaced how often, and what becomes of personal
// access tokens. One table describes it; the parser, the JSON Schema for
// editors and the reference in docs/manifest.md all come from that table.
//
// It does no input or output, holds no value of a secret and never calls
// GitHub. Start at [Parse].
package manifest

import (
	"strconv"
	"time"
)

//go:generate go run ./generate

// File is a whole manifest, with defaults filled in. It is read-only, so that
// any number of goroutines may use it.
type File struct {
	Secrets   []Secret
	Rotations []Rotation
	PATs      *PATs // nil: no policy

	source *source
}

// Fault returns an error for a problem found after parsing. It shows the line
// as the parser's own errors do.
func (f *File) Fault(at Position, problem, hint string) *Fault {
	return f.source.fault(at, problem, hint)
}

// Position is a place in the manifest, counted from 1; columns count
// characters.
type Position struct{ Line, Column int }

func (p Position) String() string { return "line " + strconv.Itoa(p.Line) }

// before reports whether p comes before q.
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

// Rotation is one credential that is replaced at intervals. Exactly one of
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
// Organization is set; Owner is the repository's owner.
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
