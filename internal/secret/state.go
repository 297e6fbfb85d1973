package secret

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// State is what earlier runs wrote. For each secret it has a fingerprint of its
// value, under a key that only the App's owner can unwrap, and when GitHub says
// it was written; for each place the id of its repository and its public key.
// It holds nothing that helps to guess a value, or to see that two are equal.
//
// A nil State, and one without a path, knows nothing and stores nothing.
type State struct {
	path     string
	manifest Manifest
	wrapped  wrapped
	key      []byte // the state's own key

	mu     sync.Mutex
	places map[string]*known // by Place.Key

	disk  sync.Mutex // one save at a time
	saved time.Time  // when the last one ended
	took  time.Duration
}

// Manifest says which manifest a state belongs to, so that two manifests don't
// prune each other's secrets. A repository is identified by its id if both
// sides know it: it may have another name by now, and another repository may
// have its old name.
type Manifest struct {
	Host         string // the GitHub that the ids and names belong to, in lower case
	Repository   string // OWNER/NAME of where the manifest is; empty outside of a workflow
	RepositoryID int64  // 0: not known
	Path         string // in that repository, cleaned
}

func (m Manifest) String() string {
	text := m.Path
	if m.Repository != "" {
		text += " of " + m.Repository
	}
	if m.RepositoryID != 0 { // the only difference between two repositories that had one name
		text += fmt.Sprintf(" (id %d)", m.RepositoryID)
	}
	if m.Host != "" {
		text += " at " + m.Host
	}
	return text
}

// same reports whether two are one manifest. Names are not case-sensitive at
// GitHub. Paths are compared without case too, since two jobs may spell them
// differently.
func (m Manifest) same(other Manifest) bool {
	if !strings.EqualFold(m.Path, other.Path) || m.Host != other.Host {
		return false
	}
	if m.RepositoryID != 0 && other.RepositoryID != 0 {
		return m.RepositoryID == other.RepositoryID
	}
	return strings.EqualFold(m.Repository, other.Repository)
}

// known is what the state knows about a place.
type known struct {
	Place
	id      int64     // of the repository; 0: not known
	key     publicKey // the key that values were sealed to last; may be empty
	secrets []record  // by name
}

type record struct {
	name     string // upper-case
	print    fingerprint
	updated  int64 // when it was written, in seconds of Unix; 0: we wrote it and don't know when
	answered bool  // updated is when GitHub answered the write, not yet the time that it reports
}

// writeTakes is the longest time of a write, in seconds. GitHub sets the time
// of a secret while it works on the write, and dates its answer when it is
// done, at most ten seconds later: then it aborts a request.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#timeouts
const writeTakes = 12

// wrote reports whether a time that GitHub reports for a secret is that of our
// write. A time after GitHub's answer belongs to a write of somebody else. If
// two of GitHub's machines have slightly different clocks, a secret is written
// once too often, and no secret is deleted that somebody else has replaced.
func (r record) wrote(updated int64) bool {
	if r.answered {
		return r.updated-writeTakes <= updated && updated <= r.updated
	}
	return r.updated != 0 && r.updated == updated
}

func (r record) compare(name string) int { return cmp.Compare(r.name, name) }

// fingerprint is a MAC, cut to a length that is safe from chance and short in a
// diff.
type fingerprint [16]byte

// kept reports whether the state has a file.
func (s *State) kept() bool { return s != nil && s.path != "" }

// Places returns the places that the state knows, in order.
func (s *State) Places() []Place {
	if !s.kept() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Place
	for _, key := range s.keys() {
		all = append(all, s.places[key].Place)
	}
	return all
}

// keys returns the keys of the places, in order. The caller holds the lock.
func (s *State) keys() []string { return slices.Sorted(maps.Keys(s.places)) }

// records returns what is known about the secrets of a place.
func (s *State) records(key string) []record {
	if !s.kept() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.places[key]; k != nil {
		return slices.Clone(k.secrets)
	}
	return nil
}

// record stores a write and the time of GitHub's answer; zero if that is not
// known. The id of the repository and the public key of the place are stored
// with it if they are known.
func (s *State) record(w *Wanted, answered time.Time, id int64, sealedTo publicKey) {
	if !s.kept() {
		return
	}
	key := w.Key()
	r := record{name: strings.ToUpper(w.Name), print: s.fingerprint(key, w.Name, w.Value)}
	if !answered.IsZero() {
		r.updated, r.answered = answered.Unix(), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.places[key]
	if k == nil {
		k = &known{Place: w.Place}
		s.places[key] = k
	}
	if id != 0 {
		if k.id != 0 && k.id != id { // the known secrets belong to another repository, which had the name
			k.secrets = nil
		}
		k.id = id
	}
	if sealedTo.key != nil {
		k.key = sealedTo
	}
	k.put(r)
}

// settle replaces the time of GitHub's answer to a write by the exact time that
// GitHub reports for the secret. It reports whether that changed anything.
func (s *State) settle(key, name string, updated int64) bool {
	if !s.kept() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.places[key]
	if k == nil {
		return false
	}
	i, found := slices.BinarySearchFunc(k.secrets, strings.ToUpper(name), record.compare)
	if !found || !k.secrets[i].answered || !k.secrets[i].wrote(updated) {
		return false
	}
	k.secrets[i].updated, k.secrets[i].answered = updated, false
	return true
}

// place returns what is known about a place besides its secrets.
func (s *State) place(key string) (id int64, sealedTo publicKey) {
	if !s.kept() {
		return 0, publicKey{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.places[key]; k != nil {
		return k.id, k.key
	}
	return 0, publicKey{}
}

// has reports whether the state knows a secret.
func (s *State) has(key, name string) bool {
	return slices.ContainsFunc(s.records(key), func(r record) bool { return strings.EqualFold(r.name, name) })
}

// Len returns how many secrets the state holds.
func (s *State) Len() (n int) {
	if !s.kept() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.places {
		n += len(k.secrets)
	}
	return n
}

// put adds or replaces a record, in the order of names.
func (k *known) put(r record) {
	i, found := slices.BinarySearchFunc(k.secrets, r.name, record.compare)
	if !found {
		k.secrets = slices.Insert(k.secrets, i, r)
	}
	k.secrets[i] = r
}

// forget drops a secret.
func (s *State) forget(key, name string) {
	if !s.kept() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.places[key]
	if k == nil {
		return
	}
	if i, found := slices.BinarySearchFunc(k.secrets, strings.ToUpper(name), record.compare); found {
		k.secrets = slices.Delete(k.secrets, i, i+1)
	}
	if len(k.secrets) == 0 {
		delete(s.places, key)
	}
}

// fingerprint includes place and name, so that it doesn't show when a value is
// used twice.
func (s *State) fingerprint(key, name string, value redact.String) (sum fingerprint) {
	if !s.kept() {
		return sum
	}
	plain := []byte(value.Reveal())
	defer clear(plain)
	h := s.mac("fingerprint")
	frame(h, []byte(key))
	frame(h, []byte(strings.ToUpper(name)))
	frame(h, plain)
	copy(sum[:], h.Sum(nil))
	return sum
}

// mac starts a MAC. The purpose keeps MACs for different things apart.
func (s *State) mac(purpose string) hash.Hash {
	h := hmac.New(sha256.New, s.key)
	frame(h, []byte("valetkey state: "+purpose))
	return h
}

// frame writes a part after its length, so that moving bytes from one part to
// the next changes the MAC.
func frame(h hash.Hash, part []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(part)))
	h.Write(length[:])
	h.Write(part)
}
