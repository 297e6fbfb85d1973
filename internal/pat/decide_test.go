package pat

import (
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
)

func TestDecideFirst(t *testing.T) {
	p := compile(t, Grant, manifest.PATRule{Name: "unused", Do: "revoke", If: manifest.PATCondition{UnusedFor: 5 * day, Team: "platform"}})
	d := p.Decide(Protection{}, token(Grant), nil, noon)
	t.Log(d, d.Steps)
	d = p.Decide(Protection{}, token(Grant), &Facts{Teams: map[string]map[string]bool{"platform": {"monalisa": true}}}, noon)
	t.Log(d, d.Steps)
}
