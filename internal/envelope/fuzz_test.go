package envelope

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Any bytes: no panic, an error with a hint, and no payload except from the
// sealed file itself. No passphrase is among the identities, for the fuzzer
// soon finds a work factor of 20.
func FuzzOpen(f *testing.F) {
	ed, err := agessh.NewEd25519Identity(fixedKey())
	must(f, err)
	with := append(identityFor(f, pairs(f)[0].private), Identity{sshEd25519, ed})
	line, err := Seal(token(), []Recipient{{sshEd25519, ed.Recipient()}}, nil)
	must(f, err)
	secret, err := Seal(token(), cheap(f), nil)
	must(f, err)
	file := bytesOf(f, line)
	f.Add(file)
	f.Add([]byte(line))
	f.Add([]byte(wrap(line, 64, "\n")))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n" + wrap(line, 64, "\n") + "-----END AGE ENCRYPTED FILE-----\n"))
	f.Add(bytesOf(f, secret))
	f.Add(file[:100])
	f.Add([]byte(token().Token.Reveal()))
	for _, plain := range []string{"", `{"version":2}`, `{"version":1,"token":"t"}`} {
		f.Add(sealed(f, plain, ed.Recipient()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, given := range []string{string(data), b64(data)} {
			got, err := Open(given, with)
			if err == nil {
				// age is not malleable: it is a file that was sealed with the
				// key.
				if token, again := got.Token.Reveal(), same(token(), got) == ""; token != "t" && !again {
					t.Fatalf("a payload of %d values came from nowhere", len(got.Values))
				}
				continue
			}
			e := fails(t, err)
			if diff := same(Payload{}, got); diff != "" {
				t.Fatalf("a payload beside the error: %s", diff)
			}
			if !utf8.ValidString(e.Error()) || len(e.Error()) > 400 {
				t.Fatalf("%q is no text of ours", e)
			}
		}
	})
}

// Every text comes out as it went in; what is not UTF-8, which JSON can't
// carry, is refused rather than changed.
func FuzzRoundTrip(f *testing.F) {
	f.Add(true, "ghs_abc", int64(1_800_000_000), "https://api.github.com", int64(1), "valet", "contents", "read", "api", "NAME", "value",
		"ab")
	f.Add(false, "", int64(0), "", int64(0), "", "", "", "", "A", "line\n<two>\u2028\x00", "")
	f.Add(true, "a b", int64(-1), "\xff", int64(-1), "", "", "", "", "", "", "=")
	f.Add(false, "", int64(0), "", int64(0), "", "", "", "", "\xff", "\xff", "A")
	x, err := age.GenerateX25519Identity()
	must(f, err)
	to, with := []Recipient{{ageKey, x.Recipient()}}, []Identity{{ageKey, x}}
	f.Fuzz(func(t *testing.T, isOfToken bool, secret string, expires int64, url string, id int64,
		slug, permission, access, repository, name, value, mask string,
	) {
		p := Payload{Values: map[string]redact.String{name: redact.New(value)}}
		text := name + "\n" + value
		if isOfToken {
			p = Payload{
				Token: redact.New(secret), ExpiresAt: time.Unix(expires, 0).UTC(), APIURL: url, InstallationID: id, AppSlug: slug,
				Permissions: map[string]string{permission: access}, Repositories: []string{repository},
			}
			text = strings.Join([]string{secret, url, slug, permission, access, repository}, "\n")
		}
		line, err := Seal(p, to, []redact.String{redact.New(mask)})
		if err != nil {
			allowed := map[*fault.Error]bool{
				errNotText:    !utf8.ValidString(text),
				errTokenForm:  isOfToken && !redact.IsWord(secret),
				errNothing:    isOfToken && secret == "",
				errTime:       isOfToken && (p.ExpiresAt.Year() < 1 || p.ExpiresAt.Year() > 9999),
				errMaskAlways: mask != "" && strings.Contains(commonPrefix, mask),
				errMask:       len(mask) > 0 && len(mask) < 4 || strings.Contains(b64([]byte(intro+"-> X25519 ")), mask),
			}
			if !allowed[fails(t, err)] {
				t.Fatal(err)
			}
			return
		}
		if !utf8.ValidString(text) {
			t.Fatal("what is no text was taken")
		}
		if mask != "" && strings.Contains(line, mask) {
			t.Fatal("the mask is in the line")
		}
		got, err := Open(line, with)
		must(t, err)
		if diff := same(p, got); diff != "" {
			t.Fatal(diff)
		}
		asJSON(t, line, x, p)
	})
}

// asJSON reads an envelope as another program does.
func asJSON(t *testing.T, line string, x age.Identity, p Payload) {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(bytesOf(t, line)), x)
	must(t, err)
	var plain struct {
		Token  string
		Values map[string]string
	}
	must(t, json.NewDecoder(r).Decode(&plain))
	if plain.Token != p.Token.Reveal() || len(plain.Values) != len(p.Values) {
		t.Fatal("another reader sees something else")
	}
	for name, value := range p.Values {
		if plain.Values[name] != value.Reveal() {
			t.Fatal("another reader sees another value")
		}
	}
}

// Any text: no panic, and only errors in our own words.
func FuzzParseRecipients(f *testing.F) {
	for _, k := range pairs(f) {
		f.Add(k.public)
		f.Add("# " + k.name + "\n" + k.public + " comment\r\n\n" + k.public)
		f.Add(k.private)
	}
	f.Add("age1\nssh-rsa \nssh-ed25519 AAAA\nghs_\n@x\n-----BEGIN\n")
	f.Fuzz(func(t *testing.T, text string) {
		to, err := ParseRecipients(text)
		if err != nil {
			ownWords(t, err)
			return
		}
		if len(to) > 0 {
			if len(to) > maxRecipients {
				t.Fatal("more than can be sealed to")
			}
			_, err := Seal(values(), to, nil)
			must(t, err)
		}
	})
}

func FuzzParseIdentities(f *testing.F) {
	for _, k := range pairs(f) {
		f.Add(k.private)
		f.Add("# " + k.public + "\n" + k.private + "\n\n")
		f.Add(strings.ReplaceAll(k.private, "\n", `\n`) + " " + k.private)
		f.Add(k.public)
	}
	f.Add("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\nAGE-SECRET-KEY-1 #\n")
	f.Fuzz(func(t *testing.T, text string) {
		with, err := ParseIdentities(redact.New(text))
		if err != nil {
			ownWords(t, err)
			if with != nil {
				t.Fatal("identities beside the error")
			}
			return
		}
		if len(with) == 0 {
			t.Fatal("no identities, and no error")
		}
	})
}

// ownWords checks an error against all possible texts, so that it can't repeat
// the input.
func ownWords(t *testing.T, err error) {
	t.Helper()
	if e := fails(t, err); !vocabulary.MatchString(e.Error()) {
		t.Fatalf("%q is not in our words", e)
	}
}
