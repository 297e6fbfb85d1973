package custody

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestWords(t *testing.T) {
	for body, want := range map[string]string{
		"":                               "",
		"<html>502 Bad Gateway</html>":   "",
		"null":                           "",
		`"text"`:                         "",
		`{"message":"Bad credentials"}`:  "Bad credentials",
		`{"errors":["a","b\n\tc",null]}`: "a: b c",
		`{"error":"invalid_grant","error_description":"no"}`:                                "invalid_grant: no",
		`{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}`:                "PERMISSION_DENIED: no",
		`{"error":{"code":"Forbidden","message":"no","innererror":{"code":"KeyDisabled"}}}`: "Forbidden: KeyDisabled: no",
		`{"error":{"code":"Forbidden","message":"no","innererror":null}}`:                   "Forbidden: no",
		`{"__type":"com.amazonaws#NotFoundException","message":"x"}`:                        "com.amazonaws#NotFoundException: x",
		`{"__type":"NotFoundException","Message":"x"}`:                                      "NotFoundException: x",
		`{"__type":"x","message":"a\u001b[31mb\u202e"}`:                                     `x: a\x1b[31mb\u202e`,
		"<E><Error><Code>A</Code><Message>b &amp;lt; &quot;c&quot;</Message></Error></E>":   `A: b &lt; "c"`,
		"<E><Code>A</Code><Code>B</Code><Message>m</Message></E>":                           "m",
		`{"message":"` + strings.Repeat("é", 500) + `"}`:                                    strings.Repeat("é", maxWords) + "…",
		`{"error":[1],"errors":[]}`:                                                         "",
		`{"error":{"code":{"a":"b"},"message":"m"}}`:                                        "m",
		`{"message":1,"error":"e"}`:                                                         "e",
	} {
		if got := words([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// What a service says is one line that can be shown.
func FuzzWords(f *testing.F) {
	for _, seed := range []string{
		`{"errors":["a"]}`, `{"error":{"code":"c","message":"m"}}`, "<Code>c</Code><Message>m</Message>", `{"__type":"a#b"}`, "null",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := words(body)
		if redact.OneLine(got) != got || utf8.RuneCountInString(got) > maxWords+1 {
			t.Errorf("%q", got)
		}
	})
}

// The elements of a document are those that an XML parser finds.
func FuzzElement(f *testing.F) {
	f.Add("secret/of+a=", "id")
	f.Add("a<b", "&amp;\x00")
	f.Fuzz(func(t *testing.T, one, two string) {
		var answer struct {
			XMLName  xml.Name `xml:"Response"`
			One, Two string
		}
		answer.One, answer.Two = one, two
		document, err := xml.Marshal(answer)
		if err != nil || xml.Unmarshal(document, &answer) != nil {
			return
		}
		plain := func(text string) bool { return redact.IsWord(text) && !strings.ContainsAny(text, `"'`) }
		if got := element(document, "One"); plain(one) && got != answer.One {
			t.Errorf("%q, want %q", got, answer.One)
		}
		if got := element(document, "Two"); plain(two) && got != answer.Two {
			t.Errorf("%q, want %q", got, answer.Two)
		}
		// A document of somebody else has no element that is another's.
		if got := element([]byte(one), "Two"); got != "" && !strings.Contains(one, "<Two>") {
			t.Errorf("found %q in %q", got, one)
		}
	})
}

// Whatever a service answers, nothing is signed with it and nothing of it is
// shown that could be a credential.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"null", "{}", "[]", `{"value":"a.b.c"}`, `{"access_token":"t","expires_in":-1}`, `{"name":"` + gcpKey + `","signature":"AAAA"}`,
	} {
		f.Add(uint8(0), 200, []byte(seed))
		f.Add(uint8(3), 400, []byte(seed))
	}
	uris := []string{"gcpkms://" + gcpKey, "awskms:///alias/a", "azurekms://acme/keeper", "hashivault://app"}
	f.Fuzz(func(t *testing.T, kind uint8, status int, body []byte) {
		w := newWorld(t)
		w.config.GCP.Provider, w.config.AWS = gcpProvider, AWS{Role: awsRoleARN, Region: "eu-west-1"}
		w.config.Azure = Azure{ClientID: azureClient, TenantID: azureTenant}
		w.config.Vault = Vault{URL: "https://" + vaultHost, Role: "keeper"}
		for _, place := range []string{
			"POST sts.googleapis.com/v1/token", googleSign, "POST sts.eu-west-1.amazonaws.com/", "POST kms.eu-west-1.amazonaws.com/",
			"POST login.microsoftonline.com/" + azureTenant + "/oauth2/v2.0/token", "POST acme.vault.azure.net/keys/keeper/sign",
			vaultLogin, vaultSign,
		} {
			w.refuse[place] = answer{status: status, body: string(body)}
		}
		text := w.signError(w.open(uris[int(kind)%len(uris)]))
		var values map[string]any
		if json.Unmarshal(body, &values) == nil {
			for _, name := range []string{"access_token", "signature", "client_token"} {
				if v, _ := values[name].(string); len(v) > 8 && strings.Contains(text, v) && status/100 == 2 {
					t.Errorf("%s shows %q", text, v)
				}
			}
		}
		if strings.Count(text, "\n") > 1 {
			t.Errorf("%q", text)
		}
	})
}
