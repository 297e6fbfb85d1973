package rotate

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Origin is where a manifest is kept. It tells the deploy keys of one manifest from
// those of any other, whatever people called them: two manifests may well have been
// copied from the same example.
type Origin struct {
	Host       string // of the repository that keeps the manifest: github.com
	Repository string // of that repository, its numeric id: a name would be another one after a renaming
	Path       string // of the manifest, below the root of the repository, with slashes
}

// idBytes are 48 bits: enough that no two of the rotations that have keys at one
// repository meet by chance. They keep nobody from copying the id out of a title;
// see [Engine] for what that gets him.
const idBytes = 6

// id is what the titles of a rotation's keys carry. It is empty where it is not known
// whose they are, and then it is nobody's. The case of a rotation's name and of a host
// counts for nothing; that of a path does.
func (o Origin) id(rotation string) string {
	if o.Host == "" || o.Repository == "" || o.Path == "" || rotation == "" {
		return ""
	}
	parts := []string{"valetkey rotation", strings.ToLower(o.Host), strings.ToLower(o.Repository), o.Path, strings.ToLower(rotation)}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00"))) // no part has a zero byte in it
	return hex.EncodeToString(sum[:idBytes])
}

var errOrigin = fault.New(
	"it is not known which repository keeps the manifest, so its deploy keys can't be told from those of others",
	"set GITHUB_REPOSITORY_ID to the number of the repository that keeps it",
)
