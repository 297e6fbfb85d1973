package rotate

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

const (
	intro = " (valetkey "
	stamp = "2006-01-02T15:04:05Z"
	nonce = 3 // bytes
)

// newTitle returns the title of a new key: "ci (valetkey 1a2b3c4d5e6f
// 2026-11-21T03:49:05Z 7f3a2c)". The id says whose key it is, and nothing else
// counts. The nonce makes the titles of two runs in one second differ. The
// words in front and the time are for people; GitHub has a time of its own.
func newTitle(title, id string, now time.Time) string {
	random := make([]byte, nonce)
	_, _ = rand.Read(random) // never fails
	return fullTitle(title, id, now, random)
}

func fullTitle(title, id string, made time.Time, random []byte) string {
	return title + intro + id + " " + made.UTC().Format(stamp) + " " + hex.EncodeToString(random) + ")"
}

// idIn returns the id of the rotation that a title names; it is empty if a
// person chose the title. A key whose title carries an id may be deleted one
// day, so idIn accepts only one form.
func idIn(full string) string {
	at := strings.LastIndex(full, intro)
	if at < 1 {
		return ""
	}
	parts := strings.Split(strings.TrimSuffix(full[at+len(intro):], ")"), " ")
	if len(parts) != 3 {
		return ""
	}
	id, idErr := hex.DecodeString(parts[0])
	made, timeErr := time.Parse(stamp, parts[1])
	random, hexErr := hex.DecodeString(parts[2])
	if idErr != nil || timeErr != nil || hexErr != nil || len(id) != idBytes || len(random) != nonce ||
		full != fullTitle(full[:at], hex.EncodeToString(id), made, random) {
		return ""
	}
	return parts[0]
}
