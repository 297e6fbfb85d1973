package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"
)

const (
	width  = 1000 // of a picture of Markdown, in pixels of CSS
	narrow = 760  // of a picture of a page
	scale  = "1.5"
)

//go:embed style.css
var style string

// browser is a headless Chromium that knows Mermaid.
type browser struct {
	program, dir string
}

func newBrowser(mermaid string) (*browser, error) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("%w (Debian: chromium)", err)
	}
	script, err := os.ReadFile(mermaid)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		return nil, err
	}
	return &browser{program, dir}, os.WriteFile(filepath.Join(dir, "mermaid.js"), script, 0o600)
}

func (b *browser) close() { _ = os.RemoveAll(b.dir) }

// show opens a page, and returns what Chromium writes with further flags.
func (b *browser) show(ctx context.Context, text string, flags ...string) (string, error) {
	page := filepath.Join(b.dir, "page.html")
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		return "", err
	}
	args := []string{
		"--headless", "--disable-gpu", "--disable-lcd-text", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
		"--user-data-dir=" + filepath.Join(b.dir, "profile"), "--virtual-time-budget=20000",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	cmd := exec.CommandContext(ctx, b.program, append(append(args, flags...), "file://"+page)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, problems.Bytes())
	}
	return string(out), nil
}

// page returns a page with a body.
func page(body string) string {
	return "<!doctype html><meta charset=utf-8><style>" + style + "</style><script src=mermaid.js></script>" +
		"<main>" + body + "</main>" + script
}

// script draws the diagrams of a page, after which it has a line that says how
// that went.
const script = `<script>
mermaid.initialize({ startOnLoad: false, theme: 'default' })
for (const code of document.querySelectorAll('code.language-mermaid')) {
  const div = document.createElement('div')
  div.className = 'mermaid'
  div.textContent = code.textContent
  code.parentElement.replaceWith(div)
}
mermaid.run().then(() => 'drawn', error => 'failed: ' + (error.message || error.str || error)).then(text => {
  document.body.setAttribute('data-diagrams', text)
})
</script>`

// parse returns an error unless Mermaid can draw a diagram.
func (b *browser) parse(ctx context.Context, diagram string) error {
	dom, err := b.show(ctx, page(`<pre><code class="language-mermaid">`+html.EscapeString(diagram)+"</code></pre>"), "--dump-dom")
	if err != nil {
		return err
	}
	_, said, _ := strings.Cut(dom, `data-diagrams="`)
	if said, _, _ = strings.Cut(said, `"`); said != "drawn" {
		return errors.New("Mermaid " + html.UnescapeString(said))
	}
	return nil
}

// picture makes a picture of a file: Markdown, or a page as it is.
func (b *browser) picture(ctx context.Context, file, picture string) error {
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, wide := string(source), narrow
	if filepath.Ext(file) == ".md" {
		var body bytes.Buffer
		markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))
		if err := markdown.Convert(source, &body); err != nil {
			return err
		}
		text, wide = page(body.String()), width
	}
	shot := filepath.Join(b.dir, "shot.png")
	_, err = b.show(ctx, text, "--screenshot="+shot, fmt.Sprintf("--window-size=%d,3000", wide), "--force-device-scale-factor="+scale)
	if err != nil {
		return err
	}
	return shrink(shot, picture)
}
