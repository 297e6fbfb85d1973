package awskms_test

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/test/custody/wire"
)

// AWS's own signer signs each of our requests as we did. Each is another key at
// another address, by another credential at another time.
func TestSignature(t *testing.T) {
	d, seen := newDice(t), map[string]int{}
	for range 4000 {
		region := d.region()
		c, digest := d.config(region), []byte(d.text(word, 32, 32))
		c.Send = func(_ context.Context, ours custody.Request) (custody.Response, error) {
			u, err := url.Parse(ours.URL)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{Method: ours.Method, URL: u, Host: u.Host, Header: http.Header{}}
			for name, value := range ours.Header {
				r.Header.Set(name, value)
			}
			signed, ok := parseSignature(r.Header.Get("Authorization"))
			at, err := time.Parse(dateForm, r.Header.Get("X-Amz-Date"))
			who := aws.Credentials{AccessKeyID: c.AWS.AccessKeyID, SecretAccessKey: c.AWS.SecretAccessKey.Reveal()}
			if want := signature(r, ours.Body, who, signed, at); err != nil || r.Header.Get("Authorization") != want {
				t.Fatalf("%s: %q\nAWS's signer: %q %v", ours.URL, r.Header.Get("Authorization"), want, err)
			}
			now := c.Now().Truncate(time.Second)
			if !ok || !signed.covers(r.Header) || signed.region != region || signed.service != "kms" || !at.Equal(now) {
				t.Fatalf("%s is signed for %+v at %v", ours.URL, signed, at)
			}
			seen[fmt.Sprint(r.Header.Get("X-Amz-Target"), " ", len(signed.headers))]++
			return noSignature(), nil
		}
		key, err := custody.Open(t.Context(), "awskms:///"+d.key(region), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := key.Sign(nil, digest, crypto.SHA256); err == nil {
			t.Fatal("a signature that is none was taken")
		}
	}
	if len(seen) < 2 {
		t.Errorf("only %v was asked for", seen)
	}
}

// noSignature is an answer of AWS with something else of a signature's size.
func noSignature() custody.Response {
	return custody.Response{Status: http.StatusOK, Body: fmt.Appendf(nil, `{"Signature":"%s"}`, strings.Repeat("AAAA", 256/3+1))}
}

// AWS's own client sends the same requests as we do.
func TestRequests(t *testing.T) {
	d, theirs := newDice(t), newRecorder()
	client := kms.New(kms.Options{
		Region: region, HTTPClient: theirs, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(staticCredentials("id", "secret", "token")),
	})
	for range 300 {
		theirs.Sent = nil
		key, digest := d.key(region), make([]byte, 32)
		for i := range digest {
			digest[i] = byte(d.Uint32())
		}
		_, _ = client.Sign(t.Context(), &kms.SignInput{ // what it makes of the answer is no matter
			KeyId: &key, Message: digest, MessageType: kmstypes.MessageTypeDigest,
			SigningAlgorithm: kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha256,
		})
		_, _ = client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: &key})
		c := d.config(region)
		c.AWS.KMSEndpoint = ""
		if ours := ourRequests(t, c, key, digest); !reflect.DeepEqual(ours, theirs.Sent) || len(ours) != 2 {
			t.Fatalf("we send\n%s\nAWS's client\n%s", wire.List(ours), wire.List(theirs.Sent))
		}
	}
	theirs.Sent = nil
	token := "e30.e30." + d.text(word, 80, 80)
	_, _ = sts.New(sts.Options{Region: region, HTTPClient: theirs, RetryMaxAttempts: 1}).
		AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(roleARN), RoleSessionName: aws.String("valetkey"), WebIdentityToken: &token,
			DurationSeconds: aws.Int32(900),
		})
	c := custody.Config{AWS: custody.AWS{FileRole: roleARN, TokenFile: "token", Region: region}}
	c.ReadFile = func(string) ([]byte, error) { return []byte(token + "\n"), nil }
	if ours := ourRequests(t, c, alias, make([]byte, 32)); !reflect.DeepEqual(ours, theirs.Sent) {
		t.Fatalf("we send\n%s\nAWS's client\n%s", wire.List(ours), wire.List(theirs.Sent))
	}
}

// newRecorder gives signatures that are none, and nothing else.
func newRecorder() *wire.Recorder {
	return &wire.Recorder{
		Headers: []string{"Content-Type", "X-Amz-Target"},
		Answer: func(r *http.Request, _ []byte) (int, http.Header, any) {
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Sign") {
				return http.StatusOK, nil, json.RawMessage(noSignature().Body)
			}
			return http.StatusNotImplemented, nil, map[string]string{}
		},
	}
}

// ourRequests returns what we send for a signature.
func ourRequests(t *testing.T, c custody.Config, key string, digest []byte) []wire.Sent {
	t.Helper()
	ours := newRecorder()
	c.Send = ours.Send
	opened, err := custody.Open(t.Context(), "awskms:///"+key, c)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = opened.Sign(nil, digest, crypto.SHA256) // it fails by these answers
	return ours.Sent
}
