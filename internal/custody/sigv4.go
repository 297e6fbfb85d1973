package custody

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signV4 adds the headers that prove to AWS who sends a request: Signature
// Version 4, with all headers of the request signed. The URL has no query.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func signV4(r *Request, keys awsKeys, region, service string, now time.Time) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return // the request can't be sent either
	}
	stamp := now.UTC().Format("20060102T150405Z")
	signed := map[string]string{"host": u.Host, "x-amz-date": stamp}
	r.Header["X-Amz-Date"] = stamp
	if !keys.session.Empty() {
		r.Header["X-Amz-Security-Token"] = keys.session.Reveal()
	}
	for name, value := range r.Header {
		signed[strings.ToLower(name)] = value
	}
	names := slices.Sorted(maps.Keys(signed))
	request := r.Method + "\n" + max(u.EscapedPath(), "/") + "\n\n"
	for _, name := range names {
		request += name + ":" + signed[name] + "\n"
	}
	request += "\n" + strings.Join(names, ";") + "\n" + hexSum(r.Body)

	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hexSum([]byte(request))
	key := []byte("AWS4" + keys.secret.Reveal())
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header["Authorization"] = "AWS4-HMAC-SHA256 Credential=" + keys.id + "/" + scope +
		", SignedHeaders=" + strings.Join(names, ";") + ", Signature=" + hex.EncodeToString(mac(key, text))
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
