package rotate

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

const (
	intro   = " (valetkey "
	stamp   = "2006-01-02T15:04:05Z"
	nonce   = 3 // bytes
	insides = len(stamp) + 1 + 2*nonce
)

// newTitle is what a key of ours is called: "ci (valetkey 2026-11-21T03:49:05Z
// 7f3a2c)". The nonce tells the keys of two runs in one second apart; the time is
// for people, since GitHub has one of its own.
func newTitle(title string, now time.Time) string {
	random := make([]byte, nonce)
	_, _ = rand.Read(random) // never fails
	return title + intro + now.UTC().Format(stamp) + " " + hex.EncodeToString(random) + ")"
}

// isOurs tells a key that was made for this title from one that somebody made
// with the same title, or that belongs to another one. What it tells may be
// deleted one day, so it knows one form only.
func isOurs(title, full string) bool {
	inside, ok := strings.CutPrefix(full, title+intro)
	if !ok || len(inside) != insides+1 || inside[len(stamp)] != ' ' || inside[insides] != ')' {
		return false
	}
	made, err := time.Parse(stamp, inside[:len(stamp)])
	if err != nil || made.Format(stamp) != inside[:len(stamp)] { // Parse also takes 05,5Z and the like
		return false
	}
	random, err := hex.DecodeString(inside[len(stamp)+1 : insides])
	return err == nil && hex.EncodeToString(random) == inside[len(stamp)+1:insides]
}
