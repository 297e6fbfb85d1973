package actions

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// The runner masks line by line, and a tool that wraps its lines splits an
// encoded token into parts. So the pieces of a token are masked as well as the
// whole: wherever the line breaks are, a line that is twice as long as a piece
// contains a whole piece.
const (
	// maxPiece is the largest length of a piece. Ruby wraps base64 at 60
	// characters, OpenSSL and PEM at 64, coreutils and Python at 76; xxd -p
	// wraps hex at 60.
	maxPiece = 21

	// minPiece is the smallest length of a piece. Shorter ones would match
	// other text by accident.
	minPiece = 12

	// minPieces is the smallest number of pieces, for short tokens: a line
	// break spoils one piece, and the others have to hide enough.
	minPieces = 3

	// rarePieces is the number of pieces of a rare encoding that are worth
	// their masks: line breaks spoil three at most, and the other five hide 40
	// characters, which are 240 bits.
	rarePieces = 8
)

// Encodings returns the forms in which tools print a token and that the
// runner's own masks miss, or miss once the lines are wrapped:
//
//   - the token itself, also in lower case, in upper case and reversed;
//   - base64 of any text that contains it, at each of the three alignments, in
//     both alphabets, with or without padding (the runner registers the padded
//     form, which a trailing newline or ":x-oauth-basic" changes);
//   - hex in either case, and base32 if the token starts at a multiple of five
//     bytes, as it does alone and after "x-access-token:";
//   - pieces of all these, except of the changed case and the reversed one.
//
// If the token contains a JWT, the pieces are those of its signature. A JWT is
// useless without the signature, while the header is the same in millions of
// tokens, and the claims are the same in some. Masks can't cover a token that
// is printed with something between its characters, or encoded twice.
func Encodings(token redact.String) []redact.String {
	v := token.Reveal()
	masks := maskSet{list: []redact.String{token}, seen: map[string]bool{v: true}}
	masks.add(strings.ToLower(v), strings.ToUpper(v), reversed(v))
	secret, start := v, 0
	if parts := strings.Split(v, "."); len(parts) > 2 && len(parts[len(parts)-1]) >= minLine {
		masks.add(commonEncodings(v)...)
		masks.add(rareEncodings(v, 0)...)
		masks.add(parts[1:]...)
		secret = parts[len(parts)-1]
		start = len(v) - len(secret)
	}
	masks.add(pieces(secret)...)
	for _, text := range commonEncodings(secret) {
		masks.add(pieces(text)...)
	}
	for _, text := range rareEncodings(secret, start) {
		all := pieces(text)
		masks.add(all[max(0, len(all)-rarePieces):]...)
	}
	return masks.list
}

// maskSet is a list of texts without repetitions and without those too short.
type maskSet struct {
	list []redact.String
	seen map[string]bool
}

func (s *maskSet) add(texts ...string) {
	for _, text := range texts {
		if len(text) >= minPiece && !s.seen[text] {
			s.seen[text] = true
			s.list = append(s.list, redact.New(text))
		}
	}
}

// pieces cuts a text into parts of about the same length.
func pieces(text string) []string {
	n := max(minPieces, (len(text)+maxPiece-1)/maxPiece)
	if len(text) < n*minPiece {
		return []string{text}
	}
	cut := make([]string, n)
	for i := range cut {
		cut[i] = text[i*len(text)/n : (i+1)*len(text)/n]
	}
	return cut
}

// commonEncodings returns v in base64 at each alignment, and in hex.
func commonEncodings(v string) []string {
	var list []string
	for shift := range 3 {
		list = append(list,
			core(v, shift, 6, base64.RawStdEncoding.EncodeToString),
			core(v, shift, 6, base64.RawURLEncoding.EncodeToString))
	}
	return append(slices.Compact(list), hex.EncodeToString([]byte(v)))
}

// rareEncodings returns v in upper-case hex, and in base32 as part of a text in
// which v comes after start bytes.
func rareEncodings(v string, start int) []string {
	return []string{
		strings.ToUpper(hex.EncodeToString([]byte(v))),
		core(v, start%5, 5, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString),
	}
}

// core returns the encoded characters that depend on v alone. All texts in
// which v comes after the given number of bytes, or whole groups later, have
// them in common. Each character encodes the given number of bits.
func core(v string, start, bits int, encode func([]byte) string) string {
	encoded := encode(append(make([]byte, start), v...))
	from := (start*8 + bits - 1) / bits
	return encoded[from:max(from, (start+len(v))*8/bits)]
}

func reversed(v string) string {
	b := []byte(v)
	slices.Reverse(b)
	return string(b)
}
