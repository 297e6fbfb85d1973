package actions

import (
	"bytes"
	"compress/gzip"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// tool is a command that people run on a text with a token in it, by accident
// or to get round the masks.
type tool struct {
	// script is run by bash, with the text on its standard input and in $TEXT,
	// and the address of a web server in $SERVER. If it is empty or can't be
	// run, print replaces it.
	script string
	// print returns the output of the script, or some lines of it.
	print func(text string) string
	among bool // print returns only some lines of the output

	group int  // the token starts at a multiple of this number of bytes
	alone bool // the text is the token alone
	rare  bool // only some pieces of this encoding are masked

	reason string // why it is not covered
}

// covered holds the tools whose output shows nothing of use.
var covered = map[string]tool{
	"cat":      {script: "cat", print: same},
	"tee":      {script: "tee copy", print: same},
	"dd":       {script: "dd status=none", print: same},
	"echo":     {script: `echo "$TEXT"`, print: same},
	"printenv": {script: "printenv TEXT", print: same},
	"env":      {script: "env | sort", print: func(t string) string { return "TEXT=" + t }, among: true},
	"bash set -x": {
		script: `set -x; : "$TEXT" 2>&1`,
		print:  func(t string) string { return "+ : " + t }, among: true, alone: true,
	},
	"printf %q": {script: `printf %q "$TEXT"`, print: same, alone: true},
	"declare -p": {
		script: "declare -p TEXT",
		print:  func(t string) string { return `declare -x TEXT="` + t + `"` }, alone: true,
	},
	"awk":     {script: `awk '{print "seen: " $0}'`, print: func(t string) string { return "seen: " + t }},
	"sed":     {script: `sed 's/^/seen: /'`, print: func(t string) string { return "seen: " + t }},
	"grep":    {script: "grep -n .", print: func(t string) string { return "1:" + t }},
	"strings": {script: "strings", print: same},
	"nl":      {script: "nl", print: func(t string) string { return "     1\t" + t }},
	"cat -A":  {script: `(cat; echo) | cat -A`, print: func(t string) string { return t + "$" }, alone: true},
	"expand":  {script: "expand", print: same},
	"column":  {script: "column", print: same},
	"paste":   {script: "paste -", print: same},
	"pr":      {script: "pr -t", print: same},
	"fmt":     {script: "fmt -w 75", print: same, alone: true},
	"xargs": {
		script: "xargs -n 1 echo",
		print:  func(t string) string { return strings.Join(strings.Fields(t), "\n") }, alone: true,
	},
	"cut -c 1-80": {script: "cut -c 1-80", print: func(t string) string { return t[:min(len(t), 80)] }},
	"cut -d .": {
		script: `cut -d . -f 3`,
		print:  func(t string) string { return t[strings.LastIndexByte(t, '.')+1:] }, alone: true,
	},
	"head -c 300":   {script: "head -c 300", print: func(t string) string { return t[:min(len(t), 300)] }},
	"tail -c 100":   {script: "tail -c 100", print: func(t string) string { return t[max(0, len(t)-100):] }},
	"fold -w 80":    {script: "fold -w 80", print: wrapped(80)},
	"fold -w 60":    {script: "fold -w 60", print: wrapped(60)},
	"fold -w 132":   {script: "fold -w 132", print: wrapped(132)},
	"sed -n l":      {script: "sed -n l", print: unambiguous, alone: true},
	"rev":           {script: "rev", print: reversed, rare: true},
	"tr a-z A-Z":    {script: "tr a-z A-Z", print: strings.ToUpper, rare: true},
	"tr A-Z a-z":    {script: "tr A-Z a-z", print: strings.ToLower, rare: true},
	"dd conv=ucase": {script: "dd status=none conv=ucase", print: strings.ToUpper, rare: true},
	"base64":        {script: "base64", print: then(b64ed, wrapped(76))},
	"base64 -w 0":   {script: "base64 -w 0", print: b64ed},
	"basenc --base64url": {
		script: "basenc --base64url",
		print:  then(func(t string) string { return base64.URLEncoding.EncodeToString([]byte(t)) }, wrapped(76)),
	},
	"basenc --base16":      {script: "basenc --base16", print: then(hexed, strings.ToUpper, wrapped(76)), rare: true},
	"base32":               {script: "base32", print: then(b32ed, wrapped(76)), group: 5, rare: true},
	"openssl base64":       {script: "openssl base64", print: then(b64ed, wrapped(64))},
	"openssl base64 -A":    {script: "openssl base64 -A", print: b64ed},
	"openssl enc -a":       {script: "openssl enc -a", print: then(b64ed, wrapped(64))},
	"gpg --enarmor":        {script: "gpg --homedir . --no-options -q --enarmor", print: then(b64ed, wrapped(64)), among: true},
	"xxd -p":               {script: "xxd -p", print: then(hexed, wrapped(60))},
	"xxd -p -c 0":          {script: "xxd -p | tr -d '\\n'", print: hexed},
	"xxd -u -p":            {script: "xxd -u -p", print: then(hexed, strings.ToUpper, wrapped(60)), rare: true},
	"od, blanks taken out": {script: "od -An -v -tx1 | tr -d ' \\n'", print: hexed},
	"hexdump":              {script: `hexdump -ve '1/1 "%02x"'`, print: hexed},
	"python base64":        {script: "python3 -m base64", print: then(b64ed, wrapped(76))},
	"python encodebytes": {
		script: "python3 -c 'import base64,sys; print(base64.encodebytes(sys.stdin.buffer.read()))'",
		print:  func(t string) string { return "b'" + strings.ReplaceAll(wrapped(76)(b64ed(t)), "\n", `\n`) + `\n'` },
	},
	"python repr": {
		script: "python3 -c 'import sys; print([sys.stdin.read()])'",
		print:  func(t string) string { return "['" + t + "']" }, alone: true,
	},
	"python hexlify": {script: "python3 -c 'import sys; print(sys.stdin.buffer.read().hex())'", print: hexed},
	"perl encode":    {script: "perl -MMIME::Base64 -e 'print encode_base64(join(q(), <STDIN>))'", print: then(b64ed, wrapped(76))},
	"perl unpack":    {script: "perl -e 'print unpack(q(H*), join(q(), <STDIN>))'", print: hexed},
	"ruby pack m":    {script: "ruby -e 'print [STDIN.read].pack(%q(m))'", print: then(b64ed, wrapped(60))},
	"node base64":    {script: "node -p 'Buffer.from(process.env.TEXT).toString(`base64`)'", print: b64ed},
	"node base64url": {
		script: "node -p 'Buffer.from(process.env.TEXT).toString(`base64url`)'",
		print:  func(t string) string { return base64.RawURLEncoding.EncodeToString([]byte(t)) },
	},
	"node hex":         {script: "node -p 'Buffer.from(process.env.TEXT).toString(`hex`)'", print: hexed},
	"node encodeURI":   {script: "node -p 'encodeURIComponent(process.env.TEXT)'", print: same, alone: true},
	"jq":               {script: "jq -R .", print: func(t string) string { return `"` + t + `"` }, alone: true},
	"jq @base64":       {script: "jq -Rrs @base64", print: b64ed},
	"jq @base32":       {script: "jq -Rrs @base32", print: b32ed, group: 5, rare: true},
	"jq @uri":          {script: "jq -Rrs @uri", print: same, alone: true},
	"jq @sh":           {script: "jq -Rrs @sh", print: func(t string) string { return "'" + t + "'" }, alone: true},
	"jq twice in JSON": {script: "jq -R tojson", print: func(t string) string { return `"\"` + t + `\""` }, alone: true},
	"git config --list": {
		script: `git -c "http.extraheader=$TEXT" config --list`,
		print:  func(t string) string { return "http.extraheader=" + t }, among: true,
	},
	"git basic": {
		script: `git -c "http.extraheader=Authorization: Basic $(printf %s "$TEXT" | base64 -w 0)" config --list`,
		print:  func(t string) string { return "http.extraheader=Authorization: Basic " + b64ed(t) }, among: true,
	},
	"GIT_TRACE": {
		script: `GIT_TRACE=1 git ls-remote "http://x-access-token:$TEXT@127.0.0.1:1/a/b.git" 2>&1 |
				sed -n 's/.*built-in: git ls-remote //p'`,
		print: func(t string) string { return "http://x-access-token:" + t + "@127.0.0.1:1/a/b.git" }, alone: true,
	},
	"curl -v": {
		script: `curl -sv -o page -H "X: $TEXT" "$SERVER" 2>&1 | tr -d '\r'`,
		print:  func(t string) string { return "> X: " + t }, among: true, alone: true,
	},
	"PEM":                {print: then(b64ed, wrapped(64))},
	"Authorization":      {print: func(t string) string { return "> Authorization: Basic " + b64ed(t) }},
	"a URL with a user":  {print: func(t string) string { return "fatal: could not read from https://" + t + "@github.com/a/b.git" }},
	"base64 without pad": {print: func(t string) string { return base64.RawStdEncoding.EncodeToString([]byte(t)) }},
}

// uncovered holds the tools against which masks don't help, or would cost too
// much.
var uncovered = map[string]tool{
	"fold -w 1":   {print: wrapped(1), reason: "a character a line: a mask of one would hide the whole log"},
	"fold -w 10":  {print: wrapped(10), reason: "lines shorter than a piece"},
	"xxd -p -c 8": {print: then(hexed, wrapped(16)), reason: "lines shorter than a piece"},
	"sed 's/./& /g'": {
		print:  func(t string) string { return strings.Join(strings.Split(t, ""), " ") },
		reason: "something stands between the characters",
	},
	"xxd, hexdump, od": {
		print:  func(t string) string { return hex.Dump([]byte(t)) },
		reason: "blanks stand between the bytes, sixteen to a line, at each of sixteen offsets",
	},
	"base64 | xxd -p": {
		print:  then(b64ed, wrapped(76), hexed, wrapped(60)),
		reason: "encoded twice: each encoding of each would be needed",
	},
	"rev | base64": {print: then(reversed, b64ed, wrapped(76)), reason: "encoded twice: each encoding of each would be needed"},
	"tr | fold -w 80": {
		print:  then(strings.ToUpper, wrapped(80)),
		reason: "nobody does so by accident, and each such pair costs 17 masks",
	},
	"iconv -t utf-16": {
		print:  func(t string) string { return strings.Join(strings.Split(t, ""), "\x00") },
		reason: "something stands between the characters",
	},
	"rot13":   {print: rot13, reason: "nobody does so by accident"},
	"ascii85": {print: ascii85ed, reason: "rare, with an alignment of four"},
	"base32, shifted": {
		print:  func(t string) string { return b32ed("x" + t) },
		reason: "rare: five alignments would cost as many masks as base64 has",
	},
	"gzip | base64": {
		print:  func(t string) string { return b64ed(gzipped(t)) },
		reason: "what is compressed, or encrypted, has nothing in common with what was",
	},
}

func same(t string) string  { return t }
func hexed(t string) string { return hex.EncodeToString([]byte(t)) }
func b64ed(t string) string { return base64.StdEncoding.EncodeToString([]byte(t)) }
func b32ed(t string) string { return base32.StdEncoding.EncodeToString([]byte(t)) }

// then runs the steps one after the other.
func then(steps ...func(string) string) func(string) string {
	return func(t string) string {
		for _, step := range steps {
			t = step(t)
		}
		return t
	}
}

// wrapped breaks lines after the given number of columns.
func wrapped(columns int) func(string) string {
	return func(t string) string {
		var lines []string
		for line := range strings.SplitSeq(t, "\n") {
			for len(line) > columns {
				lines = append(lines, line[:columns])
				line = line[columns:]
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n")
	}
}

// unambiguous prints a text as sed's command l does: lines of 69 characters and
// a backslash, and $ at the end.
func unambiguous(t string) string {
	return strings.ReplaceAll(wrapped(69)(t), "\n", "\\\n") + "$"
}

func rot13(t string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, t)
}

func ascii85ed(t string) string {
	encoded := make([]byte, ascii85.MaxEncodedLen(len(t)))
	return string(encoded[:ascii85.Encode(encoded, []byte(t))])
}

func gzipped(t string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, t)
	_ = w.Close() // into memory
	return b.String()
}
