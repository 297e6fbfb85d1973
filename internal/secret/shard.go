package secret

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Shard is a part of all places: the part of one job of a matrix. The zero
// Shard has all of them.
type Shard struct{ Index, Total int }

// maxShards is how many jobs of a matrix GitHub allows.
const maxShards = 256

// ParseShard parses INDEX/TOTAL, counted from 0 like GitHub's
// strategy.job-index.
func ParseShard(text string) (Shard, error) {
	left, right, _ := strings.Cut(text, "/")
	index, err1 := strconv.ParseUint(left, 10, 16)
	total, err2 := strconv.ParseUint(right, 10, 16)
	if err1 != nil || err2 != nil || index >= total || total > maxShards {
		return Shard{}, fault.New(
			fmt.Sprintf("shard %q is not INDEX/TOTAL, with an index from 0 and a total of at most %d", text, maxShards),
			"write shard: ${{ strategy.job-index }}/${{ strategy.job-total }}",
		)
	}
	return Shard{int(index), int(total)}, nil
}

// Owns reports whether a place is in the shard; all places of a repository are
// in the same one. Each shard has a score for a repository, and the highest
// wins (rendezvous hashing): one more job takes its part from each of the
// others, and nothing else moves. State files rely on the scores.
func (s Shard) Owns(p Place) bool {
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(p.Owner + "/" + p.Repository)))
	hash := h.Sum64()
	best, owner := uint64(0), 0
	for i := range s.Total {
		if score := mix(hash + uint64(i+1)*0x9e3779b97f4a7c15); score > best { // of at most 256
			best, owner = score, i
		}
	}
	return owner == s.Index
}

// mix is the finalizer of SplitMix64: each bit of x changes half of the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
