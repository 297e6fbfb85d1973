// Command render makes pictures of Markdown, as GitHub would show it, in a
// headless Chromium. docs/pictures/make calls it. It is a module of its own,
// since the program needs no Markdown library.
//
//	render -mermaid FILE ROOT
//
// FILE is Mermaid's script. ROOT is the repository: each Markdown file and page in
// its docs/pictures becomes a picture beside it, and every diagram of its docs is
// parsed, since GitHub shows an error in place of one that it does not
// understand.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	mermaid := flag.String("mermaid", "", "Mermaid's script")
	flag.Parse()
	if err := run(context.Background(), flag.Arg(0), *mermaid); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, mermaid string) error {
	if root == "" || mermaid == "" {
		return errors.New("usage: render -mermaid FILE ROOT")
	}
	folder := filepath.Join(root, "docs", "pictures")
	b, err := newBrowser(mermaid)
	if err != nil {
		return err
	}
	defer b.close()
	texts, err := filepath.Glob(filepath.Join(folder, "*.[mh]*"))
	texts = slices.DeleteFunc(texts, func(path string) bool { return filepath.Ext(path) == "" })
	if err != nil || len(texts) == 0 {
		return fmt.Errorf("%d texts are in %s: %w", len(texts), folder, err)
	}
	var files []string
	for _, text := range texts {
		picture := strings.TrimSuffix(text, filepath.Ext(text)) + ".png"
		if err := b.picture(ctx, text, picture); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		files = append(files, text, picture)
	}
	if err := writeSums(filepath.Join(folder, "SHA256SUMS"), files); err != nil {
		return err
	}
	return checkDiagrams(ctx, b, root, filepath.Join(folder, "DIAGRAMS"))
}

// writeSums writes what sha256sum would.
func writeSums(file string, of []string) error {
	var sums strings.Builder
	for _, path := range of {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), filepath.Base(path))
	}
	return os.WriteFile(file, []byte(sums.String()), 0o644) //nolint:gosec // for everybody to read
}

// checkDiagrams parses every diagram of the docs, and writes the sum of each.
func checkDiagrams(ctx context.Context, b *browser, root, file string) error {
	var sums strings.Builder
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/pictures/*.md", "examples/*.md"} {
		texts, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		slices.Sort(texts)
		for _, path := range texts {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			for _, diagram := range diagrams(string(text)) {
				if err := b.parse(ctx, diagram); err != nil {
					return fmt.Errorf("%s: %w in:\n%s", path, err, diagram)
				}
				fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(diagram)), filepath.ToSlash(name))
			}
		}
	}
	return os.WriteFile(file, []byte(sums.String()), 0o644) //nolint:gosec // for everybody to read
}

// diagrams returns the Mermaid blocks of a text.
func diagrams(text string) (all []string) {
	for {
		_, rest, found := strings.Cut("\n"+text, "\n```mermaid\n")
		if !found {
			return all
		}
		diagram, after, _ := strings.Cut(rest, "\n```")
		all, text = append(all, diagram+"\n"), after
	}
}
