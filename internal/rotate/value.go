package rotate

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

// made is a new value other than a deploy key.
type made struct {
	value     redact.String
	recipient string                      // only of an age identity
	takeBack  func(context.Context) error // nil: there is nothing to do
}

// rotateValue replaces a token, a random secret or an age identity. The old one
// is overwritten, so there is nothing to retire.
func (j *job) rotateValue(ctx context.Context) error {
	variables := j.variables()
	behind, err := j.behind(ctx, variables)
	if err != nil {
		return err
	}
	r := rule{every: j.Every, forced: j.forced(), exclusive: j.exclusive()}
	if j.setDecision(decideValue(j.now, r, observationsOf(j.inOrder()), behind)); !j.decision.due {
		return nil
	}
	for _, v := range variables {
		if err := v.checkRoom(ctx, j); err != nil {
			return err
		}
	}
	if err := j.prepare(ctx); err != nil || j.DryRun {
		return err
	}
	inTime, cancel := j.inTime(ctx)
	defer cancel()
	m, err := j.newValue(inTime)
	if err != nil {
		return err
	}
	if m.value.Empty() {
		return errNothing
	}
	if j.storeAll(inTime, m.value) == 0 {
		err := j.failures()
		j.revokeUnused(ctx, m)
		return err
	}
	j.verify(ctx)
	for _, v := range variables {
		v.renew(ctx, j, m.recipient)
	}
	if j.exclusive() {
		j.checkNobodyElseWrote(ctx)
	}
	if err := j.failures(); err != nil {
		return err
	}
	made := slices.MinFunc(j.observations(), byTime).updated
	j.done, j.decision.since, j.now = true, made, made
	return nil
}

// exclusive reports whether all stores must hold the value of the same run. Of
// two keys or tokens both are valid, so it does no harm when runs race.
func (j *job) exclusive() bool { return j.Random != nil || j.Age }

// revokeUnused revokes a token that no store took.
func (j *job) revokeUnused(ctx context.Context, m made) {
	inTime, cancel := cleanupContext(ctx)
	defer cancel()
	if m.takeBack == nil || !j.untouched(inTime) {
		return
	}
	if err := m.takeBack(inTime); err != nil {
		j.info("the new token is in no store and lives until it expires: %v", err)
	}
}

func (j *job) newValue(ctx context.Context) (made, error) {
	switch {
	case j.InstallationToken != nil && j.Mint != nil:
		minted, err := j.Mint(ctx, *j.Rotation)
		if err != nil {
			return made{}, err
		}
		return made{value: j.mask(minted.Value), takeBack: minted.Revoke}, nil
	case j.Random != nil:
		value, err := random(*j.Random)
		return made{value: j.mask(value)}, err
	case j.Age && j.Identity != nil:
		identity, recipient, err := j.Identity()
		if err != nil {
			return made{}, err
		}
		return made{value: j.mask(identity), recipient: recipient}, nil
	}
	return made{}, errNothing
}

var errNothing = errors.New("there is nothing to make, or nowhere to store it")

// random returns a secret made from so many random bytes.
func random(r manifest.Random) (redact.String, error) {
	var encode func([]byte) string
	switch r.Encoding {
	case "hex":
		encode = hex.EncodeToString
	case "base64":
		encode = base64.StdEncoding.EncodeToString
	case "base64url":
		encode = base64.RawURLEncoding.EncodeToString
	}
	if encode == nil || r.Bytes <= 0 {
		return redact.String{}, fmt.Errorf("a random secret of %d bytes in %q can't be made", r.Bytes, r.Encoding)
	}
	raw := make([]byte, r.Bytes)
	defer clear(raw)
	_, _ = rand.Read(raw) // never fails
	return redact.New(encode(raw)), nil
}
