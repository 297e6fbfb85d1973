package setup

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/permission"
)

// style is the page's only style sheet. The colours of text are the system's,
// light or dark; those of a button have a contrast of 7 to 1.
const style = `
:root { color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif }
body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; line-height: 1.25 }
table { border-collapse: collapse; margin: 1rem 0 }
caption { font-weight: 600 }
caption, th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0 }
thead { border-bottom: 1px solid }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
.go { display: inline-block; font: inherit; font-weight: 600; padding: .5rem 1.25rem; border: 2px solid #0a4a94; border-radius: .4rem;
  background: #0a4a94; color: #fff; text-decoration: none; cursor: pointer }
.go:focus-visible { outline: 3px solid; outline-offset: 2px }
`

// policy is the page's Content-Security-Policy: nothing but its own style, and
// a form that can go to GitHub alone.
func (p Plan) policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action " + p.Website +
		"; base-uri 'none'; frame-ancestors 'none'"
}

// document returns a whole page. The title is text, the body HTML.
func document(title, body string) string {
	title = html.EscapeString(title)
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>` + title + ` - valetkey setup</title>
<style>` + style + `</style>
</head>
<body>
<main>
<h1>` + title + `</h1>
` + body + `</main>
</body>
</html>
`
}

// paragraph returns a paragraph of text.
func paragraph(text string) string { return "<p>" + html.EscapeString(text) + "</p>\n" }

// button returns a link that looks like a button.
func button(address, text string) string {
	return `<p><a class="go" href="` + html.EscapeString(address) + `">` + html.EscapeString(text) + "</a></p>\n"
}

// startPage shows what is asked for, and has the form that asks for it. The
// form needs no script.
func (p Plan) startPage(state, redirect, keyGoes string) string {
	manifest := html.EscapeString(p.manifest(redirect))
	return document("Make the GitHub App "+p.Name,
		paragraph("Step 1 of 2. The App will belong to "+p.owner()+" on "+p.host()+", and may do this where it is installed, and no more:")+
			permissionTable(p.Permissions)+
			paragraph("It acts for no user, is told of no event, and only its owner can install it. Its private key goes to "+keyGoes+".")+
			`<form method="post" action="`+html.EscapeString(p.formPage()+"?state="+state)+`">
<input type="hidden" name="manifest" value="`+manifest+`">
<p><button class="go" type="submit">Continue to `+html.EscapeString(p.host())+`</button></p>
</form>
`+paragraph("GitHub shows all of it once more before it makes the App, and lets you change the name.")+
			`<p>You have to be <a href="`+html.EscapeString(p.Website+"/login")+`">signed in there</a>`+
			html.EscapeString(", as somebody who may make Apps for "+p.owner()+".")+`</p>
<details>
<summary>What is sent to `+html.EscapeString(p.host())+`</summary>
<pre>`+manifest+`</pre>
</details>
`)
}

func permissionTable(set permission.Set) string {
	var b strings.Builder
	b.WriteString("<table>\n<caption>Permissions</caption>\n<thead><tr><th scope=\"col\">Permission</th><th scope=\"col\">Level</th>" +
		"<th scope=\"col\">About</th></tr></thead>\n<tbody>\n")
	for _, name := range slices.Sorted(maps.Keys(set)) {
		known, _ := permission.Lookup(name)
		b.WriteString(`<tr><th scope="row">` + html.EscapeString(name) + "</th><td>" + html.EscapeString(set[name]) + "</td><td>" +
			html.EscapeString(known.Description) + "</td></tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
	return b.String()
}

// installPage shows how to go on when the App exists.
func (p Plan) installPage(app App) string {
	return document("The App "+app.Name+" exists",
		paragraph("Step 2 of 2. Install it on "+app.Owner+", for the repositories that it is for.")+
			button(p.InstallPage(app.Slug), "Install "+app.Name)+
			paragraph("valetkey waits for that in the terminal, and goes on by itself. This page is not needed any more."))
}
