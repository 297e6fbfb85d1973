package envelope

import "testing"

// Encryption has to add less than 5 ms to mint.
func BenchmarkSeal(b *testing.B) {
	for _, k := range pairs(b) {
		to := recipientOf(b, k.public)
		b.Run(k.name, func(b *testing.B) { benchSeal(b, to) })
	}
	app, err := KeyRecipient(&appKey().PublicKey)
	must(b, err)
	b.Run("the App's key", func(b *testing.B) { benchSeal(b, []Recipient{app}) })
}

func benchSeal(b *testing.B, to []Recipient) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(token(), to, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, k := range pairs(b) {
		line, err := Seal(token(), recipientOf(b, k.public), nil)
		must(b, err)
		with := identityFor(b, k.private)
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Open(line, with); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
