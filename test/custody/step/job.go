package step

import (
	"crypto/rsa"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/test/program"
)

// Job is a job whose steps run the program as it is built, with debug logging.
type Job struct {
	GitHub *fakegithubtest.GitHub
	Env    map[string]string // of all steps
	Inputs map[string]string // of the mint

	tb      testing.TB
	program string
	logs    []string // what the steps wrote, without the masks
}

// NewJob returns a job of an App whose public key GitHub knows. environment has
// the job's OIDC token and what earlier steps left, inputs say who signs.
func NewJob(tb testing.TB, public *rsa.PublicKey, environment, inputs map[string]string) *Job {
	tb.Helper()
	j := &Job{tb: tb, program: filepath.Join(tb.TempDir(), "valetkey"), Env: map[string]string{}, Inputs: map[string]string{}}
	if err := program.BuildReleased("../../..", j.program); err != nil {
		tb.Fatal(err)
	}
	j.GitHub = fakegithubtest.New(tb, fakegithubtest.Setup{
		App:          fakegithub.App{Slug: "keeper", Owner: "acme", Permissions: map[string]string{"contents": "read"}, PublicKey: public},
		Repositories: []string{"api"},
	})
	server := httptest.NewServer(j.GitHub)
	tb.Cleanup(server.Close)
	for name, value := range environment {
		j.Env[name] = value
	}
	j.Env["GITHUB_API_URL"], j.Env["GITHUB_SERVER_URL"], j.Env["RUNNER_DEBUG"] = server.URL, server.URL, "1"
	j.Env["GITHUB_REPOSITORY"], j.Env["GITHUB_REPOSITORY_OWNER"], j.Env["RUNNER_TEMP"] = "acme/deploy", "acme", tb.TempDir()
	for name, value := range inputs {
		j.Inputs[name] = value
	}
	j.Inputs["client-id"], j.Inputs["repositories"], j.Inputs["permissions"] = j.GitHub.App.ClientID, "api", "contents: read"
	return j
}

// Run runs one stage, and returns what came of it.
func (j *Job) Run(stage, args string, state map[string]string) fakerunner.Result {
	j.tb.Helper()
	s := fakerunner.Step{Program: j.program, Stage: stage, Action: args, Inputs: j.Inputs, State: state, Dir: j.tb.TempDir()}
	for name, value := range j.Env {
		s.Env = append(s.Env, name+"="+value)
	}
	result, err := fakerunner.Run(j.tb.Context(), s)
	if err != nil {
		j.tb.Fatal(err)
	}
	for _, line := range result.Log {
		if !strings.HasPrefix(line, "::add-mask::") {
			j.logs = append(j.logs, line)
		}
	}
	j.logs = append(j.logs, result.Summary)
	return result
}

// Check runs the command custody check with the inputs of the job, and returns
// what it told, and the error that it ended with.
func (j *Job) Check() (told, failure string) {
	j.tb.Helper()
	cmd := exec.CommandContext(j.tb.Context(), j.program, "custody", "check")
	for name, value := range j.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	for name, value := range j.Inputs {
		cmd.Env = append(cmd.Env, "INPUT_"+strings.ToUpper(name)+"="+value)
	}
	cmd.Env = append(cmd.Env, "INPUT_GITHUB-API-URL="+j.Env["GITHUB_API_URL"])
	var out, errors strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errors
	err := cmd.Run()
	_, failure, failed := strings.Cut("\n"+errors.String(), "\nerror: ")
	if failed != (err != nil) {
		j.tb.Fatalf("%v: %s", err, errors.String())
	}
	j.logs = append(j.logs, out.String(), errors.String())
	return out.String(), failure
}

// Log returns what the steps wrote so far, without the masks.
func (j *Job) Log() string { return strings.Join(j.logs, "\n") }

// MintAndPost mints and ends the job. It fails the test unless there was a token
// and is none any more, and nothing of some credentials, of the token or of a JWT
// was readable in between.
func (j *Job) MintAndPost(credentials func() []string) {
	j.tb.Helper()
	minted := j.Run("valetkey", "mint", nil)
	token := minted.Outputs["token"]
	if minted.Exit != 0 || token == "" || !j.GitHub.Alive(token) {
		j.tb.Fatalf("exit %d: %s", minted.Exit, j.Log())
	}
	if post := j.Run("post", "mint", minted.State); post.Exit != 0 || j.GitHub.Alive(token) {
		j.tb.Errorf("post: exit %d: %s", post.Exit, j.Log())
	}
	for _, credential := range append(credentials(), token, "eyJ") {
		if strings.Contains(j.Log(), credential) {
			j.tb.Errorf("%.8s… is readable in:\n%s", credential, j.Log())
		}
	}
}
