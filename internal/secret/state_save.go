package secret

import (
	"os"
	"path/filepath"
	"time"
)

// Saves as results come: not so often that a large file would slow the work, and
// often enough that a killed run has little to do again.
const (
	saveEvery = 250 * time.Millisecond
	saveShare = 20 // of this many parts of the time, saving takes one at most
)

// Save writes the file as a whole or not at all.
func (s *State) Save() error {
	if !s.kept() {
		return nil
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	return s.save()
}

// saveSoon saves unless that was done just now. What fails, the last Save tells.
func (s *State) saveSoon() {
	if !s.kept() || !s.disk.TryLock() {
		return
	}
	defer s.disk.Unlock()
	if time.Since(s.saved) >= max(saveEvery, saveShare*s.took) {
		_ = s.save()
	}
}

// save wants the lock of the disk.
func (s *State) save() error {
	began := time.Now()
	err := s.replace()
	s.saved = time.Now()
	s.took = s.saved.Sub(began)
	if err != nil {
		return &fault{"save the state file: " + err.Error(), "give state-file a path in a directory that this step can write to", err}
	}
	return nil
}

// replace puts a new file, whole and on disk, in the place of the old one.
func (s *State) replace() error {
	dir, base := filepath.Split(s.path)
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, base+temporary+"*") // for its owner alone
	if err != nil {
		return err
	}
	s.mu.Lock()
	err = s.encode(file)
	s.mu.Unlock()
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
