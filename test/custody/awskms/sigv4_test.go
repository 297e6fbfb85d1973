package awskms_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const dateForm = "20060102T150405Z"

// authenticate returns whose signature a request has. It leaves the body as it
// was.
func (c *cloud) authenticate(r *http.Request) (principal string, refused *refusal) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", &refusal{"SerializationException", err.Error()}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	signed, ok := parseSignature(r.Header.Get("Authorization"))
	if !ok {
		return "", &refusal{"IncompleteSignatureException", "Authorization header requires what it has not"}
	}
	known, ok := c.sessions[signed.accessKeyID]
	switch {
	case !ok, known.token != r.Header.Get("X-Amz-Security-Token"):
		return "", &refusal{"UnrecognizedClientException", "The security token included in the request is invalid."}
	case !known.expires.IsZero() && c.now().After(known.expires):
		return "", &refusal{"ExpiredTokenException", "The security token included in the request is expired"}
	case signed.region != region:
		return "", &refusal{"InvalidSignatureException", "Credential should be scoped to a valid region. "}
	case signed.service != "kms":
		return "", &refusal{"InvalidSignatureException", "Credential should be scoped to correct service: 'kms'. "}
	}
	at, err := time.Parse(dateForm, r.Header.Get("X-Amz-Date"))
	if err != nil || signed.date != at.Format("20060102") {
		return "", &refusal{
			"InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
		}
	}
	if skew := c.now().Sub(at); skew > 5*time.Minute || skew < -5*time.Minute {
		return "", &refusal{"InvalidSignatureException", fmt.Sprintf(
			"Signature expired: %s is now earlier than %s (%s - 5 min.)", at.Format(dateForm),
			c.now().Add(-5*time.Minute).UTC().Format(dateForm), c.now().UTC().Format(dateForm))}
	}
	want := signature(r, body, aws.Credentials{AccessKeyID: signed.accessKeyID, SecretAccessKey: known.secret}, signed, at)
	if !signed.covers(r.Header) || r.Header.Get("Authorization") != want {
		return "", &refusal{"InvalidSignatureException", "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
	}
	return known.principal, nil
}

// signature returns the header Authorization that AWS's own signer gives a
// request whose signature covers the same headers.
func signature(r *http.Request, body []byte, who aws.Credentials, s signatureHeader, at time.Time) string {
	again, err := http.NewRequestWithContext(context.Background(), r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return ""
	}
	if !slices.Contains(s.headers, "content-length") {
		again.ContentLength = -1 // or it is signed
	}
	for name, values := range r.Header {
		if slices.Contains(s.headers, strings.ToLower(name)) {
			again.Header[name] = values
		}
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), who, again, hex.EncodeToString(sum[:]), s.service, s.region, at); err != nil {
		return ""
	}
	return again.Header.Get("Authorization")
}

// signatureHeader is what the header Authorization says of a signature.
type signatureHeader struct {
	accessKeyID, date, region, service string
	headers                            []string
}

func parseSignature(header string) (s signatureHeader, ok bool) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 Credential=")
	credential, rest, found := strings.Cut(rest, ", SignedHeaders=")
	headers, _, hasSignature := strings.Cut(rest, ", Signature=")
	scope := strings.Split(credential, "/")
	if !ok || !found || !hasSignature || len(scope) != 5 || scope[4] != "aws4_request" {
		return s, false
	}
	return signatureHeader{scope[0], scope[1], scope[2], scope[3], strings.Split(headers, ";")}, true
}

// covers reports whether the signature covers the headers that AWS wants to be
// covered.
func (s signatureHeader) covers(header http.Header) bool {
	for name := range header {
		name = strings.ToLower(name)
		if (strings.HasPrefix(name, "x-amz-") || name == "content-type") && !slices.Contains(s.headers, name) {
			return false
		}
	}
	return slices.Contains(s.headers, "host")
}
