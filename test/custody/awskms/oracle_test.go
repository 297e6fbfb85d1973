package awskms_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

// sent is a request without what differs from one program to the next.
type sent struct {
	Method, Path string
	Header       map[string]string
	Body         any
}

func readSent(r *http.Request, body []byte) sent {
	s := sent{r.Method, r.URL.RequestURI(), map[string]string{}, nil}
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		if value := r.Header.Get(name); value != "" {
			s.Header[name] = value
		}
	}
	if form, err := url.ParseQuery(string(body)); err == nil && !json.Valid(body) {
		form.Del("RoleSessionName") // each program's own
		s.Body = form
	} else if err := json.Unmarshal(body, &s.Body); err != nil {
		s.Body = err.Error()
	}
	return s
}

// AWS's own client sends the same requests as we do.
func TestRequests(t *testing.T) {
	d := newDice(t)
	var theirs []sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		theirs = append(theirs, readSent(r, body))
		http.Error(w, "{}", http.StatusBadRequest)
	}))
	defer server.Close()
	options := kms.Options{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(staticCredentials("id", "secret", "token")),
	}
	client := kms.New(options)
	for range 300 {
		theirs = nil
		key, digest := d.key(region), make([]byte, 32)
		for i := range digest {
			digest[i] = byte(d.Uint32())
		}
		_, _ = client.Sign(t.Context(), &kms.SignInput{ // what it answers is no matter
			KeyId: &key, Message: digest, MessageType: kmstypes.MessageTypeDigest,
			SigningAlgorithm: kmstypes.SigningAlgorithmSpecRsassaPkcs1V15Sha256,
		})
		_, _ = client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: &key})
		if ours := ourRequests(t, d.config(region), key, digest); !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("we send %+v\nAWS's client %+v", ours, theirs)
		}
	}
	theirs = nil
	token := "e30.e30." + d.text(word, 80, 80)
	_, _ = sts.New(sts.Options{Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1}).
		AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(roleARN), RoleSessionName: aws.String("sdk"), WebIdentityToken: &token, DurationSeconds: aws.Int32(900),
		})
	c := custody.Config{AWS: custody.AWS{FileRole: roleARN, TokenFile: "token", Region: region}}
	c.ReadFile = func(string) ([]byte, error) { return []byte(token + "\n"), nil }
	if ours := ourRequests(t, c, alias, make([]byte, 32)); !reflect.DeepEqual(ours, theirs) {
		t.Fatalf("we send %+v\nAWS's client %+v", ours, theirs)
	}
}

// ourRequests returns what we send for a signature. Of AWS's answers, only
// signatures come.
func ourRequests(t *testing.T, c custody.Config, key string, digest []byte) (all []sent) {
	c.AWS.KMSEndpoint = ""
	c.Send = func(_ context.Context, ours custody.Request) (custody.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), ours.Method, ours.URL, bytes.NewReader(ours.Body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range ours.Header {
			r.Header.Set(name, value)
		}
		all = append(all, readSent(r, ours.Body))
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Sign") {
			return noSignature(), nil
		}
		return custody.Response{}, errors.New("no more")
	}
	opened, err := custody.Open(t.Context(), "awskms:///"+key, c)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = opened.Sign(nil, digest, crypto.SHA256) // it fails by our answers
	return all
}
