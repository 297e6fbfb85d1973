package custody

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

const (
	awsRoleARN = "arn:aws:iam::111122223333:role/keeper"
	awsKeyARN  = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// awsCloud serves the calls as they are documented. That the signatures of the
// requests are right is for AWS's own signer to say, in a test of another
// module.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
func awsCloud(w *world, sts, kms, keyID, audience string) {
	session := ""
	w.hosts[sts] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.headers(r, "Content-Type")
		if err := r.ParseForm(); err != nil {
			w.t.Error(err)
		}
		f := r.PostForm
		if _, aud := w.claimsOf(f.Get("WebIdentityToken")); aud != audience {
			w.t.Errorf("the OIDC token is for %s, want %s", aud, audience)
		}
		if r.Method != http.MethodPost || r.URL.RequestURI() != "/" || len(f) != 6 || f.Get("Action") != "AssumeRoleWithWebIdentity" ||
			f.Get("Version") != "2011-06-15" || f.Get("DurationSeconds") != "900" || f.Get("RoleArn") != awsRoleARN ||
			f.Get("RoleSessionName") == "" {
			w.t.Errorf("%s %s %v", r.Method, r.URL, f)
		}
		session = w.issue("session")
		fmt.Fprintf(rw, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
			<AssumeRoleWithWebIdentityResult>
			<SubjectFromWebIdentityToken>x</SubjectFromWebIdentityToken><AssumedRoleUser><Arn>x</Arn></AssumedRoleUser>
			<Credentials><SessionToken>%s</SessionToken><SecretAccessKey>secret/of+a%s</SecretAccessKey>
			<Expiration>2026-11-20T12:15:00Z</Expiration><AccessKeyId>id-of-a-%[1]s</AccessKeyId></Credentials>
			</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, session, session)
	})
	w.hosts[kms] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.headers(r, "Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Target")
		if session != "" {
			w.used(session)
		}
		if got := r.Header.Get("X-Amz-Security-Token"); got != session && session != "" || r.URL.RequestURI() != "/" ||
			r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
			w.t.Errorf("%s with the session %s and %s", r.URL, got, r.Header.Get("Content-Type"))
		}
		switch action := r.Header.Get("X-Amz-Target"); action {
		case "TrentService.Sign":
			var b struct {
				KeyID, MessageType, SigningAlgorithm string
				Message                              []byte
			}
			w.body(r, &b)
			if b.KeyID != keyID || b.MessageType != "DIGEST" || b.SigningAlgorithm != "RSASSA_PKCS1_V1_5_SHA_256" {
				w.t.Errorf("%+v", b)
			}
			w.reply(rw, map[string]any{"KeyId": awsKeyARN, "Signature": w.signDigest(b.Message), "SigningAlgorithm": b.SigningAlgorithm})
		case "TrentService.GetPublicKey":
			der, _ := x509.MarshalPKIXPublicKey(&w.key.PublicKey)
			w.reply(rw, map[string]any{"KeyId": awsKeyARN, "PublicKey": der, "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"})
		default:
			w.t.Errorf("the action %q", action)
		}
	})
}

func TestAWS(t *testing.T) {
	role := AWS{Role: awsRoleARN, Region: "eu-west-1"}
	given := AWS{Region: "eu-west-1", AccessKeyID: "ID", SecretAccessKey: redact.New("secret"), SessionToken: redact.New("session")}
	inFile := AWS{Region: "eu-west-1", FileRole: awsRoleARN, TokenFile: "/var/run/token"}
	both := given
	both.Role = awsRoleARN
	change := func(a AWS, change func(*AWS)) AWS { change(&a); return a }
	for name, c := range map[string]struct {
		uri           string
		config        AWS
		audience      string
		sts, kms, key string
		asked         int // requests of the first signature
	}{
		"an alias": {
			"awskms:///alias/keeper", role, "", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com", "alias/keeper", 4,
		},
		"two slashes": {
			"awskms://alias/keeper", role, "", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com", "alias/keeper", 4,
		},
		"the region by ARN": {
			"awskms:///" + awsKeyARN, role, "", "sts.eu-west-1.amazonaws.com", "kms.eu-central-1.amazonaws.com", awsKeyARN, 4,
		},
		"no other region": {
			"awskms:///" + awsKeyARN,
			AWS{Role: awsRoleARN},
			"", "sts.eu-central-1.amazonaws.com", "kms.eu-central-1.amazonaws.com",
			awsKeyARN, 4,
		},
		"a government": {
			"awskms:///alias/a", change(role, func(a *AWS) { a.Region = "us-gov-west-1" }), "", "sts.us-gov-west-1.amazonaws.com",
			"kms.us-gov-west-1.amazonaws.com", "alias/a", 4,
		},
		"China": {
			"awskms:///alias/a", change(role, func(a *AWS) { a.Region = "cn-north-1" }), "sts.amazonaws.com.cn",
			"sts.cn-north-1.amazonaws.com.cn", "kms.cn-north-1.amazonaws.com.cn", "alias/a", 4,
		},
		"a sovereign cloud": {
			"awskms:///alias/a", change(role, func(a *AWS) { a.Region = "eusc-de-east-1" }), "", "sts.eusc-de-east-1.amazonaws.eu",
			"kms.eusc-de-east-1.amazonaws.eu", "alias/a", 4,
		},
		"FIPS": {
			"awskms:///alias/a", change(role, func(a *AWS) { a.FIPS = true }), "", "sts-fips.eu-west-1.amazonaws.com",
			"kms-fips.eu-west-1.amazonaws.com", "alias/a", 4,
		},
		"endpoints": {
			"awskms:///alias/a", change(role, func(a *AWS) { a.KMSEndpoint, a.STSEndpoint = "http://127.0.0.1:1/", "https://sts.test" }),
			"", "sts.test", "127.0.0.1:1", "alias/a", 4,
		},
		"a host in the URI": {"awskms://127.0.0.1:3/alias/a", role, "", "sts.eu-west-1.amazonaws.com", "127.0.0.1:3", "alias/a", 4},
		"an earlier step's": {"awskms:///alias/a", given, "", "none", "kms.eu-west-1.amazonaws.com", "alias/a", 2},
		"a role in a pod":   {"awskms:///alias/a", inFile, "", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com", "alias/a", 3},
		"the input counts":  {"awskms:///alias/a", both, "", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com", "alias/a", 4},
		"a key id of others": {
			"awskms:///mrk-1234abcd12ab34cd56ef1234567890ab", role, "", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com",
			"mrk-1234abcd12ab34cd56ef1234567890ab", 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			audience := c.audience
			if audience == "" {
				audience = "sts.amazonaws.com"
			}
			awsCloud(w, c.sts, c.kms, c.key, audience)
			w.config.AWS, w.config.Audience = c.config, c.audience
			w.config.ReadFile = func(string) ([]byte, error) {
				return []byte(w.jwt(map[string]any{"sub": "pod", "aud": "sts.amazonaws.com"})), nil
			}
			k := w.open(c.uri)
			w.sign(k)
			if len(w.asked) != c.asked {
				t.Errorf("asked %v", w.asked)
			}
			w.asked = nil
			w.sign(k)
			w.wantAsked("POST " + c.kms + "/")
		})
	}
}

func TestAWSSettings(t *testing.T) {
	for want, c := range map[string]AWS{
		"key needs a credential of AWS":              {Region: "eu-west-1"},
		"key needs a credential of AWS\nhint: set":   {Region: "eu-west-1", AccessKeyID: "id"},
		"key needs a region\n":                       {Role: awsRoleARN},
		"key needs a region of AWS":                  {Role: awsRoleARN, Region: "eu-west-1.evil.test/"},
		"key needs a region of AWS, and":             {Role: awsRoleARN, Region: "EU"},
		"aws-role-to-assume is not the ARN":          {Role: "keeper", Region: "eu-west-1"},
		"AWS_ENDPOINT_URL_KMS is not the address":    {Role: awsRoleARN, Region: "eu-west-1", KMSEndpoint: "https://kms/?x"},
		"AWS_ENDPOINT_URL_STS is not an http(s) URL": {Role: awsRoleARN, Region: "eu-west-1", STSEndpoint: "sts"},
	} {
		w := newWorld(t)
		w.config.AWS = c
		if _, err := Open(t.Context(), "awskms:///alias/a", w.config); err == nil || !strings.HasPrefix(fault.Text(err), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The clock of a machine that is wrong is no reason not to sign.
func TestAWSClock(t *testing.T) {
	expired := `{"__type":"InvalidSignatureException","message":"Signature expired: 20261120T120000Z is now earlier than 20261120T140000Z"}`
	for _, c := range []struct {
		date  time.Time
		want  string // the error
		asked int
	}{
		{start.Add(2 * time.Hour), "", 4},
		{start.Add(-time.Hour), "", 4},
		{start.Add(time.Minute), "hint: the clock of this machine differs from that of AWS", 1},
		{time.Time{}, "hint: the clock of this machine differs from that of AWS", 1},
	} {
		w := newWorld(t)
		w.config.AWS = AWS{Region: "eu-west-1", AccessKeyID: "ID", SecretAccessKey: redact.New("secret"), SessionToken: redact.New("s")}
		awsCloud(w, "none", "kms.eu-west-1.amazonaws.com", "alias/a", "")
		send := w.config.Send
		var stamps []string
		first := true
		w.config.Send = func(ctx context.Context, r Request) (Response, error) {
			stamps = append(stamps, r.Header["X-Amz-Date"])
			if first {
				first = false
				w.asked = append(w.asked, "refused")
				return Response{400, c.date, []byte(expired)}, nil
			}
			return send(ctx, r)
		}
		k := w.open("awskms:///alias/a")
		if c.want != "" {
			if got := w.signError(k); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s", c.date, got)
			}
			continue
		}
		w.sign(k)
		if want := c.date.Format("20060102T150405Z"); stamps[1] != want || len(w.told) != 1 ||
			!strings.HasPrefix(w.told[0], "warning: the clock") {
			t.Errorf("signed at %v, want %s; told %v", stamps, want, w.told)
		}
	}
}

func TestAWSAdvice(t *testing.T) {
	sts := func(code, text string) string {
		return `<ErrorResponse><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + text + `</Message></Error></ErrorResponse>`
	}
	kms := func(code, text string) string {
		return `{"__type":"com.amazonaws.kms#` + code + `","Message":"` + text + `"}`
	}
	testAdvice(t, awsAdvice, []adviceTest{
		{
			403, sts("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
			"the trust policy of ROLE does not admit sub SUB",
		},
		{
			400, sts("InvalidIdentityToken", "Incorrect token audience"),
			"the identity provider in AWS does not take the audience: the token has sub SUB",
		},
		{400, sts("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://x"), "add the identity provider"},
		{403, sts("IDPRejectedClaim", "x"), "AWS could not verify the token"},
		{
			400, sts("ExpiredTokenException", "Token expired: current date/time 1 must be before the expiration date/time 0"),
			"the credential has expired",
		},
		{403, sts("RegionDisabledException", "STS is not activated in this region"), "activate the region"},
		{400, kms("NotFoundException", "Alias arn:aws:kms:eu-west-1:1:alias/a is not found."), "there is no such key in that region"},
		{400, kms("DisabledException", "arn is disabled."), "the key is disabled"},
		{400, kms("KMSInvalidStateException", "arn is pending deletion."), "the key will be deleted"},
		{400, kms("KMSInvalidStateException", "arn is pending import."), "the key has no key material"},
		{400, kms("KMSInvalidStateException", "arn is unavailable."), "the key can't be used in its state"},
		{400, kms("InvalidKeyUsageException", "arn key usage is ENCRYPT_DECRYPT"), "the key is not one that signs"},
		{400, kms("AccessDeniedException", "User: x is not authorized to perform: kms:Sign on resource: y"), "ROLE may not sign"},
		{
			400, kms("AccessDeniedException", "User: x is not authorized to perform: kms:GetPublicKey on resource: y"),
			"allow ROLE kms:GetPublicKey",
		},
		{400, kms("AccessDeniedException", "x"), "ROLE may not sign"},
		{400, kms("InvalidSignatureException", "Signature not yet current: 1 is still later than 0"), "the clock of this machine"},
		{403, kms("RequestTimeTooSkewed", "x"), "the clock of this machine"},
		{
			400, kms("UnrecognizedClientException", "The security token included in the request is invalid."),
			"AWS does not know the credential",
		},
		{403, sts("InvalidClientTokenId", "x"), "AWS does not know the credential"},
		{403, sts("SignatureDoesNotMatch", "x"), "AWS does not know the credential"},
		{400, kms("InvalidSignatureException", "The request signature we calculated does not match"), "AWS does not know the credential"},
	})
}

// A region that is none is not passed over, even if the key's ARN tells another.
func TestAWSRegionIsNotPassedOver(t *testing.T) {
	w := newWorld(t)
	w.config.AWS = AWS{Role: awsRoleARN, Region: "Frankfurt"}
	_, err := Open(t.Context(), "awskms:///"+awsKeyARN, w.config)
	if err == nil || !strings.HasPrefix(err.Error(), "key needs a region of AWS") {
		t.Error(err)
	}
}
