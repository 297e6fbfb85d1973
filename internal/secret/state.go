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

// State is what earlier runs wrote: for each secret a fingerprint of its value,
// under a key that only the App's owner can unwrap, and when GitHub says it was
// written; for each place the id of its repository and its public key. It holds
// nothing that helps to guess a value, or to tell that two are equal.
//
// A nil State, and one without a path, knows nothing and keeps nothing.
type State struct {
	path     string
	manifest Manifest
	wrapped  wrapped
	key      []byte // the state's own

	mu     sync.Mutex
	places map[string]*known // by Place.Key

	disk  sync.Mutex // one save at a time
	saved time.Time  // the last one's end
	took  time.Duration
}

// Manifest says which manifest a state belongs to, so that two don't prune each
// other's secrets. A repository is told by its id where both sides know it: it may
// have another name by now, and its old name may be another's.
type Manifest struct {
	Host         string // whose ids and names they are, in lower case
	Repository   string // OWNER/NAME of where the manifest is; empty outside of a workflow
	RepositoryID int64  // 0: not known
	Path         string // in that repository, cleaned
}

func (m Manifest) String() string {
	text := m.Path
	if m.Repository != "" {
		text += " of " + m.Repository
	}
	if m.RepositoryID != 0 { // of two that had one name, only this tells
		text += fmt.Sprintf(" (id %d)", m.RepositoryID)
	}
	if m.Host != "" {
		text += " at " + m.Host
	}
	return text
}

// same reports whether two are one manifest. Case doesn't count in names, as GitHub
// has it, nor in paths, which two jobs may spell differently.
func (m Manifest) same(other Manifest) bool {
	if !strings.EqualFold(m.Path, other.Path) || m.Host != other.Host {
		return false
	}
	if m.RepositoryID != 0 && other.RepositoryID != 0 {
		return m.RepositoryID == other.RepositoryID
	}
	return strings.EqualFold(m.Repository, other.Repository)
}

// known is what the state knows of a place.
type known struct {
	Place
	id      int64     // of the repository; 0: not known
	key     publicKey // what values were sealed to last; may be empty
	secrets []record  // by name
}

type record struct {
	name    string // upper-case
	print   fingerprint
	updated int64 // when it was written, in seconds of Unix; 0: we wrote it and don't know when
	about   bool  // updated is when GitHub answered the write, not yet what it tells of the secret
}

// writeTakes is in seconds. GitHub notes the time of a write while it works on it, and
// dates its answer when it is done, ten seconds later at most: then it cuts a request
// off.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#timeouts
const writeTakes = 12

// wrote reports whether a time that GitHub tells of a secret is that of our write. What
// came after GitHub's answer to that is somebody else's: where two of its machines have
// clocks a little apart, a secret is written once too often, and none is deleted that
// another has replaced.
func (r record) wrote(updated int64) bool {
	if r.about {
		return r.updated-writeTakes <= updated && updated <= r.updated
	}
	return r.updated != 0 && r.updated == updated
}

func (r record) compare(name string) int { return cmp.Compare(r.name, name) }

// fingerprint is a MAC, cut to what chance and a diff can bear.
type fingerprint [16]byte

// kept tells whether there is a file.
func (s *State) kept() bool { return s != nil && s.path != "" }

// Places are those that the state knows, in order.
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

// keys wants the lock.
func (s *State) keys() []string { return slices.Sorted(maps.Keys(s.places)) }

// at gives what is known of a place.
func (s *State) at(key string) []record {
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

// note records a write that GitHub answered at a time; zero: it did not say when. The
// id of the repository and the public key of the place are kept with it, as far as
// they are known.
func (s *State) note(w *Wanted, answered time.Time, id int64, sealedTo publicKey) {
	if !s.kept() {
		return
	}
	key := w.Key()
	r := record{name: strings.ToUpper(w.Name), print: s.fingerprint(key, w.Name, w.Value)}
	if !answered.IsZero() {
		r.updated, r.about = answered.Unix(), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.places[key]
	if k == nil {
		k = &known{Place: w.Place}
		s.places[key] = k
	}
	if id != 0 {
		if k.id != 0 && k.id != id { // what is known is of another repository, which had the name
			k.secrets = nil
		}
		k.id = id
	}
	if sealedTo.key != nil {
		k.key = sealedTo
	}
	k.put(r)
}

// settle puts down what GitHub tells of a write as its exact time. It reports whether
// that is news.
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
	if !found || !k.secrets[i].about || !k.secrets[i].wrote(updated) {
		return false
	}
	k.secrets[i].updated, k.secrets[i].about = updated, false
	return true
}

// place returns what is known of a place besides its secrets.
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
	return slices.ContainsFunc(s.at(key), func(r record) bool { return strings.EqualFold(r.name, name) })
}

// Len is how many secrets the state holds.
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

// put keeps the order of names.
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

// fingerprint takes place and name in, so that a value used twice doesn't show.
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

// mac begins one; what it is for keeps MACs for different things apart.
func (s *State) mac(purpose string) hash.Hash {
	h := hmac.New(sha256.New, s.key)
	frame(h, []byte("valetkey state: "+purpose))
	return h
}

// frame writes a part with its length first: what is moved from one part to the
// next makes another MAC.
func frame(h hash.Hash, part []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(part)))
	h.Write(length[:])
	h.Write(part)
}
