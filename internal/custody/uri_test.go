package custody

import (
	"net/url"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestParse(t *testing.T) {
	id := "1234abcd-12ab-34cd-56ef-1234567890ab"
	shown := "SHA256:" + strings.Repeat("a/+", 14) + "b"
	for uri, want := range map[string]location{
		"awskms:///alias/acme/app_1":     {scheme: "awskms://", key: "alias/acme/app_1"},
		"awskms://alias/app":             {scheme: "awskms://", key: "alias/app"},
		"awskms:///" + id:                {scheme: "awskms://", key: id},
		"awskms://" + id:                 {scheme: "awskms://", key: id},
		"awskms:///" + awsKeyARN:         {scheme: "awskms://", region: "eu-central-1", key: awsKeyARN},
		"awskms://" + awsKeyARN:          {scheme: "awskms://", region: "eu-central-1", key: awsKeyARN},
		"awskms://kms.test:8443/alias/a": {scheme: "awskms://", host: "kms.test:8443", key: "alias/a"},
		"awskms://[::1]:80/" + id:        {scheme: "awskms://", host: "[::1]:80", key: id},
		"awskms:///arn:aws-cn:kms:cn-north-1:111122223333:alias/a": {
			scheme: "awskms://", region: "cn-north-1", key: "arn:aws-cn:kms:cn-north-1:111122223333:alias/a",
		},
		"gcpkms://" + gcpKey: {scheme: "gcpkms://", key: gcpKey[:strings.LastIndex(gcpKey, "/cryptoKeyVersions")], version: "3"},
		"gcpkms://projects/a.com:b/locations/global/keyRings/r/cryptoKeys/k/versions/1": {
			scheme: "gcpkms://", key: "projects/a.com:b/locations/global/keyRings/r/cryptoKeys/k", version: "1",
		},
		"azurekms://acme/app":                       {scheme: "azurekms://", host: "acme", key: "app"},
		"azurekms://acme.vault.azure.net/app/0a1b2": {scheme: "azurekms://", host: "acme.vault.azure.net", key: "app", version: "0a1b2"},
		"hashivault://app.key-1":                    {scheme: "hashivault://", key: "app.key-1"},
		"openbao://a":                               {scheme: "openbao://", key: "a"},
		"ssh-agent:":                                {scheme: "ssh-agent:"},
		"ssh-agent:" + shown:                        {scheme: "ssh-agent:", key: shown},
		"ssh-agent:" + shown + "=":                  {scheme: "ssh-agent:", key: shown + "="},
		"file:app.pem":                              {scheme: "file:", key: "app.pem"},
		"file:/etc/app key.pem":                     {scheme: "file:", key: "/etc/app key.pem"},
		"file:///etc/app.pem":                       {scheme: "file:", key: "/etc/app.pem"},
		`file:C:\keys\app.pem`:                      {scheme: "file:", key: `C:\keys\app.pem`},
	} {
		if got, err := parse(uri); err != nil || got != want {
			t.Errorf("%s: %+v, %v", uri, got, err)
		}
	}
	for _, uri := range []string{
		"", "app", "awskms:", "awskms://", "awskms:///", "awskms:///key", "awskms://a/b/alias/c", "awskms:///alias/", "awskms:///alias/a?b",
		"awskms://u@h/alias/a", "awskms:///arn:aws:s3:::b", "AWSKMS:///alias/a", "awskms:///alias/a\n", "awskms://h:999999/alias/a",
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "gcpkms://" + gcpKey + "/", "gcpkms://" + gcpKey + ":asymmetricSign",
		"gcpkms://projects/../locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/latest", "azurekms://acme", "azurekms://acme/",
		"azurekms:///k",
		"azurekms://acme/k/v/w", "azurekms://acme/k?x", "hashivault://", "hashivault://a/b", "hashivault://..", "hashivault://a?b",
		"openbao:a",
		"ssh-agent:SHA256:short", "ssh-agent://x", "file:", "file://", "file://host/path", "file:a\x00b", "file:a\u202eb",
		"https://acme.vault.azure.net/keys/k",
		strings.Repeat("file:", 1000),
	} {
		if got, err := parse(uri); err == nil || !strings.HasPrefix(err.Error(), "key is ") || fault.Hint(err) == "" {
			t.Errorf("%q: %+v, %v", uri, got, err)
		}
	}
	for _, secret := range []string{"-----BEGIN RSA PRIVATE KEY-----\nMIIE", "eyJhbGciOiJSUzI1NiJ9.x.y"} {
		_, err := parse(secret)
		if text := fault.Text(err); err == nil || strings.Contains(text, secret[11:]) || !strings.Contains(text, "private-key") {
			t.Errorf("a secret: %s", text)
		}
	}
}

func TestScheme(t *testing.T) {
	for uri, want := range map[string]string{
		"awskms:///alias/a": "awskms://", "awskms://": "awskms://", "ssh-agent:": "ssh-agent:",
		"file:a": "file:", "openbao://a": "openbao://",
		"awskms:a": "", "AWSKMS://a": "", " file:a": "", "https://a": "", "a": "", "": "",
	} {
		if got := Scheme(uri); got != want {
			t.Errorf("that of %q is %q, want %q", uri, got, want)
		}
	}
}

// A URI is the same again in its usual spelling, and its parts can't change the
// meaning of a URL that they are put into.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"awskms:///alias/a", "awskms://h:1/" + awsKeyARN, "gcpkms://" + gcpKey, "azurekms://a/b/c", "hashivault://a", "openbao://a.b",
		"ssh-agent:",
		"ssh-agent:SHA256:" + strings.Repeat("a", 43), "file:///a", "file:a b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got, err := parse(uri)
		if err != nil {
			if text := fault.Text(err); len(uri) > 20 && strings.Contains(text, uri) || redact.OneLine(err.Error()) != err.Error() {
				t.Errorf("the error repeats %q: %s", uri, text)
			}
			return
		}
		again, err := parse(got.uri())
		if err != nil || again != got {
			t.Errorf("%q is %+v, and %q is %+v: %v", uri, got, got, again, err)
		}
		if got.scheme == "file:" || got.scheme == "ssh-agent:" {
			return
		}
		u, err := url.Parse("https://h/v1/" + got.key + "/" + got.version + "/x")
		if err != nil || u.Path != "/v1/"+got.key+"/"+got.version+"/x" || u.RawQuery+u.Fragment != "" || strings.Contains(u.Path, "/../") {
			t.Errorf("%q makes the address %v", uri, u)
		}
		if got.host != "" {
			if u, err := url.Parse("https://" + got.host + "/"); err == nil && (u.Host != got.host || u.User != nil || u.Path != "/") {
				t.Errorf("%q makes the address %v", uri, u)
			}
		}
	})
}
