package custody

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/redact"
)

// A job that gets no OIDC token is told why, in GitHub's words, and never by
// what a custodian's words would mean.
func TestNoIDToken(t *testing.T) {
	const op = "get the job's OIDC token: "
	for name, c := range map[string]struct {
		job    Job
		answer answer
		want   string
	}{
		"no permission": {
			want: op + "the job has none, because ACTIONS_ID_TOKEN_REQUEST_URL or _TOKEN is not set\nhint: give the job",
		},
		"half of it": {job: Job{RequestURL: "https://" + idTokenHost + "/token"}, want: op + "the job has none"},
		"no URL": {
			job: Job{RequestURL: "https://\x00", RequestToken: redact.New("x")}, want: op + "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL",
		},
		"refused": {
			answer: answer{status: 403, body: `{"message":"Forbidden"}`}, want: op + "the answer is 403: Forbidden\nhint: give the job",
		},
		"GitHub's trouble": {answer: answer{status: 500}, want: op + "the answer is 500\nhint: the service has trouble of its own"},
		"no token": {
			answer: answer{status: 200, body: `{"value":null}`}, want: op + "the answer is not what the service describes",
		},
		"an empty token": {answer: answer{status: 200, body: `{"value":""}`}, want: op + "the answer is not what the service describes"},
		"another answer": {answer: answer{status: 200, body: `<html>`}, want: op + "the answer is not what the service describes"},
		"a header's end": {
			answer: answer{status: 200, body: `{"value":"a\r\nX-Other: b"}`}, want: op + "the answer is not what the service describes",
		},
	} {
		w := newWorld(t)
		w.config.Azure = Azure{ClientID: azureClient, TenantID: azureTenant}
		if c.answer.status == 0 {
			w.config.Job = c.job
		} else {
			w.refuse["GET "+idTokenHost+"/token"] = c.answer
		}
		if got := w.signError(w.open("azurekms://acme/keeper")); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What a role does not admit is told as it was sent, in either of its forms.
func TestNotAdmitted(t *testing.T) {
	for subject, want := range map[string]string{
		mainBranch: "does not admit sub " + mainBranch + " and aud sts.amazonaws.com: compare",
		byIDs:      "does not admit sub " + byIDs + " and aud sts.amazonaws.com (this sub has the ids of owner and repository: ",
	} {
		w := newWorld(t)
		w.subject = subject
		w.config.AWS = AWS{Role: awsRoleARN, Region: "eu-west-1"}
		w.refuse["POST sts.eu-west-1.amazonaws.com/"] = answer{status: 403, body: "<ErrorResponse><Error><Code>AccessDenied</Code>" +
			"<Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>"}
		if got := w.signError(w.open("awskms:///alias/a")); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestClaims(t *testing.T) {
	jwt := func(payload string) redact.String {
		return redact.New("h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s")
	}
	for payload, want := range map[string]string{
		`{"sub":"` + mainBranch + `","aud":"a"}`:      "sub " + mainBranch + " and aud a",
		`{"sub":"` + mainBranch + `","aud":["a"]}`:    "sub " + mainBranch + " and aud a",
		`{"sub":"repo:a/b:environment:x@y","aud":""}`: "sub repo:a/b:environment:x@y and aud",
		`{"sub":"` + byIDs + `","aud":"a"}`: "sub " + byIDs + " and aud a (this sub has the ids of owner and repository: " +
			"a policy for repo:OWNER/REPOSITORY does not admit it)",
		`{"sub":"a\n::error::\u001b","aud":null}`: `sub a ::error::\x1b and aud <nil>`,
		`{"aud":"a"}`: "a token that is no JWT of a job",
		`{`:           "a token that is no JWT of a job",
	} {
		if got := claims(jwt(payload)); got != want {
			t.Errorf("%s: %q, want %q", payload, got, want)
		}
	}
	for _, text := range []string{"", "a", "a.b", "a.b.c.d", "a.!.c"} {
		if got := claims(redact.New(text)); got != "a token that is no JWT of a job" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(`{"sub":"s","aud":"a"}`)
	f.Add(`{"sub":"s","aud":{"a":[1,null]}}`)
	f.Fuzz(func(t *testing.T, payload string) {
		token := redact.New("h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s")
		if got := claims(token); redact.OneLine(got) != got || utf8.RuneCountInString(got) > maxWords+1 {
			t.Errorf("%q", got)
		}
	})
}
