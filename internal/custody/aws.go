package custody

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// awsKMS is a key in AWS KMS.
type awsKMS struct {
	*service
	region    string // of the key
	kms, sts  string // addresses
	role      string // empty: keys are those of an earlier step
	tokenFile string // empty: the role is taken with the job's OIDC token
	keys      awsKeys
	lease
}

// awsKeys is a credential of AWS.
type awsKeys struct {
	id      string
	secret  redact.String
	session redact.String // empty for a user's own keys
}

var (
	awsRegion = pattern.Pattern{Text: `^[a-z]{2,4}(?:-[a-z]+)+-[0-9]+$`}
	awsRole   = pattern.Pattern{Text: `^arn:aws[a-z-]*:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$`}
)

// awsDomains has the domains of the partitions that do not have amazonaws.com,
// by the beginnings of their regions.
var awsDomains = map[string]string{
	"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu", "us-iso-": "c2s.ic.gov", "us-isob-": "sc2s.sgov.gov",
	"us-isof-": "csp.hci.ic.gov", "eu-isoe-": "cloud.adc-e.uk",
}

// newAWS checks the settings for a key in AWS KMS.
func newAWS(s *service) (_ custodian, err error) {
	k := &awsKMS{service: s, region: s.location.region}
	k.advice, k.who, k.role = awsAdvice, "the credential of AWS", k.AWS.Role
	if k.role == "" && k.AWS.AccessKeyID == "" && k.AWS.TokenFile != "" {
		k.role, k.tokenFile = k.AWS.FileRole, k.AWS.TokenFile
	}
	k.region = cmp.Or(k.region, k.AWS.Region)
	roleRegion := cmp.Or(k.AWS.Region, k.region)
	switch {
	case k.region == "":
		return nil, fault.New("key needs a region", "set aws-region to the region of the key, or give the key by its ARN")
	case !awsRegion.Matches(k.region), !awsRegion.Matches(roleRegion):
		return nil, fault.New("key needs a region of AWS, and aws-region is none",
			"set aws-region to the region of the key, as in eu-west-1")
	case k.role != "" && !awsRole.Matches(k.role):
		return nil, fault.New("aws-role-to-assume is not the ARN of a role", "write it as arn:aws:iam::ACCOUNT:role/NAME")
	case k.role == "" && (k.AWS.AccessKeyID == "" || k.AWS.SecretAccessKey.Empty()):
		return nil, fault.New("key needs a credential of AWS",
			"set aws-role-to-assume to the ARN of a role that trusts the job's OIDC token, "+
				"or run aws-actions/configure-aws-credentials in an earlier step")
	}
	if k.role != "" {
		k.who = k.role
	} else {
		k.keys = awsKeys{k.AWS.AccessKeyID, k.AWS.SecretAccessKey, k.AWS.SessionToken}
	}
	if k.kms, err = k.address("kms", k.region, "AWS_ENDPOINT_URL_KMS", k.AWS.KMSEndpoint); err == nil {
		k.sts, err = k.address("sts", roleRegion, "AWS_ENDPOINT_URL_STS", k.AWS.STSEndpoint)
	}
	if err == nil && k.host != "" {
		k.kms, err = endpoint("the host", hostURL(k.host))
	}
	return k, err
}

// address returns the address of a service of AWS in a region.
func (k *awsKMS) address(service, region, setting, given string) (string, error) {
	if given != "" {
		return endpoint(setting, given)
	}
	domain := "amazonaws.com"
	for prefix, other := range awsDomains {
		if strings.HasPrefix(region, prefix) {
			domain = other
		}
	}
	// All of STS in GovCloud is FIPS, under its usual name.
	if k.AWS.FIPS && !(service == "sts" && strings.HasPrefix(region, "us-gov-")) {
		service += "-fips"
	}
	return "https://" + service + "." + region + "." + domain, nil
}

func (k *awsKMS) sign(ctx context.Context, p payload) ([]byte, error) {
	answer, err := k.ask(ctx, "sign with AWS KMS", "Sign", object("KeyId", k.key,
		"Message", base64.StdEncoding.EncodeToString(p.digest), "MessageType", "DIGEST", "SigningAlgorithm", "RSASSA_PKCS1_V1_5_SHA_256"))
	return answer.bytes("Signature"), err
}

func (k *awsKMS) publicKey(ctx context.Context) (*rsa.PublicKey, error) {
	const op = "get the public key from AWS KMS"
	answer, err := k.ask(ctx, op, "GetPublicKey", object("KeyId", k.key))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(answer.bytes("PublicKey"))
	return rsaPublic(op, key, err)
}

// awsDrift is how far AWS lets the clock of a request be off.
const awsDrift = 4 * time.Minute

// ask sends a call to AWS KMS. If AWS refuses it for the clock of this machine,
// it is sent again by the clock of AWS.
func (k *awsKMS) ask(ctx context.Context, op, action string, body map[string]string) (document, error) {
	if err := k.assumeRole(ctx); err != nil {
		return document{}, err
	}
	now := k.Now()
	answer, err := k.call(ctx, k.signed(op, action, body, now), nil)
	var refused *refusal
	if !errors.As(err, &refused) || !refused.says(awsClock) {
		return answer, err
	}
	drift := refused.date.Sub(now).Round(time.Second)
	if refused.date.IsZero() || drift.Abs() < awsDrift {
		return answer, err
	}
	k.Warning("the clock of this machine is %s off from that of AWS", drift.Abs())
	return k.call(ctx, k.signed(op, action, body, now.Add(drift)), nil)
}

// signed returns the request for an action, signed at a time.
func (k *awsKMS) signed(op, action string, body map[string]string, now time.Time) Request {
	r := Request{
		Op: op, Setting: "aws-region or AWS_ENDPOINT_URL_KMS", Method: http.MethodPost, URL: k.kms + "/",
		Header: object("Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "TrentService."+action),
		Busy:   []string{"ThrottlingException"},
	}
	r.Body, _ = json.Marshal(body) // plain data
	signV4(&r, k.keys, k.region, "kms", now)
	return r
}

// assumeRole gets a credential for the role, unless there is one already or the
// job has one from elsewhere.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (k *awsKMS) assumeRole(ctx context.Context) error {
	if k.role == "" || !k.over(k.Now()) {
		return nil
	}
	token, err := k.webIdentity(ctx, "AWS_WEB_IDENTITY_TOKEN_FILE", k.tokenFile, "sts.amazonaws.com")
	if err != nil {
		return err
	}
	const op = "assume the role in AWS"
	const lifetime = 15 * time.Minute // the shortest that there is
	answer, err := k.send(ctx, Request{
		Op: op, Setting: "aws-region or AWS_ENDPOINT_URL_STS", Method: http.MethodPost, URL: k.sts + "/",
		Header: object("Content-Type", formType),
		Body: form("Action", "AssumeRoleWithWebIdentity", "Version", "2011-06-15", "DurationSeconds", "900",
			"RoleArn", k.role, "RoleSessionName", "valetkey", "WebIdentityToken", token.Reveal()),
		Busy: []string{"IDPCommunicationError", "Throttling"},
	})
	if err != nil {
		return err
	}
	// The id goes with the secret and alone opens nothing, but other tools mask
	// it too.
	id, err := k.secret(op, element(answer, "AccessKeyId"))
	keys := awsKeys{id: id.Reveal()}
	if err == nil {
		keys.secret, err = k.secret(op, element(answer, "SecretAccessKey"))
	}
	if err == nil {
		keys.session, err = k.secret(op, element(answer, "SessionToken"))
	}
	if err == nil {
		k.keys = keys
		k.set(k.Now(), lifetime)
	}
	return err
}

var awsAdvice = []advice{
	{"assumerolewithwebidentity", "the trust policy of {who} does not admit {sent}: compare its conditions and its provider with that"},
	{
		"incorrect token audience", "the identity provider in AWS does not take the audience: the token has {sent}. Add that aud to the " +
			"provider, or set oidc-audience to one that it takes, such as sts.amazonaws.com, or sts.amazonaws.com.cn in China",
	},
	{"no openidconnect provider", "add the identity provider " + issuer + " to the account of {who}, or correct the role"},
	{"idprejectedclaim", "AWS could not verify the token with {sent}: check the identity provider in AWS"},
	{"expiredtoken", "the credential has expired, or the clock of this machine is wrong: run the job again"},
	{"regiondisabled", "activate the region for STS in the account, or set aws-region to one that is active"},
	{"notfoundexception", "there is no such key in that region and account: check {key}, aws-region and the role"},
	{"disabledexception", "the key is disabled: enable {key} in AWS KMS"},
	{"pending deletion", "the key will be deleted: cancel the deletion of {key} and enable it, or import the App's key into another"},
	{"pending import", "the key has no key material yet: import the App's private key into {key}"},
	{"kmsinvalidstate", "the key can't be used in its state: look at {key} in AWS KMS"},
	{
		"invalidkeyusage", "the key is not one that signs with RSASSA_PKCS1_V1_5_SHA_256: it must have the spec RSA_2048, the usage " +
			"SIGN_VERIFY, and the App's private key as imported material",
	},
	{"kms:getpublickey", "allow {who} kms:GetPublicKey on the key, or give the App's public key as a PEM"},
	{"kms:sign|accessdenied", "{who} may not sign: allow it kms:Sign on the key, in the key policy or in a policy of the role"},
	{awsClock, "the clock of this machine differs from that of AWS: synchronize it with a time server"},
	{
		"unrecognizedclient|invalidclienttokenid|signaturedoesnotmatch|invalidsignature",
		"AWS does not know the credential in that region: " +
			"check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that aws-region is of the same partition as the role",
	},
}

// awsClock is what AWS says of a signature of another time.
const awsClock = "signature expired|signature not yet current|requesttimetooskewed"
