package pictures_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"image/png"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

const (
	folder  = "../../docs/pictures"
	largest = 60 << 10 // of a picture, in bytes
)

var update = flag.Bool("update", false, "write the texts that the pictures are made from; docs/pictures/make does it")

// Each picture is of the text that the program writes today. docs/pictures/make
// makes texts and pictures anew.
func TestPicturesAreUpToDate(t *testing.T) {
	// What goes on for as long as the process must not begin in a bubble.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	fakegithubtest.Key()
	dir, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(scenes)) {
		t.Run(name, func(t *testing.T) {
			var text string
			synctest.Test(t, func(t *testing.T) { text = settled(scenes[name](t)) })
			compare(t, filepath.Join(dir, name+".md"), text)
		})
	}
	t.Run("setup", func(t *testing.T) { compare(t, filepath.Join(dir, "setup.html"), setupPage(t)) })
	if !*update {
		checkSums(t, dir)
	}
}

// compare holds a text against the one of a picture.
func compare(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, err := os.ReadFile(file)
	if diff := cmp.Diff(string(was), text); err != nil || diff != "" {
		t.Errorf("run docs/pictures/make, since this is another text than the picture's (%v):\n%s", err, diff)
	}
}

// checkSums holds the files of the folder against the sums that were written
// when the pictures were made.
func checkSums(t *testing.T, dir string) {
	t.Helper()
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	pictured := 0
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != sum {
			t.Errorf("%s is not the file that the pictures were made with: run docs/pictures/make (%v)", name, err)
			continue
		}
		if filepath.Ext(name) != ".png" {
			continue
		}
		pictured++
		size, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || len(data) > largest || size.Width < 600 || size.Height < 50 {
			t.Errorf("%s: %d bytes, %d×%d: %v", name, len(data), size.Width, size.Height, err)
		}
		if !regexp.MustCompile(`(?m)  ` + strings.TrimSuffix(name, "png") + `(md|html)$`).Match(sums) {
			t.Errorf("there is no sum of what %s is of", name)
		}
	}
	if pictured != len(scenes)+1 { // and setup's page
		t.Errorf("there are %d pictures of %d scenes", pictured, len(scenes)+1)
	}
}

// Every diagram of the docs is one that docs/pictures/make had Mermaid draw. On
// GitHub, one that Mermaid does not understand is an error in its place.
func TestDiagramsAreDrawn(t *testing.T) {
	drawn, err := os.ReadFile(filepath.Join(folder, "DIAGRAMS"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/pictures/*.md", "examples/*.md"} {
		files, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range regexp.MustCompile("(?ms)^```mermaid\n(.*?)^```").FindAllSubmatch(text, -1) {
				found++
				if sum := fmt.Sprintf("%x", sha256.Sum256(block[1])); !strings.Contains(string(drawn), sum) {
					t.Errorf("run docs/pictures/make: nobody has seen this diagram of %s drawn:\n%s", file, block[1])
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d diagrams were found", found)
	}
}
