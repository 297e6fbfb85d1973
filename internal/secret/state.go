package secret

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// State is what earlier runs wrote: for each secret a fingerprint of its value,
// under a key that only the App's owner has, and when GitHub says it was written.
// It holds nothing that helps to guess a value, or to tell that two are equal.
//
// A nil State, and one without a path, knows nothing and keeps nothing.
type State struct {
	path, manifest string
	key            []byte

	mu     sync.Mutex
	places map[string]*known // by Place.Key

	disk  sync.Mutex // one save at a time
	saved time.Time  // the last one's end
	took  time.Duration
}

// known is what the state knows of a place.
type known struct {
	Place
	secrets []record // by name
}

type record struct {
	name    string // upper-case
	print   fingerprint
	updated int64 // what GitHub says, in seconds of Unix; 0: we wrote it and don't know when
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

// note records a write. Updated is zero until GitHub has said when it was.
func (s *State) note(w *Wanted, updated int64) {
	if !s.kept() {
		return
	}
	key := w.Key()
	r := record{strings.ToUpper(w.Name), s.fingerprint(key, w.Name, w.Value), updated}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.places[key]
	if k == nil {
		k = &known{Place: w.Place}
		s.places[key] = k
	}
	k.put(r)
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

// keyCheck tells one key from another.
func (s *State) keyCheck() string {
	return base64.RawURLEncoding.EncodeToString(s.mac("key").Sum(nil)[:16])
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
