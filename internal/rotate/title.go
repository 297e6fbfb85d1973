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

// newTitle is what a key of ours is called: "ci (valetkey 2026-11-21T03:49:05Z
// 7f3a2c)". The nonce tells the keys of two runs in one second apart; the time is
// for people, since GitHub has one of its own.
func newTitle(title string, now time.Time) string {
	random := make([]byte, nonce)
	_, _ = rand.Read(random) // never fails
	return fullTitle(title, now, random)
}

func fullTitle(title string, made time.Time, random []byte) string {
	return title + intro + made.UTC().Format(stamp) + " " + hex.EncodeToString(random) + ")"
}

// isOurs tells a key that was made for this title from one that somebody made
// with the same title, or that belongs to another one. What it tells may be
// deleted one day, so it knows one form only.
func isOurs(title, full string) bool {
	inside, _ := strings.CutPrefix(full, title+intro)
	when, digits, _ := strings.Cut(strings.TrimSuffix(inside, ")"), " ")
	made, timeErr := time.Parse(stamp, when)
	random, hexErr := hex.DecodeString(digits)
	return timeErr == nil && hexErr == nil && len(random) == nonce && full == fullTitle(title, made, random)
}
