package custody

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signV4 adds the headers that prove to AWS who sends a request: Signature
// Version 4, with all headers of the request signed. The URL has no query.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func signV4(r *Request, keys awsKeys, region, service string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header["X-Amz-Date"] = stamp
	if !keys.session.Empty() {
		r.Header["X-Amz-Security-Token"] = keys.session.Reveal()
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return // it can't be sent either
	}
	lines, names := []string{"host:" + u.Host}, []string{"host"}
	for name, value := range r.Header {
		name = strings.ToLower(name)
		lines, names = append(lines, name+":"+value), append(names, name)
	}
	slices.Sort(lines) // in the order of the names, since none begins with another
	slices.Sort(names)
	signed := strings.Join(names, ";")
	request := strings.Join([]string{r.Method, max(u.EscapedPath(), "/"), "", strings.Join(lines, "\n"), "", signed, hexSum(r.Body)}, "\n")

	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + keys.secret.Reveal())
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum([]byte(request))}, "\n"))
	r.Header["Authorization"] = "AWS4-HMAC-SHA256 Credential=" + keys.id + "/" + scope + ", SignedHeaders=" + signed +
		", Signature=" + hex.EncodeToString(signature)
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
