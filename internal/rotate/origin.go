package rotate

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Origin says where a manifest is kept. It separates the deploy keys of one
// manifest from those of any other, whatever their titles are: two manifests
// may well have been copied from the same example.
type Origin struct {
	Host       string // of the repository that keeps the manifest, as in github.com
	Repository string // the numeric id of that repository, since its name may change
	Path       string // of the manifest, relative to the root of the repository, with slashes
}

// idBytes are 48 bits: enough that no two of the rotations with keys in one
// repository get the same id by chance. They do not prevent anybody from
// copying the id out of a title; [Engine] says what that leads to.
const idBytes = 6

// id returns the id that the titles of a rotation's keys carry. It is empty
// when the origin is not fully known; then no key counts as ours. Upper and
// lower case are the same in the name of a rotation and in a host, and differ
// in a path.
func (o Origin) id(rotation string) string {
	if o.Host == "" || o.Repository == "" || o.Path == "" || rotation == "" {
		return ""
	}
	parts := []string{"valetkey rotation", strings.ToLower(o.Host), strings.ToLower(o.Repository), o.Path, strings.ToLower(rotation)}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00"))) // no part contains a zero byte
	return hex.EncodeToString(sum[:idBytes])
}

var errOrigin = fault.New(
	"it is not known which repository keeps the manifest, so its deploy keys can't be told from those of others",
	"set GITHUB_REPOSITORY_ID to the number of the repository that keeps it",
)
