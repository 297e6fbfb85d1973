package fakegithub_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// sshKey has the form of an ssh-ed25519 public key.
func sshKey(seed byte) string {
	blob := append([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), make([]byte, 32)...)
	blob[len(blob)-1] = seed
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(blob)
}

func TestDeployKeys(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	read, write := f.with("administration", "read"), f.with("administration", "write")
	const path = "/repos/octo-corp/api/keys"
	post := func(repo, token, key string) reply {
		return f.send("POST", "/repos/octo-corp/"+repo+"/keys", token,
			fmt.Sprintf(`{"key": %q, "title": "deploy", "read_only": true}`, key))
	}
	if r := f.send("GET", path, read, ""); r.text != "[]" {
		t.Errorf("no keys: %s", r.text)
	}
	f.want(post("api", read, sshKey(1)), 403, "Resource not accessible by integration")
	made := post("api", write, sshKey(1)+" me@here")
	if made.StatusCode != 201 || made.Header.Get("Location") != made.body["url"] || made.body["key"] != sshKey(1) ||
		made.body["read_only"] != true {
		t.Errorf("create: %d %s", made.StatusCode, made.text)
	}
	one := fmt.Sprintf("%s/%.0f", path, made.body["id"])
	if r := f.send("GET", one, read, ""); r.text != made.text {
		t.Errorf("got %s, want %s", r.text, made.text)
	}
	for _, repo := range []string{"api", "web"} {
		r := post(repo, write, sshKey(1))
		f.want(r, 422, "Validation Failed")
		if problem := r.body["errors"].([]any)[0].(map[string]any); problem["message"] != "key is already in use" {
			t.Errorf("%s: %v", repo, problem)
		}
	}
	for _, key := range []string{
		"", "ssh-ed25519", "ssh-rsa " + sshKey(1)[12:], sshKey(1)[:20], sshKey(2) + "\n" + sshKey(3),
		"-----BEGIN OPENSSH PRIVATE KEY-----",
	} {
		f.want(post("api", write, key), 422, "Validation Failed")
	}
	for i := range 40 {
		post("web", write, sshKey(byte(100+i)))
	}
	if r := f.send("GET", "/repos/octo-corp/web/keys?per_page=20&page=2", read, ""); r.StatusCode != 200 || r.Header.Get("Link") == "" {
		t.Errorf("pages: %d %q", r.StatusCode, r.Header.Get("Link"))
	}
	f.want(f.send("DELETE", one, read, ""), 403, "Resource not accessible by integration")
	if r := f.send("DELETE", one, write, ""); r.StatusCode != 204 {
		t.Errorf("delete: %d", r.StatusCode)
	}
	f.want(f.send("DELETE", one, write, ""), 404, "Not Found")
	if r := post("web", write, sshKey(1)); r.StatusCode != 201 {
		t.Errorf("a key that was deleted: %d %s", r.StatusCode, r.text)
	}
	f.DeleteRepository("octo-corp", "web")
	if r := f.send("POST", path, write, fmt.Sprintf(`{"key": %q}`, sshKey(1)+" a comment")); r.StatusCode != 201 ||
		r.body["title"] != "a comment" || r.body["read_only"] != false {
		t.Errorf("a key of a deleted repository: %d %s", r.StatusCode, r.text)
	}
	f.SkipOpenAPI = true // what follows breaks the description
	f.want(f.send("GET", path+"/x", read, ""), 404, "Not Found")
	f.want(f.send("POST", path, write, `{"title": "x"}`), 422, "Invalid request.\n\n\"key\" wasn't supplied.")
}
