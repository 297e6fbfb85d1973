package envelope

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestRoundTrip(t *testing.T) {
	bare := Payload{Token: redact.New("t")}
	large := Payload{Values: map[string]redact.String{"LARGE": redact.New(strings.Repeat("large ", 30_000))}}
	keys := pairs(t)
	appRecipient, err := KeyRecipient(&appKey().PublicKey)
	must(t, err)
	appIdentity, err := KeyIdentity(appKey())
	must(t, err)
	for content, p := range map[string]Payload{"token": token(), "token alone": bare, "values": values(), "large": large} {
		check := func(name string, to []Recipient, with []Identity) {
			t.Run(content+", "+name, func(t *testing.T) {
				line, err := Seal(p, to, nil)
				must(t, err)
				got, err := Open(line, with)
				must(t, err)
				if diff := same(p, got); diff != "" {
					t.Errorf("what comes out is not what went in (-want +got):\n%s", diff)
				}
				if !regexp.MustCompile(`^[A-Za-z0-9+/]+$`).MatchString(line) {
					t.Error("it is not one line of base64 without padding")
				}
			})
		}
		for _, k := range keys {
			check(k.name, recipientOf(t, k.public), identityFor(t, k.private))
		}
		check("the App's key", []Recipient{appRecipient}, []Identity{appIdentity})
		check("the App's key as an ssh-rsa identity", []Recipient{appRecipient}, identityFor(t, keys[3].private))
		check("a passphrase", cheap(t), []Identity{PassphraseIdentity(redact.New(phrase))})
		check("a passphrase, with a newline", cheap(t), []Identity{PassphraseIdentity(redact.New(phrase + "\n"))})
		several := recipientOf(t, keys[0].public+"\n"+keys[2].public+"\n"+keys[3].public)
		for _, k := range []int{0, 2, 3} {
			check("one of several, "+keys[k].name, several, identityFor(t, keys[k].private))
		}
		check("the right one of several identities", recipientOf(t, keys[2].public),
			append(identityFor(t, pairs(t)[0].private+"\n"+keys[2].private), PassphraseIdentity(redact.New("another"))))
	}
}

// The JSON is a promise to readers who open it with jq.
func TestJSON(t *testing.T) {
	zone := token()
	zone.ExpiresAt = zone.ExpiresAt.Add(987 * time.Millisecond).In(time.FixedZone("", 3600))
	for name, c := range map[string]struct {
		payload Payload
		want    string
	}{
		"token": {token(), `{"version":1,"token":"ghs_` + `q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7","expires_at":"2026-11-20T13:14:15Z",` +
			`"api_url":"https://api.github.com","installation_id":4711,"app_slug":"valet",` +
			`"permissions":{"contents":"read","issues":"write"},"repositories":["api","web"]}`},
		"another zone, and less than a second": {
			zone,
			`{"version":1,"token":"ghs_` + `q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7q7","expires_at":"2026-11-20T13:14:15Z",` +
				`"api_url":"https://api.github.com","installation_id":4711,"app_slug":"valet",` +
				`"permissions":{"contents":"read","issues":"write"},"repositories":["api","web"]}`,
		},
		"token alone": {Payload{Token: redact.New("t")}, `{"version":1,"token":"t","expires_at":"","api_url":"",` +
			`"installation_id":0,"app_slug":"","permissions":{},"repositories":[]}`},
		"values": {
			Payload{Values: map[string]redact.String{"B": redact.New("<&>\n"), "A": redact.New("")}},
			`{"version":1,"values":{"A":"","B":"<&>\n"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := age.GenerateX25519Identity()
			must(t, err)
			line, err := Seal(c.payload, recipientOf(t, x.Recipient().String()), nil)
			must(t, err)
			r, err := age.Decrypt(bytes.NewReader(bytesOf(t, line)), x)
			must(t, err)
			got, err := io.ReadAll(r)
			must(t, err)
			if strings.TrimSpace(string(got)) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if !json.Valid(got) {
				t.Error("it is no JSON")
			}
		})
	}
}

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

func TestSealRefuses(t *testing.T) {
	keys := pairs(t)
	one := recipientOf(t, keys[0].public)
	with := func(change func(*Payload)) Payload {
		p := token()
		change(&p)
		return p
	}
	var crowd []Recipient
	for range 101 {
		crowd = append(crowd, one...)
	}
	for name, c := range map[string]struct {
		payload Payload
		to      []Recipient
		want    string
	}{
		"nobody":             {token(), nil, "there is nobody to encrypt for"},
		"a crowd":            {token(), crowd, "there are more than 100 recipients"},
		"the zero recipient": {token(), []Recipient{{}}, "a recipient's key can't be used"},
		"a passphrase among others": {
			token(), append(cheap(t), one...),
			"a passphrase can't be combined with recipients",
		},
		"two passphrases": {token(), append(cheap(t), cheap(t)...), "there is more than one passphrase"},
		"post-quantum among others": {
			token(), append(recipientOf(t, keys[1].public), one...),
			"post-quantum recipients (age1pq1…) can't be combined with others",
		},
		"nothing": {Payload{AppSlug: "valet"}, one, "there is nothing to encrypt: neither a token nor a value"},
		"both": {
			with(func(p *Payload) { p.Values = values().Values }), one,
			"a token and other values can't be in one envelope",
		},
		"a token of two lines": {
			with(func(p *Payload) { p.Token = redact.New("ghs_a\nghs_b") }), one,
			"the token has a character that no token has",
		},
		"a slug in Latin-1": {
			with(func(p *Payload) { p.AppSlug = "caf\xe9" }), one,
			"a value, or the name of one, is not UTF-8 text",
		},
		"a permission in Latin-1": {
			with(func(p *Payload) { p.Permissions["caf\xe9"] = "read" }), one,
			"a value, or the name of one, is not UTF-8 text",
		},
		"a repository in Latin-1": {
			with(func(p *Payload) { p.Repositories[0] = "caf\xe9" }), one,
			"a value, or the name of one, is not UTF-8 text",
		},
		"a binary value": {
			Payload{Values: map[string]redact.String{"A": redact.New("\xff\xfe")}},
			one,
			"a value, or the name of one, is not UTF-8 text",
		},
		"a binary name": {
			Payload{Values: map[string]redact.String{"\xff": redact.New("a")}},
			one,
			"a value, or the name of one, is not UTF-8 text",
		},
		"far in the future": {
			with(func(p *Payload) { p.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), one,
			"the time at which the token expires can't be written down",
		},
		"too large": {
			Payload{Values: map[string]redact.String{"A": redact.New(strings.Repeat("a", 800_000))}},
			one,
			"the encrypted form would be larger than 1 MiB",
		},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := Seal(c.payload, c.to, nil)
			if got := fails(t, err).Error(); got != c.want || line != "" {
				t.Errorf("got %q and %q, want %q", line, got, c.want)
			}
		})
	}
}

// The largest payload that can be sealed can be opened.
func TestSealAndOpenAgreeOnSize(t *testing.T) {
	k := pairs(t)[0]
	to, with := recipientOf(t, k.public), identityFor(t, k.private)
	for n := maxLine/4*3 - 800; ; n += 37 {
		p := Payload{Values: map[string]redact.String{"A": redact.New(strings.Repeat("a", n))}}
		line, err := Seal(p, to, nil)
		if err != nil {
			if fails(t, err) != errTooLargeToSeal {
				t.Fatal(err)
			}
			return
		}
		got, err := Open(line, with)
		must(t, err)
		if diff := same(p, got); diff != "" {
			t.Fatal("not the same at", n)
		}
	}
}

func TestPassphraseRecipient(t *testing.T) {
	for name, c := range map[string]struct{ secret, want string }{
		"empty":           {"", "is empty"},
		"a newline":       {"\n", "is empty"},
		"15 characters":   {"fifteen letters", "is shorter than 16 characters: anybody with the output could guess it"},
		"15, and more":    {"fifteen letters\r\n", "is shorter than 16 characters: anybody with the output could guess it"},
		"spaces":          {strings.Repeat(" ", 30), "is shorter than 16 characters: anybody with the output could guess it"},
		"bytes":           {strings.Repeat("ü", 15), "is shorter than 16 characters: anybody with the output could guess it"},
		"several lines":   {phrase + "\n" + phrase, "has several lines, which stock age could not be given"},
		"16 characters":   {"sixteen letters!", ""},
		"a newline at it": {"sixteen letters!\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := PassphraseRecipient(redact.New(c.secret))
			if c.want == "" {
				must(t, err)
				if r.String() != "a passphrase" {
					t.Errorf("it is %v", r)
				}
				return
			}
			if got := fails(t, err).Error(); got != c.want || r != (Recipient{}) {
				t.Errorf("got %v and %q, want %q", r, got, c.want)
			}
		})
	}
}

// The cost of a passphrase is the standard's; TestStockAgeWithPassphrase opens
// one at that cost.
func TestPassphraseAtItsFullCost(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second, and many under the race detector")
	}
	t.Parallel()
	r, err := PassphraseRecipient(redact.New(phrase))
	must(t, err)
	line, err := Seal(token(), []Recipient{r}, nil)
	must(t, err)
	if header := string(bytesOf(t, line)); !regexp.MustCompile(`^age-encryption\.org/v1\n-> scrypt \S+ 18\n`).MatchString(header) {
		t.Error("the work factor is not 18")
	}
}

func TestRSAKeysThatAreRefused(t *testing.T) {
	const public = "the RSA key can't be encrypted to: it is damaged, or of a size that age doesn't take"
	for name, key := range map[string]*rsa.PublicKey{
		"none": nil, "zero": {}, "small": &smallKey().PublicKey,
		"even exponent": {N: appKey().N, E: 2},
		"huge":          {N: new(big.Int).Lsh(big.NewInt(1), 20000), E: 65537},
	} {
		if r, err := KeyRecipient(key); fails(t, err).Error() != public || r != (Recipient{}) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	const private = "the RSA key opens nothing: it is damaged, or of a size that age doesn't take"
	for name, key := range map[string]*rsa.PrivateKey{"none": nil, "zero": {}, "small": smallKey()} {
		if i, err := KeyIdentity(key); fails(t, err).Error() != private || i != (Identity{}) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
}

// Neither prints its secret, whatever the verb.
func TestPrintedAsKinds(t *testing.T) {
	for _, k := range pairs(t) {
		for _, i := range identityFor(t, k.private) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				shown := fmt.Sprintf(verb, i)
				if shown != i.kind.String() {
					t.Errorf("%s shows %q as %s", k.name, shown, verb)
				}
			}
		}
	}
	line, err := Seal(values(), recipientOf(t, pairs(t)[0].public), nil)
	must(t, err)
	if strings.Contains(fmt.Sprintf("%+v %#v", values(), values()), "line one") {
		t.Error("a payload shows a value")
	}
	if _, err := base64.StdEncoding.DecodeString(line); err != nil {
		t.Error(err)
	}
}
