package secret

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The file is lines of JSON, so that a diff shows what a run did: what it is, one
// line for each place, and an end that nothing can be cut from or changed before.
type (
	headLine struct {
		Kind     string `json:"valetkey"`
		Version  int    `json:"version"`
		Manifest string `json:"manifest"`
		Key      string `json:"key_check"`
	}
	placeLine struct {
		Owner       string       `json:"owner"`
		Repository  string       `json:"repository,omitempty"`
		Environment string       `json:"environment,omitempty"`
		App         string       `json:"app"`
		Secrets     []secretLine `json:"secrets"`
	}
	secretLine struct {
		Name        string `json:"name"`
		Fingerprint string `json:"fingerprint"`
		UpdatedAt   string `json:"updated_at,omitempty"`
	}
	endLine struct {
		Places int    `json:"places"`
		MAC    string `json:"mac"`
	}
)

const (
	stateKind    = "state of secrets"
	stateVersion = 1
	stateIntro   = `{"valetkey":"` + stateKind + `","version":`
	temporary    = ".tmp-" // between the file's name and a random end
)

const anew = "delete it to start anew: everything is written once more, and prune does not know of what was written before"

// OpenState reads the file at path, under a key of 32 bytes. Manifest says what
// the file belongs to, so that two manifests don't prune each other's secrets. A
// file that is missing is an empty state; without a path nothing is kept.
func OpenState(path string, key []byte, manifest string) (*State, error) {
	s := &State{path: path, key: key, manifest: manifest, places: map[string]*known{}}
	if path == "" {
		return s, nil
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("the key of a state has 32 bytes, not %d", len(key))
	}
	s.sweep()
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, &fault{"read the state file: " + err.Error(), "give state-file a path that this step can read and write", err}
	}
	if err := s.decode(data); err != nil {
		return nil, err
	}
	return s, nil
}

// sweep removes what runs left that were killed while they saved.
func (s *State) sweep() {
	dir, base := filepath.Split(s.path)
	left, _ := os.ReadDir(filepath.Clean(dir))
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), base+temporary) {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

func (s *State) decode(data []byte) error {
	bad := func(problem, cure string) error { return &fault{"state file " + s.path + " " + problem, cure, nil} }
	cutOff := func() error { return bad("is cut off", "restore a whole one, or "+anew) }

	first, _, ended := bytes.Cut(data, []byte("\n"))
	var head headLine
	unread := json.Unmarshal(first, &head) != nil
	switch intro := string(first[:min(len(first), len(stateIntro))]); {
	case unread && !ended && strings.HasPrefix(stateIntro, intro):
		return cutOff()
	case unread, intro != stateIntro, head.Version < 1:
		return bad("is not a state file", "give state-file another path, or delete that file")
	case head.Version > stateVersion:
		return bad(fmt.Sprintf("is of version %d, made by a newer valetkey; this one knows %d", head.Version, stateVersion), "use the newer one, or "+anew)
	case head.Key != s.keyCheck():
		return bad("was made with another key", "use the App key that it was made with, or "+anew)
	}
	at := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
	body, last := data[:at], data[at:]
	var end endLine
	if at == 0 || !bytes.HasSuffix(last, []byte("\n")) || !bytes.HasPrefix(last, []byte(`{"places":`)) || json.Unmarshal(last, &end) != nil {
		return cutOff()
	}
	h := s.mac("file")
	h.Write(body)
	if !hmac.Equal([]byte(end.MAC), []byte(base64.RawURLEncoding.EncodeToString(h.Sum(nil)))) {
		return bad("was changed by somebody else", "restore one that valetkey wrote, or "+anew)
	}
	if head.Manifest != s.manifest {
		return bad(fmt.Sprintf("belongs to the manifest %s, not %s", head.Manifest, s.manifest), "give each manifest a state file of its own, or "+anew)
	}
	// What follows is as we wrote it; whatever is not, does not come out the same.
	for line := range bytes.Lines(body[len(first)+1:]) {
		if err := s.decodePlace(line); err != nil {
			return bad("can't be read", anew)
		}
	}
	if same := (comparer{data}); s.encode(&same) != nil || len(same.rest) > 0 {
		return bad("can't be read", anew)
	}
	return nil
}

func (s *State) decodePlace(line []byte) error {
	var p placeLine
	if err := json.Unmarshal(line, &p); err != nil {
		return err
	}
	k := &known{Place: Place{p.Owner, p.Repository, p.Environment, p.App}}
	for _, secret := range p.Secrets {
		r := record{name: strings.ToUpper(secret.Name)}
		raw, err := base64.RawURLEncoding.DecodeString(secret.Fingerprint)
		if err != nil {
			return err
		}
		copy(r.print[:], raw)
		if secret.UpdatedAt != "" {
			t, err := time.Parse(time.RFC3339, secret.UpdatedAt)
			if err != nil {
				return err
			}
			r.updated = t.Unix()
		}
		k.put(r)
	}
	s.places[k.Key()] = k
	return nil
}

// encode writes the file. It wants the lock.
func (s *State) encode(w io.Writer) error {
	buffer, h := bufio.NewWriter(w), s.mac("file")
	body := json.NewEncoder(io.MultiWriter(buffer, h))
	err := body.Encode(headLine{stateKind, stateVersion, s.manifest, s.keyCheck()})
	for _, key := range s.keys() {
		k := s.places[key]
		line := placeLine{k.Owner, k.Repository, k.Environment, k.App, make([]secretLine, 0, len(k.secrets))}
		for _, r := range k.secrets {
			secret := secretLine{Name: r.name, Fingerprint: base64.RawURLEncoding.EncodeToString(r.print[:])}
			if r.updated != 0 {
				secret.UpdatedAt = moment(time.Unix(r.updated, 0))
			}
			line.Secrets = append(line.Secrets, secret)
		}
		err = errors.Join(err, body.Encode(line))
	}
	end := endLine{len(s.places), base64.RawURLEncoding.EncodeToString(h.Sum(nil))}
	return errors.Join(err, json.NewEncoder(buffer).Encode(end), buffer.Flush())
}

// comparer is a writer that takes only what it was given.
type comparer struct{ rest []byte }

func (c *comparer) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(c.rest, p) {
		return 0, errors.New("differs")
	}
	c.rest = c.rest[len(p):]
	return len(p), nil
}
