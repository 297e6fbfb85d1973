//go:build unix

package sshagent_test

import (
	"testing"

	"github.com/valetkey/valetkey/test/custody/step"
)

// The program mints with a key that OpenSSH's agent has.
func TestProgram(t *testing.T) {
	for name, add := range ways {
		t.Run(name, func(t *testing.T) {
			a, key := newAgent(t), step.Key()
			add(a, key)
			j := step.NewJob(t, &key.PublicKey, map[string]string{"SSH_AUTH_SOCK": a.socket},
				map[string]string{"key": "ssh-agent:" + fingerprint(t, key)})
			j.MintAndPost(func() []string { return nil })
		})
	}
}
