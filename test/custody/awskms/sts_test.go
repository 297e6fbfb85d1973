package awskms_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// serveSTS gives a session of the role for a token of the issuer.
func (c *cloud) serveSTS(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, "AssumeRoleWithWebIdentity")
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.Path != "/" || r.URL.RawQuery != "" {
		refuseXML(w, http.StatusBadRequest, "ValidationError", "the request is none of STS")
		return
	}
	if status, refused := c.judge(r); refused != nil {
		refuseXML(w, status, refused.code, refused.message)
		return
	}
	seconds, _ := strconv.Atoi(r.PostForm.Get("DurationSeconds"))
	id, made := c.grant(r.PostForm.Get("RoleSessionName"), time.Duration(seconds)*time.Second)
	var answer struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
		Result  struct {
			Provider, Audience string
			Principal          string `xml:"AssumedRoleUser>Arn"`
			AccessKeyID        string `xml:"Credentials>AccessKeyId"`
			SecretAccessKey    string `xml:"Credentials>SecretAccessKey"`
			SessionToken       string `xml:"Credentials>SessionToken"`
			Expiration         string `xml:"Credentials>Expiration"`
		} `xml:"AssumeRoleWithWebIdentityResult"`
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}
	answer.Result.Audience, answer.Result.Provider = audience, c.issuer.URL
	answer.Result.Principal = made.principal
	answer.Result.AccessKeyID, answer.Result.SecretAccessKey, answer.Result.SessionToken = id, made.secret, made.token
	answer.Result.Expiration = made.expires.UTC().Format(time.RFC3339)
	answer.RequestID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7"
	w.Header().Set("Content-Type", "text/xml")
	_ = xml.NewEncoder(w).Encode(answer) // the client may be gone
}

// judge says what AWS has against a request.
func (c *cloud) judge(r *http.Request) (status int, refused *refusal) {
	form := r.PostForm
	seconds, err := strconv.Atoi(form.Get("DurationSeconds"))
	switch {
	case r.Header.Get("Authorization") != "":
		return http.StatusBadRequest, &refusal{"IncompleteSignature", "the call takes no signature"}
	case form.Get("Action") != "AssumeRoleWithWebIdentity" || form.Get("Version") != "2011-06-15":
		return http.StatusBadRequest, &refusal{"InvalidAction", "Could not find operation " + form.Get("Action")}
	case !sessionName.MatchString(form.Get("RoleSessionName")), err != nil, seconds < 900, seconds > 3600, !only(form):
		return http.StatusBadRequest, &refusal{"ValidationError", "1 validation error detected"}
	}
	claims, err := c.issuer.Verify(form.Get("WebIdentityToken"))
	expires, _ := claims["exp"].(float64)
	switch {
	case claims != nil && expires > 0 && c.now().Unix() >= int64(expires):
		return http.StatusBadRequest, &refusal{"ExpiredTokenException", fmt.Sprintf(
			"Token expired: current date/time %d must be before the expiration date/time %d", c.now().Unix(), int64(expires))}
	case err != nil:
		return http.StatusBadRequest, &refusal{"InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"}
	case claims["aud"] != audience:
		return http.StatusBadRequest, &refusal{"InvalidIdentityToken", "Incorrect token audience"}
	}
	if subject, _ := claims["sub"].(string); form.Get("RoleArn") != roleARN || !slices.Contains(c.subjects, subject) {
		return http.StatusForbidden, &refusal{"AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	return 0, nil
}

// only reports whether a form has no field that AWS does not know.
func only(form url.Values) bool {
	known := []string{"Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds"}
	for name, values := range form {
		if !slices.Contains(known, name) || len(values) != 1 {
			return false
		}
	}
	return true
}

func refuseXML(w http.ResponseWriter, status int, code, message string) {
	type problem struct{ Type, Code, Message string }
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct { // the client may be gone
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error     problem
		RequestID string `xml:"RequestId"`
	}{Error: problem{"Sender", code, message}, RequestID: "c6104cbe-af31-11e0-8154-cbc7ccf896c7"})
}
