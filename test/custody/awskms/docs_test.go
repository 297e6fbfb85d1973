package awskms_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/test/custody/manual"
)

// policy is a policy of AWS, as far as docs/custody.md has any.
type policy struct {
	Statement []struct {
		Effect    string
		Action    any
		Resource  string
		Condition struct{ StringEquals map[string]string }
	}
}

// What docs/custody.md has a reader write into a role admits the job that it
// names, and no other, and gives exactly the rights that signing takes.
func TestManual(t *testing.T) {
	var trust, rights policy
	blocks := manual.Read(t, "AWS KMS").Blocks("json")
	for i, to := range []*policy{&trust, &rights} {
		if err := json.Unmarshal([]byte(blocks[i]), to); err != nil {
			t.Fatal(err)
		}
	}
	c := newCloud(t)
	if got := trust.Statement[0].Action; got != "sts:AssumeRoleWithWebIdentity" {
		t.Errorf("the role is taken by %v", got)
	}
	c.subjects, c.rights = nil, nil
	for name, value := range trust.Statement[0].Condition.StringEquals {
		switch _, claim, _ := strings.Cut(name, ":"); claim {
		case "sub":
			c.subjects = append(c.subjects, value)
		case "aud":
			if value != audience {
				t.Errorf("the audience is %s", value)
			}
		}
	}
	for _, action := range rights.Statement[0].Action.([]any) {
		c.rights = append(c.rights, action.(string))
	}
	arn := func(config *custody.Config) { config.AWS.Region = "" }
	if err := c.step(t, job, "awskms:///"+rights.Statement[0].Resource, arn).Mint(&c.key.PublicKey); err != nil {
		t.Fatal(err)
	}
	if want := len(c.rights); want != 2 || len(c.subjects) != 1 {
		t.Errorf("%d rights and %d subjects", want, len(c.subjects))
	}
	branch := job
	branch.Environment = ""
	s := c.step(t, branch, "awskms:///"+alias, nil)
	s.Refused(s.Sign(&c.key.PublicKey), "trust policy", branch.Subject())
}
