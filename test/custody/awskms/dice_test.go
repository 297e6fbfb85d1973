package awskms_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/internal/redact"
)

// dice makes settings as AWS may have them.
type dice struct{ *rand.Rand }

func newDice(t *testing.T) dice {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return dice{rand.New(rand.NewPCG(seed, 0))}
}

const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	word  = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

func (d dice) text(alphabet string, least, most int) string {
	var b strings.Builder
	for range least + d.IntN(most-least+1) {
		b.WriteByte(alphabet[d.IntN(len(alphabet))])
	}
	return b.String()
}

func (d dice) region() string {
	parts := []string{d.text(lower, 2, 4), d.text(lower, 3, 9), fmt.Sprint(1 + d.IntN(20))}
	if d.IntN(3) == 0 {
		parts[0] += "-gov"
	}
	return strings.Join(parts, "-")
}

// key returns a key by one of the names that it may have.
func (d dice) key(region string) string {
	name := d.text("0123456789abcdef", 32, 32)
	name = strings.Join([]string{name[:8], name[8:12], name[12:16], name[16:20], name[20:]}, "-")
	if d.IntN(4) == 0 {
		name = "mrk-" + strings.ReplaceAll(name, "-", "")
	}
	isAlias := d.IntN(2) == 0
	if isAlias {
		name = "alias/" + d.text(word+"/_-", 1, 80)
	}
	switch d.IntN(3) {
	case 0:
		if !isAlias {
			name = "key/" + name
		}
		return "arn:aws:kms:" + region + ":" + account + ":" + name
	default:
		return name
	}
}

func (d dice) config(region string) custody.Config {
	c := custody.Config{AWS: custody.AWS{
		Region: region, AccessKeyID: d.text(word, 16, 32), SecretAccessKey: redact.New(d.text(word+"/+=", 1, 80)),
	}}
	if d.IntN(3) > 0 {
		c.AWS.SessionToken = redact.New(d.text(word+"/+=", 1, 2000))
	}
	if d.IntN(2) == 0 {
		c.AWS.KMSEndpoint = fmt.Sprintf("https://%s.test:%d", d.text(lower, 1, 30), 1000+d.IntN(60000))
	}
	if d.IntN(4) == 0 && c.AWS.KMSEndpoint != "" {
		c.AWS.KMSEndpoint += "/" + d.text(word+"._~-", 1, 20) + "/" + d.text(word, 1, 5)
	}
	now := time.Unix(d.Int64N(1<<32), d.Int64N(1e9))
	c.Now = func() time.Time { return now }
	return c
}
