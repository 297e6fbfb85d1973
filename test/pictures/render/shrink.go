package main

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
)

const (
	margin  = 20  // below the last line, in pixels
	colours = 128 // of a picture
)

// shrink writes a screenshot without the empty space below the text, and with
// few colours.
func shrink(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	shot, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	bounds := shot.Bounds()
	counts := map[color.Color]int{}
	last := 0
	paper := shot.At(0, 0)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := shot.At(x, y)
			counts[c]++
			if c != paper {
				last = y
			}
		}
	}
	// The most frequent colours; the rest are shades between them.
	palette := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(number(a), number(b)))
	})
	palette = palette[:min(len(palette), colours)]
	small := image.NewPaletted(image.Rect(0, 0, bounds.Dx(), min(last+margin, bounds.Dy())), palette)
	draw.Draw(small, small.Rect, shot, bounds.Min, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644) //nolint:gosec // for everybody to read
}

// number orders colours.
func number(c color.Color) uint32 {
	r, g, b, _ := c.RGBA()
	return r>>8<<16 | g>>8<<8 | b>>8
}
