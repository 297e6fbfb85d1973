package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
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
