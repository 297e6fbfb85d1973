package gitauth

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestParseRequest(t *testing.T) {
	whole := Request{Protocol: "https", Host: "github.com", Path: "octo-corp/api.git", Username: "git"}
	for _, test := range []struct {
		name, text string
		want       Request
	}{
		{"all", "protocol=https\nhost=github.com\npath=octo-corp/api.git\nusername=git\n\n", whole},
		{"no empty line", "protocol=https\nhost=github.com\n", Request{Protocol: "https", Host: "github.com"}},
		{"no line break at the end", "protocol=https\nhost=github.com", Request{Protocol: "https", Host: "github.com"}},
		{"nothing", "", Request{}},
		{"only up to the empty line", "host=github.com\n\nhost=evil.example\n", Request{Host: "github.com"}},
		{"git 2.48", "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=github.com\n" +
			"wwwauth[]=Basic realm=\"GitHub\"\n\n", Request{Protocol: "https", Host: "github.com"}},
		{"a password", "host=github.com\npassword=\xff=secret\n", Request{Host: "github.com"}},
		{"the last one counts", "host=a\nhost=b\n", Request{Host: "b"}},
		{"an equals sign in a value", "path=a=b\n", Request{Path: "a=b"}},
		{"url", "url=https://git@github.com/octo-corp/api.git\n", whole},
		{
			"url with port and escapes", "url=https://ghes.example.com:8443/octo%2Dcorp/api/\n",
			Request{Protocol: "https", Host: "ghes.example.com:8443", Path: "octo-corp/api"},
		},
		{
			"url, and then more", "username=a\nurl=https://github.com\npath=octo-corp/api\n",
			Request{Protocol: "https", Host: "github.com", Path: "octo-corp/api"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseRequest(iotest.OneByteReader(strings.NewReader(test.text)))
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestParseRequestDoesNotWaitForTheEnd(t *testing.T) {
	r, f := io.Pipe()
	defer f.Close()
	go io.WriteString(f, "host=github.com\n\n")
	if q, err := ParseRequest(r); err != nil || q.Host != "github.com" {
		t.Errorf("got %+v, %v", q, err)
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       *fault.Error
	}{
		{"no equals sign", "host=github.com\nsecret\n", errLine},
		{"CR at the end", "host=github.com\r\n\r\n", errControl},
		{"CR", "host=github.com\rhost=evil.example\n", errControl},
		{"NUL", "host=github.com\x00.evil.example\n", errControl},
		{"NUL in what is passed over", "password=secret\x00\n", errControl},
		{"escape code", "path=\x1b[2J\n", errControl},
		{"no UTF-8", "host=\xff\n", errControl},
		{"line break in a url", "url=https://secret.example%0ahost=github.com/octo-corp/api\n", errURL},
		{"line break in a path", "url=https://evil.example/octo%0Ahost=github.com\n", errControl},
		{"CR in a user", "url=https://a%0d@github.com/\n", errControl},
		{"no scheme", "url=github.com/octo-corp/api\n", errURL},
		{"no host", "url=https:///octo-corp/api\n", errURL},
		{"no url", "url=secret://%zz\n", errURL},
		{"too long a line", "path=" + strings.Repeat("a", maxRequest), errLarge},
		{"too many lines", strings.Repeat("a=b\n", maxRequest/4+1), errLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseRequest(strings.NewReader(test.text))
			wantError(t, err, test.want)
			if got != (Request{}) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	_, err := ParseRequest(iotest.ErrReader(errors.New("broken")))
	wantError(t, err, errRead)
}

func TestRequestOwner(t *testing.T) {
	for _, test := range []struct{ path, owner, repository string }{
		{"octo-corp/api.git", "octo-corp", "api"},
		{"octo-corp/api", "octo-corp", "api"},
		{"Octo_corp/my.api.git/info/lfs", "Octo_corp", "my.api"},
		{"octo-corp/api.wiki.git", "octo-corp", "api"},
		{"octo-corp/.github", "octo-corp", ".github"},
		{"", "", ""},
		{"octo-corp", "", ""},
		{"octo-corp/", "", ""},
		{"octo-corp/.git", "", ""},
		{"/octo-corp/api", "", ""},
		{"octo-corp//api", "", ""},
		{"../api", "", ""},
		{"octo-corp/..", "", ""},
		{"octo-corp/...git", "", ""},
		{"octo corp/api", "", ""},
		{"octo-corp/api?x", "", ""},
	} {
		owner, repository, ok := Request{Path: test.path}.Owner()
		if owner != test.owner || repository != test.repository || ok != (test.owner != "") {
			t.Errorf("%q: got %q, %q, %v", test.path, owner, repository, ok)
		}
	}
}

func TestRequestAt(t *testing.T) {
	q := Request{Protocol: "https", Host: "GitHub.com"}
	for server, want := range map[string]bool{
		"https://github.com": true, "https://github.com/": true, "https://github.com:8443": false,
		"https://octo.ghe.com": false, "http://localhost": false, "": false,
	} {
		if got := q.At(server, false); got != want {
			t.Errorf("at %q: %v", server, got)
		}
	}
	for _, q := range []Request{
		{}, {Host: "github.com"}, {Protocol: "http", Host: "github.com"}, {Protocol: "https", Host: "github.com:443"},
	} {
		if q.At("https://github.com", false) {
			t.Errorf("%+v is at github.com", q)
		}
	}
	plain := Request{Protocol: "http", Host: "ghes.example.com"}
	if plain.At("http://ghes.example.com", false) || !plain.At("http://ghes.example.com", true) {
		t.Error("http that leaves the machine is for whoever was told to let it pass")
	}
}

func TestAnswer(t *testing.T) {
	expires := time.Date(2027, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	for _, test := range []struct {
		name    string
		expires time.Time
		want    string
	}{
		{"with a time", expires, "username=x-access-token\npassword=" + someToken + "\npassword_expiry_utc=1798855445\n"},
		{"without", time.Time{}, "username=x-access-token\npassword=" + someToken + "\n"},
	} {
		var out bytes.Buffer
		if err := Answer(&out, redact.New(someToken), test.expires); err != nil || out.String() != test.want {
			t.Errorf("%s: got %q, %v", test.name, out.String(), err)
		}
	}
	for _, bad := range []string{"", "ghs_1\nhost=evil.example", "ghs_1\r", "ghs_1\x00"} {
		var out bytes.Buffer
		wantError(t, Answer(&out, redact.New(bad), time.Time{}), errToken)
		if out.Len() != 0 {
			t.Errorf("wrote %q", out.String())
		}
	}
	wantError(t, Answer(io.Discard, redact.New(someToken), time.Unix(-1, 0)), errExpires)
	r, f := io.Pipe()
	r.Close()
	if err := Answer(f, redact.New(someToken), expires); !errors.Is(err, io.ErrClosedPipe) || strings.Contains(err.Error(), someToken) {
		t.Errorf("got %v", err)
	}
}

// FuzzParseRequest checks that an accepted request means the same when it is
// written down again, and fits into lines.
func FuzzParseRequest(f *testing.F) {
	f.Add("protocol=https\nhost=github.com\npath=octo-corp/api.git\n\n")
	f.Add("url=https://git@github.com:8443/octo%20corp/api.git\nhost=b\n")
	f.Add("url=https://a%0d@[::1%25z]/\n")
	f.Add("wwwauth[]=x\nhost=\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseRequest(strings.NewReader(text))
		if err != nil {
			var known *fault.Error
			if !errors.As(err, &known) || known.Hint == "" || q != (Request{}) {
				t.Fatalf("got %+v, %v", q, err)
			}
			return
		}
		again := "protocol=" + q.Protocol + "\nhost=" + q.Host + "\npath=" + q.Path + "\nusername=" + q.Username + "\n\n"
		if strings.Count(again, "\n") != 5 || strings.ContainsAny(again, "\r\x00") {
			t.Fatalf("%q", again)
		}
		if got, err := ParseRequest(strings.NewReader(again)); err != nil || got != q {
			t.Errorf("got %+v, %v; want %+v", got, err, q)
		}
		if owner, repository, ok := q.Owner(); ok && !strings.HasPrefix(q.Path, owner+"/"+repository) {
			t.Errorf("%q belongs to %q, %q", q.Path, owner, repository)
		}
	})
}
