package permission

import (
	"testing"
)

func BenchmarkFirstUse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readOperations()
	}
}

func BenchmarkLookup(b *testing.B) {
	operations()
	b.ReportAllocs()
	for b.Loop() {
		Operations("PATCH https://api.github.com/repos/acme/api/issues/7", nil)
	}
}

func BenchmarkUnknown(b *testing.B) {
	operations()
	for b.Loop() {
		Operations("GET /repos/acme/api/isues/7/coments", nil)
	}
}
