package fleet

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// This resolves a manifest, starting from its text, with ten secrets that each
// list nearly all of 5,000 repositories by name, as many as a manifest can, and
// exclude some by a pattern.
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
		fmt.Fprintf(&text, "  - {name: S%d, from: env:VALUE, to: [{repositories: [%s, \"!acme/service-00[0-4]*\"]}]}\n",
			i, strings.Join(names[:named], ", "))
	}
	o := &owner{name: "acme", mu: newCtxMutex()}
	o.reached.Store(manifest.NewIndex("acme", list))
	f := &Fleet{config: Config{Token: redact.New("opensesame")}, owners: map[string]*owner{"acme": o}}
	value := func(string) (redact.String, error) { return redact.New("opensesame-value"), nil }
	for b.Loop() {
		file, err := manifest.Parse("valetkey.yml", []byte(text.String()))
		if err != nil {
			b.Fatal(err)
		}
		v, err := f.Resolve(context.Background(), file, secret.Shard{}, value)
		if err != nil || len(v.Wanted) != secrets*(named-50) || len(v.Failed) > 0 {
			b.Fatalf("%d wanted, %d failed: %v", len(v.Wanted), len(v.Failed), err)
		}
	}
}
