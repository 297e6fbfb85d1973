package actions

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// masked replaces every mask in a text exactly, as the runner does.
func masked(text string, masks []redact.String) string {
	for _, m := range masks {
		text = strings.ReplaceAll(text, m.Reveal(), "***")
	}
	return text
}

func tokens() map[string]string {
	part := func() string { return rand.Text() + rand.Text() + "-_" + rand.Text() }
	return map[string]string{
		"opaque":    "ghs_" + (rand.Text() + rand.Text())[:36],
		"stateless": "ghs_917_" + part() + "." + part() + "." + part(),
	}
}

// In every encoding, at most a few characters at the edges of a token stay
// readable.
func TestEncodingsCoverWhatTheRunnerMisses(t *testing.T) {
	for kind, token := range tokens() {
		forms := Encodings(redact.New(token))
		std, url := base64.StdEncoding, base64.URLEncoding
		prints := map[string]string{
			"itself":                 token,
			"in a URL":               "https://x-access-token:" + token + "@github.com/",
			"base64":                 std.EncodeToString([]byte(token)),
			"base64 with newline":    std.EncodeToString([]byte(token + "\n")),
			"base64 as user name":    std.EncodeToString([]byte(token + ":x-oauth-basic")),
			"base64 as password":     std.EncodeToString([]byte("x-access-token:" + token)),
			"base64 as password 1":   std.EncodeToString([]byte("u:" + token + "\n")),
			"base64 as password 2":   std.EncodeToString([]byte("me:" + token + "\n")),
			"base64 without padding": base64.RawStdEncoding.EncodeToString([]byte(token)),
			"base64url":              url.EncodeToString([]byte("?>" + token)),
			"base64url raw":          base64.RawURLEncoding.EncodeToString([]byte("x" + token)),
			"hex":                    hex.EncodeToString([]byte(token)),
			"HEX":                    strings.ToUpper(hex.EncodeToString([]byte(token))),
			"lower case":             strings.ToLower(token),
			"upper case":             strings.ToUpper(token),
			"reversed":               reversed(token),
		}
		if parts := strings.Split(token, "."); len(parts) == 3 {
			prints["payload alone"], prints["signature alone"] = parts[1], parts[2]
		}
		for name, text := range prints {
			left := strings.ReplaceAll(masked(text, forms), "***", "")
			for _, known := range []string{"https://x-access-token:", "@github.com/", std.EncodeToString([]byte("x-access-token:"))} {
				left = strings.ReplaceAll(left, known, "")
			}
			if len(left) > 24 {
				t.Errorf("%s, %s: %d of %d characters stay readable", kind, name, len(left), len(text))
			}
		}
	}
}

// The alphabets of base64 differ only for characters that are in no token of
// GitHub's, but may be in a password that a rotation made.
func TestEncodingsInBothAlphabets(t *testing.T) {
	secret := rand.Text() + strings.Repeat("~?>", 12) + rand.Text()
	patterns := runnerMasks(Encodings(redact.New(secret)))
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for _, before := range []string{"", "x", "xy"} {
			left := strings.ReplaceAll(asShown(patterns, encoding.EncodeToString([]byte(before+secret))), "***", "")
			if len(left) > 8 {
				t.Errorf("behind %d bytes, %q stay readable", len(before), left)
			}
		}
	}
}

func TestEncodingsLeaveTheJWTHeaderAlone(t *testing.T) {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	token := "ghs_917_" + header + "." + rand.Text() + "." + rand.Text()
	for _, form := range Encodings(redact.New(token)) {
		if strings.Contains(header, form.Reveal()) {
			t.Error("the header that every JWT has is masked: job outputs that hold another JWT would be dropped")
		}
	}
}

func TestLongLines(t *testing.T) {
	secret := []string{rand.Text(), rand.Text(), "c2hvcnQ="}
	pem := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Join(secret, "\n") + "\n-----END RSA PRIVATE KEY-----\n"
	for name, text := range map[string]string{
		"as it is":      pem,
		"CRLF":          strings.ReplaceAll(pem, "\n", "\r\n"),
		"escaped":       strings.ReplaceAll(pem, "\n", `\n`),
		"escaped twice": strings.ReplaceAll(pem, "\n", `\\n`),
		"spaces":        strings.ReplaceAll(pem, "\n", " "),
		"quoted":        `"` + pem + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			lines := LongLines(redact.New(text))
			if len(lines) != 2 {
				t.Fatalf("%d masks, want one for each of the two long lines", len(lines))
			}
			for i, line := range lines {
				if line.Reveal() != secret[i] {
					t.Errorf("line %d differs", i)
				}
			}
		})
	}
}

func TestMask(t *testing.T) {
	r, log := newRunner(t, nil)
	secret := rand.Text()
	r.Mask(redact.New(secret), redact.New(secret), redact.New("short"), redact.New(""), redact.New("per%cent"+secret))
	if want := "::add-mask::" + secret + "\n::add-mask::per%25cent" + secret + "\n"; log.String() != want {
		t.Errorf("got %q, want %q", log, want)
	}
	log.Reset()
	r.Info("it is %s", secret)
	r.Warning("it is %s", secret)
	if strings.Contains(log.String(), secret) {
		t.Error("a masked value was written all the same")
	}

	// The runner hides overlapping masks completely.
	long := rand.Text() + rand.Text()
	r.Mask(redact.New(long[:30]), redact.New(long[20:]), redact.New(long))
	log.Reset()
	r.Info("<%s>", long)
	r.Fail(fault.New("no "+long, ""))
	if want := "<***>\n::error::no ***\n"; log.String() != want {
		t.Errorf("got %q, want %q", log, want)
	}

	outside, log := newRunner(t, map[string]string{"GITHUB_ACTIONS": ""})
	outside.Mask(redact.New(secret))
	outside.Error("no %s", secret)
	if want := "error: no ***\n"; log.String() != want {
		t.Errorf("outside a runner: got %q, want %q", log, want)
	}
}

// A plain runner writes only plain lines, and hides the known secrets in them.
func TestPlainAnnouncesNothing(t *testing.T) {
	var log strings.Builder
	env := map[string]string{"GITHUB_ACTIONS": "true", "RUNNER_DEBUG": "1"}
	r := NewPlain(&log, func(name string) string { return env[name] })
	secret := rand.Text()
	r.Mask(redact.New(secret))
	r.Info("info %s", secret)
	r.Debug("debug %s", secret)
	r.Notice("notice %s", secret)
	r.Warning("::add-mask::%s", secret)
	r.Fail(fault.New("problem "+secret, "cure "+secret+"\n::stop-commands::x"))
	want := "info ***\ndebug: debug ***\nnotice: notice ***\nwarning: ::add-mask::***\n" +
		"error: problem ***\nhint: cure ***\n| ::stop-commands::x\n"
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Error(diff)
	}
	if !r.OnRunner() {
		t.Error("the job runs under a runner, whoever owns the stream")
	}
}

// writes keeps what is written, one entry for each write.
type writes []string

func (w *writes) Write(text []byte) (int, error) {
	*w = append(*w, string(text))
	return len(text), nil
}

// All masks of a key go out at once, before Mask returns.
func TestMaskIsOneWrite(t *testing.T) {
	var out writes
	r := New(&out, func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] })
	first, second := "opensesame-"+rand.Text(), "opensesame-"+rand.Text()
	r.Mask(redact.New(first), redact.New(second))
	want := writes{"::add-mask::" + first + "\n::add-mask::" + second + "\n"}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	r.Mask(redact.New(first)) // it is masked, so there is nothing to say
	if len(out) != 1 {
		t.Errorf("%d writes", len(out))
	}
}
