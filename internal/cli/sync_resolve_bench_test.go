package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
)

// What ten secrets mean that are each written out for nearly all of 5,000 repositories,
// as many as a manifest takes, but for those that a pattern excludes: from the
// manifest's text to what is wanted.
func BenchmarkResolve10x5000(b *testing.B) {
	const secrets, repositories, named = 10, 5000, 4900
	var list []manifest.Repository
	var names []string
	for i := range repositories {
		name := fmt.Sprintf("service-%04d", i)
		list = append(list, manifest.Repository{ID: int64(i + 1), Name: name})
		names = append(names, "acme/"+name)
	}
	var text strings.Builder
	text.WriteString("secrets:\n")
	for i := range secrets {
		fmt.Fprintf(&text, "  - {name: S%d, from: env:VALUE, to: [{repositories: [%s, \"!acme/service-00[0-4]*\"]}]}\n", i, strings.Join(names[:named], ", "))
	}
	p := Process{Stdout: io.Discard, Getenv: func(string) string { return "" }}
	o := &fleetOwner{name: "acme", once: newLock()}
	o.reached.Store(manifest.NewIndex("acme", list))
	f := &fleet{r: p.runner(), owners: map[string]*fleetOwner{"acme": o}}
	for b.Loop() {
		file, err := manifest.Parse("valetkey.yml", []byte(text.String()))
		if err != nil {
			b.Fatal(err)
		}
		v, err := f.resolve(context.Background(), file, secret.Shard{}, func(string) string { return "opensesame-value" })
		if err != nil || len(v.wanted) != secrets*(named-50) || len(v.failed) > 0 {
			b.Fatalf("%d wanted, %d failed: %v", len(v.wanted), len(v.failed), err)
		}
	}
}
