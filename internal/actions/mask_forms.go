package actions

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// A tool that breaks its lines leaves parts of an encoded token, and the runner
// masks line by line. So pieces are masked as well as the whole: wherever lines are
// broken, one that is twice as long as a piece holds a whole piece.
const (
	// maxPiece is the most characters of a piece: base64 is broken at 60 (Ruby), 64
	// (OpenSSL, PEM) or 76 (coreutils, Python), hex at 60 (xxd -p).
	maxPiece = 21

	// minPiece is the least: what is shorter would be met by accident.
	minPiece = 12

	// minPieces is for short tokens: a break spoils one piece, and the others have to
	// hide enough.
	minPieces = 3

	// rarePieces is how many pieces of a rare encoding are worth their masks: breaks
	// spoil three at most, and the rest hides 40 characters, which are 240 bits.
	rarePieces = 8
)

// Forms gives what a token is printed as where the runner's own masks miss it or
// break with the lines:
//
//   - the token itself, and in one case or reversed;
//   - base64 of any text that contains it, at each of the three alignments, in
//     both alphabets, with or without padding (the runner registers the padded
//     form, which a trailing newline or ":x-oauth-basic" changes);
//   - hex in either case, and base32 where the token stands at a multiple of five
//     bytes, as it does alone and behind "x-access-token:";
//   - pieces of all these but for the changed case and the reversed one.
//
// Of a token that holds a JWT, the pieces are the signature's: without it nobody is
// let in, while the header is the same in millions of tokens, and claims are the
// same in some. What has something between the characters of a token, or encodes it
// twice, can't be covered.
func Forms(token redact.String) []redact.String {
	v := token.Reveal()
	f := forms{list: []redact.String{token}, seen: map[string]bool{v: true}}
	f.add(strings.ToLower(v), strings.ToUpper(v), reversed(v))
	secret, start := v, 0
	if parts := strings.Split(v, "."); len(parts) > 2 && len(parts[len(parts)-1]) >= minLine {
		f.add(encodings(v)...)
		f.add(rareEncodings(v, 0)...)
		f.add(parts[1:]...)
		secret = parts[len(parts)-1]
		start = len(v) - len(secret)
	}
	f.add(pieces(secret)...)
	for _, form := range encodings(secret) {
		f.add(pieces(form)...)
	}
	for _, form := range rareEncodings(secret, start) {
		all := pieces(form)
		f.add(all[max(0, len(all)-rarePieces):]...)
	}
	return f.list
}

type forms struct {
	list []redact.String
	seen map[string]bool
}

func (f *forms) add(texts ...string) {
	for _, text := range texts {
		if len(text) >= minPiece && !f.seen[text] {
			f.seen[text] = true
			f.list = append(f.list, redact.New(text))
		}
	}
}

// pieces cuts a form into parts of about the same length.
func pieces(form string) []string {
	n := max(minPieces, (len(form)+maxPiece-1)/maxPiece)
	if len(form) < n*minPiece {
		return []string{form}
	}
	cut := make([]string, n)
	for i := range cut {
		cut[i] = form[i*len(form)/n : (i+1)*len(form)/n]
	}
	return cut
}

// encodings gives base64 of v at each alignment, and hex.
func encodings(v string) []string {
	var list []string
	for shift := range 3 {
		form := core(v, shift, 6, base64.RawStdEncoding.EncodeToString)
		list = append(list, form, core(v, shift, 6, base64.RawURLEncoding.EncodeToString))
	}
	return append(slices.Compact(list), hex.EncodeToString([]byte(v)))
}

// rareEncodings gives hex in capitals, and base32 of a text that v stands in behind
// start bytes.
func rareEncodings(v string, start int) []string {
	return []string{
		strings.ToUpper(hex.EncodeToString([]byte(v))),
		core(v, start%5, 5, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString),
	}
}

// core is what all texts that hold v behind so many bytes, or behind whole groups
// more, have in common when they are encoded: the characters, of so many bits each,
// that depend on v alone.
func core(v string, behind, bits int, encode func([]byte) string) string {
	encoded := encode(append(make([]byte, behind), v...))
	from := (behind*8 + bits - 1) / bits
	return encoded[from:max(from, (behind+len(v))*8/bits)]
}

func reversed(v string) string {
	b := []byte(v)
	slices.Reverse(b)
	return string(b)
}
