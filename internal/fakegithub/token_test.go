package fakegithub

import (
	"regexp"
	"testing"
	"time"
)

// The vectors are checksums only: a complete token in a file would trip secret
// scanning.
func TestChecksum(t *testing.T) {
	for body, want := range map[string]string{
		"EXAMPLEexampleEXAMPLEexample01": "4YcnMS",
		"abcdefghijABCDEFGHIJ0123456789": "2C2O59",
		"EXAMPLEexampleEXAMPLEexampl153": "00AnTd",
	} {
		if got := checksum(body); got != want {
			t.Errorf("checksum(%q) = %q, want %q", body, got, want)
		}
	}
}

func TestOpaqueToken(t *testing.T) {
	pattern := regexp.MustCompile(`^ghs_[A-Za-z0-9]{36}$`)
	for range 100 {
		value := newTokenValue(Opaque, 917, time.Now())
		if !pattern.MatchString(value) || checksum(value[4:34]) != value[34:] {
			t.Fatalf("not a well-formed token: %d characters", len(value))
		}
	}
}

func TestStatelessTokenLength(t *testing.T) {
	for _, app := range []int64{1, 917, 123456789} {
		if n := len(newTokenValue(Stateless, app, time.Now())); n < 480 || n > 560 {
			t.Errorf("App %d: %d characters", app, n)
		}
	}
}

func TestWithMetadataLeavesItsArgumentAlone(t *testing.T) {
	asked := map[string]string{"contents": "read"}
	if got := withMetadata(asked); got["metadata"] != "read" || len(asked) != 1 {
		t.Errorf("got %v from %v", got, asked)
	}
}
