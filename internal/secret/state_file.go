package secret

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/safefile"
)

// The file consists of lines of JSON, so that a diff shows what a run did: a
// head, one line for each place, and an end whose MAC covers all lines before
// it.
type (
	headLine struct {
		Kind         string `json:"valetkey"`
		Version      int    `json:"version"`
		Host         string `json:"host,omitempty"`
		Repository   string `json:"repository,omitempty"`
		RepositoryID int64  `json:"repository_id,omitempty"`
		Manifest     string `json:"manifest"`
		Salt         string `json:"salt"`
		Key          string `json:"wrapped_key"`
	}
	placeLine struct {
		Owner       string       `json:"owner"`
		Repository  string       `json:"repository,omitempty"`
		ID          int64        `json:"repository_id,omitempty"`
		Environment string       `json:"environment,omitempty"`
		App         string       `json:"app"`
		KeyID       string       `json:"key_id,omitempty"`
		PublicKey   string       `json:"public_key,omitempty"`
		Secrets     []secretLine `json:"secrets"`
	}
	secretLine struct {
		Name        string `json:"name"`
		Fingerprint string `json:"fingerprint"`
		UpdatedAt   string `json:"updated_at,omitempty"`  // as GitHub reports it for the secret
		AnsweredAt  string `json:"answered_at,omitempty"` // when GitHub answered the write, until a run has seen UpdatedAt
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
)

// maxState is the largest size of the file. 30,000 secrets of 10,000
// repositories take about 5 MB.
const maxState = 64 << 20

const startOver = "set state-reset: true to start over: everything is written once more, and prune does not know what was written before"

// StateFile says which file a state is in, and which keys open it.
type StateFile struct {
	Path     string // empty: nothing is stored
	Manifest Manifest
	Key      Derive // from the App's key
	Previous Derive // from the App's previous key, while it is being replaced; may be nil
	Reset    bool   // start over, whatever is in the file
}

// OpenState reads the file, or starts one if it does not exist.
func OpenState(f StateFile) (*State, error) {
	s := &State{path: f.Path, manifest: f.Manifest, places: map[string]*known{}}
	if f.Path == "" {
		return s, nil
	}
	safefile.Sweep(f.Path)
	var data []byte
	err := fs.ErrNotExist
	if !f.Reset {
		data, err = safefile.ReadOwn(f.Path, maxState)
	}
	absent := errors.Is(err, fs.ErrNotExist)
	if absent {
		err = safefile.Check(f.Path) // report it now, not when everything is written
	}
	switch {
	case err != nil:
		return nil, stateFault("read", err, "give state-file a path that this step can read and write")
	case absent:
		return s, s.begin(f.Key)
	}
	if err := s.decode(data, f); err != nil {
		return nil, err
	}
	return s, nil
}

// begin sets a new key for the state.
func (s *State) begin(derive Derive) (err error) {
	s.key = make([]byte, stateKeySize)
	_, _ = rand.Read(s.key) // never fails
	s.wrapped, err = derive.seal(s.key)
	return err
}

// unwrap decrypts the key of a state. If only a previous key of the App opens
// it, the caller wraps the state's key again.
func (s *State) unwrap(f StateFile) (byPrevious bool, err error) {
	if s.key, err = f.Key.open(s.wrapped); !errors.Is(err, errOtherKey) {
		return false, err
	}
	s.key, err = f.Previous.open(s.wrapped)
	return true, err
}

// stateFault says what could not be done to the file. hint is used for errors
// that have none of their own.
func stateFault(verb string, err error, hint string) error {
	return &fault.Error{Hint: cmp.Or(fault.Hint(err), hint), Err: fmt.Errorf("%s the state file: %w", verb, err)}
}

func (s *State) decode(data []byte, f StateFile) error {
	bad := func(problem, hint string) error { return fault.New("state file "+s.path+" "+problem, hint) }
	cutOff := func() error { return bad("is cut off", "restore a complete one, or "+startOver) }

	first, _, ended := bytes.Cut(data, []byte("\n"))
	var head headLine
	unread := json.Unmarshal(first, &head) != nil
	switch intro := string(first[:min(len(first), len(stateIntro))]); {
	case unread && !ended && strings.HasPrefix(stateIntro, intro):
		return cutOff()
	case unread, intro != stateIntro, head.Version < 1:
		return bad("is not a state file", "give state-file another path, or delete that file")
	case head.Version > stateVersion:
		return bad(fmt.Sprintf("is of version %d, made by a newer valetkey; this one knows %d", head.Version, stateVersion),
			"use the newer one, or "+startOver)
	}
	var saltErr, boxErr error
	s.wrapped.salt, saltErr = decode64(head.Salt)
	s.wrapped.box, boxErr = decode64(head.Key)
	byPrevious, err := s.unwrap(f)
	switch {
	case saltErr != nil, boxErr != nil, errors.Is(err, errOtherKey):
		return bad("was made with another key of an App",
			"give the one that it was made with as previous-private-key or previous-key, or "+startOver)
	case err != nil:
		return err
	}
	if err := s.decodeBody(data, len(first)+1, cutOff, bad); err != nil {
		return err
	}
	s.manifest = Manifest{head.Host, head.Repository, head.RepositoryID, head.Manifest}
	if !s.manifest.same(f.Manifest) {
		return bad(fmt.Sprintf("belongs to the manifest %s, not %s", s.manifest, f.Manifest),
			"give each manifest a state file of its own, or "+startOver)
	}
	if same := (comparer{data}); s.encode(&same) != nil || len(same.rest) > 0 {
		return bad("can't be read", startOver)
	}
	s.manifest = f.Manifest // with its present name
	if s.manifest.RepositoryID == 0 {
		s.manifest.RepositoryID = head.RepositoryID
	}
	if byPrevious {
		s.wrapped, err = f.Key.seal(s.key)
	}
	return err
}

// decodeBody reads the lines after the first. from is where they begin.
func (s *State) decodeBody(data []byte, from int, cutOff func() error, bad func(problem, hint string) error) error {
	at := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
	body, last := data[:at], data[at:]
	var end endLine
	if at < from || !bytes.HasSuffix(last, []byte("\n")) || !bytes.HasPrefix(last, []byte(`{"places":`)) ||
		json.Unmarshal(last, &end) != nil {
		return cutOff()
	}
	h := s.mac("file")
	h.Write(body)
	if !hmac.Equal([]byte(end.MAC), []byte(encode64(h.Sum(nil)))) {
		return bad("was changed by somebody else", "restore one that valetkey wrote, or "+startOver)
	}
	for line := range bytes.Lines(body[from:]) {
		s.decodePlace(line)
	}
	return nil
}

// decodePlace and record accept what they understand. The MAC proves that we
// wrote the lines; the caller encodes them again, and a line that was not fully
// understood comes out differently.
func (s *State) decodePlace(line []byte) {
	var p placeLine
	_ = json.Unmarshal(line, &p)
	k := &known{Place: Place{p.Owner, p.Repository, p.Environment, p.App}, id: p.ID}
	k.key, _ = parsePublicKey(p.KeyID, p.PublicKey)
	for _, secret := range p.Secrets {
		k.put(secret.record())
	}
	s.places[k.Key()] = k
}

func (l secretLine) record() record {
	r := record{name: strings.ToUpper(l.Name), answered: l.AnsweredAt != ""}
	raw, _ := decode64(l.Fingerprint)
	copy(r.print[:], raw)
	if t, err := time.Parse(time.RFC3339, l.UpdatedAt+l.AnsweredAt); err == nil {
		r.updated = t.Unix()
	}
	return r
}

func (r record) line() secretLine {
	l := secretLine{Name: r.name, Fingerprint: encode64(r.print[:])}
	switch {
	case r.updated == 0:
	case r.answered:
		l.AnsweredAt = formatTime(time.Unix(r.updated, 0))
	default:
		l.UpdatedAt = formatTime(time.Unix(r.updated, 0))
	}
	return l
}

// encode writes the file. The caller holds the lock.
func (s *State) encode(w io.Writer) error {
	buffer, h := bufio.NewWriter(w), s.mac("file")
	body := json.NewEncoder(io.MultiWriter(buffer, h))
	m := s.manifest
	err := body.Encode(headLine{
		stateKind, stateVersion, m.Host, m.Repository, m.RepositoryID, m.Path, encode64(s.wrapped.salt),
		encode64(s.wrapped.box),
	})
	for _, key := range s.keys() {
		k := s.places[key]
		line := placeLine{
			Owner: k.Owner, Repository: k.Repository, ID: k.id, Environment: k.Environment, App: k.App,
			Secrets: make([]secretLine, 0, len(k.secrets)),
		}
		if k.key.key != nil {
			line.KeyID, line.PublicKey = k.key.id, base64.StdEncoding.EncodeToString(k.key.key[:])
		}
		for _, r := range k.secrets {
			line.Secrets = append(line.Secrets, r.line())
		}
		err = errors.Join(err, body.Encode(line))
	}
	end := endLine{len(s.places), encode64(h.Sum(nil))}
	return errors.Join(err, json.NewEncoder(buffer).Encode(end), buffer.Flush())
}

// comparer is a writer that accepts only the bytes that it was given.
type comparer struct{ rest []byte }

func (c *comparer) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(c.rest, p) {
		return 0, errors.New("differs")
	}
	c.rest = c.rest[len(p):]
	return len(p), nil
}
