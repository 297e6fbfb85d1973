package envelope

import (
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/redact"
)

// No masked value, for which the runner would drop a job output, is in it.
func TestSealHoldsNoMask(t *testing.T) {
	to := recipientOf(t, pairs(t)[0].public)
	masks := []redact.String{
		redact.New("aa"), redact.New("B7"), redact.New("x/"), redact.New("="), redact.New("=="),
		redact.New(""), redact.New("\n"), redact.New("-----"), redact.New("{"), redact.New(token().Token.Reveal()),
	}
	plain, err := marshal(token())
	must(t, err)
	unlucky := 0
	for range 60 {
		line, err := encrypt(plain, to)
		must(t, err)
		if containsAny(line, masks) {
			unlucky++
		}
		line, err = Seal(token(), to, masks)
		must(t, err)
		for _, m := range masks {
			if !m.Empty() && strings.Contains(line, m.Reveal()) {
				t.Fatalf("a mask of %d characters occurs in the line", len(m.Reveal()))
			}
		}
	}
	if unlucky == 0 {
		t.Error("the masks occur in no line by chance, so the test shows nothing")
	}
}

func TestSealGivesUpOnMasks(t *testing.T) {
	to := recipientOf(t, pairs(t)[0].public)
	var absent []redact.String // all that is not in every line
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		if !strings.ContainsRune(commonPrefix, c) {
			absent = append(absent, redact.New(string(c)))
		}
	}
	for name, c := range map[string]struct {
		to    []Recipient
		masks []redact.String
		want  string
	}{
		"of what every file begins with": {
			to,
			[]redact.String{redact.New("YWdlLWVu")},
			"a masked value occurs in what every age file begins with, so the runner would drop the output",
		},
		"of a letter in it": {
			to,
			[]redact.String{redact.New("W")},
			"a masked value occurs in what every age file begins with, so the runner would drop the output",
		},
		"of half of the alphabet": {
			to, absent,
			"a masked value occurs in the encrypted form again and again, so the runner would drop the output",
		},
		"with a passphrase": {
			cheap(t), absent,
			"a masked value occurs in the encrypted form again and again, so the runner would drop the output",
		},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := Seal(token(), c.to, c.masks)
			if got := fails(t, err).Error(); got != c.want || line != "" {
				t.Errorf("got %q and %q, want %q", line, got, c.want)
			}
		})
	}
}

// All of the padding in base64 comes from the length of the file.
func TestSealNeedsNoPadding(t *testing.T) {
	keys := pairs(t)
	for _, to := range [][]Recipient{
		recipientOf(t, keys[0].public), recipientOf(t, keys[1].public), recipientOf(t, keys[2].public+"\n"+keys[3].public),
		cheap(t),
	} {
		for _, around := range []int{1, 64<<10 - 40, 128<<10 - 60} { // where age begins a new chunk
			for n := range 40 {
				p := Payload{Values: map[string]redact.String{"V": redact.New(strings.Repeat("v", around+n))}}
				line, err := Seal(p, to, nil)
				must(t, err)
				if strings.Contains(line, "=") {
					t.Fatalf("%v: padding with a value of %d bytes", to, around+n)
				}
			}
		}
	}
}
