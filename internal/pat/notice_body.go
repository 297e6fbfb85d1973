package pat

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/markdown"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	// maxBody is how long an issue may be, in bytes; GitHub takes 65,536
	// characters.
	maxBody = 60_000

	// maxMarker is how much of that the marker takes, and maxTold how many
	// tokens one issue tells of. An account may have 50 fine-grained tokens.
	maxMarker = 30_000
	maxTold   = 200
)

// notice is what one issue is to say.
type notice struct {
	*person
	mention bool
	told    []*item // the tokens that it tells of
	kept    []entry // tokens that this run could not judge: what was said of them stays
	left    []*item // tokens that there was no room for
}

// fill sorts the tokens that the owner is to be told of, and takes as many as
// the marker has room for: ends before warnings, and those that were told of
// before others, so that no new one pushes out an old one.
func (n *notice) fill(wanted []*item) {
	slices.SortStableFunc(wanted, func(a, b *item) int {
		return cmp.Or(order(b.ends(), a.ends()), order(b.told, a.told), a.due.Compare(b.due), cmp.Compare(a.Token.ID, b.Token.ID))
	})
	n.kept = n.kept[:min(len(n.kept), maxTold)]
	n.told, n.left = wanted, nil
	for len(n.kept)+len(n.told) > maxTold || len(n.told) > 0 && len(n.marker().String()) > maxMarker {
		last := len(n.told) - 1
		n.told, n.left = n.told[:last], append(n.left, n.told[last])
	}
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (n *notice) marker() marker {
	m := marker{Owner: n.login, OwnerID: n.id, Tokens: slices.Clone(n.kept)}
	for _, it := range n.told {
		m.Tokens = append(m.Tokens, entryOf(it))
	}
	return m
}

func (n *notice) title() string { return "Personal access tokens of " + n.plainLogin() }

// plainLogin returns the login as it may stand in a title or behind an @: as
// GitHub makes them, or not at all.
func (n *notice) plainLogin() string {
	if login.Matches(n.login) {
		return n.login
	}
	return "somebody"
}

var login = pattern.Pattern{Text: `^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`}

// body returns the whole text. It does not change as long as nothing that it
// says does, so that a nightly run edits nothing.
func (n *notice) body(replacement func(*Token) string) string {
	var b strings.Builder
	b.WriteString(n.marker().String() + "\n\n")
	if len(n.told)+len(n.kept) == 0 {
		b.WriteString("None of these tokens needs your attention any more.")
		return b.String()
	}
	if name := n.plainLogin(); n.mention && n.listed && name == n.login {
		b.WriteString("@" + name + ", ")
	} else {
		b.WriteString(markdown.Code(n.login) + ", ")
	}
	b.WriteString("these personal access tokens of yours are not as the policy wants them. " +
		"One that fits again, or is used again if that is what it lacks, drops off. " +
		"This issue is kept up to date, and closed when nothing is left.\n\n")
	const footer = 500 // room for the last sentences
	shownToo := 0
	for i, it := range n.told {
		text := n.entryText(it)
		if b.Len()+len(text) > maxBody-footer {
			break
		}
		b.WriteString(text)
		shownToo = i + 1
	}
	n.writeRest(&b, shownToo)
	for _, text := range replacements(n.told[:shownToo], replacement) {
		if b.Len()+len(text) <= maxBody {
			b.WriteString(text)
		}
	}
	return strings.TrimSpace(b.String())
}

// writeRest counts what is not listed.
func (n *notice) writeRest(b *strings.Builder, listed int) {
	if rest := len(n.told) - listed; rest > 0 {
		fmt.Fprintf(b, "- … and %s more, for which there is no room here; the same holds for them.\n", wording.Number(rest))
	}
	if len(n.kept) > 0 {
		fmt.Fprintf(b, "- What was said before still holds for %s more, which could not be looked at today.\n", wording.Number(len(n.kept)))
	}
	if len(n.left) > 0 {
		fmt.Fprintf(b, "- %s more will be told of when these are done.\n", wording.Number(len(n.left)))
	}
	b.WriteString("\n")
}

// entryText returns what one token is, and what becomes of it.
func (n *notice) entryText(it *item) string {
	t := &it.Token
	what := "fine-grained token"
	if t.Kind == Authorization {
		what = markdown.Cell(cut(shown(t.Credential), 60))
	}
	name := "no name"
	if t.Name != "" {
		name = markdown.Code(free(t.Name))
	}
	text := fmt.Sprintf("- %s (%s, in %s)", name, what, markdown.Code(t.Organization))
	switch {
	case it.Action == Revoke:
		text += " loses its access on **" + minute(it.due) + "**"
	case it.Action == Withdraw:
		text += " loses its authorization for single sign-on on **" + minute(it.due) + "**, for good: a new one has to be made then"
	default:
		text += " stays for now, but is to be looked after"
	}
	text += ".\n  Rule " + markdown.Code(cut(it.Rule, 100))
	if len(it.conditions) > 0 {
		text += " (" + strings.Join(markdown.Codes(it.conditions), ", ") + ")"
	}
	return text + ": " + facts(t) + ".\n"
}

// conditionsOf returns the conditions of the rule that decided. What they found
// changes from day to day; they do not.
func conditionsOf(d *Decision) []string {
	if len(d.Steps) == 0 {
		return nil
	}
	parts := d.Steps[len(d.Steps)-1].Parts
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = cut(part.Text, 200)
	}
	return texts
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// facts returns what matters most about a token, in words that do not change
// from day to day.
func facts(t *Token) string {
	since := "granted"
	if t.Kind == Authorization {
		since = "authorized"
	}
	list := []string{since + " on " + date(t.Since)}
	switch {
	case t.Expired:
		list = append(list, "expired")
	case t.Expires.IsZero() && kindOf(t.Credential) != sshKey:
		list = append(list, "never expires")
	case !t.Expires.IsZero():
		list = append(list, "expires on "+date(t.Expires))
	}
	if t.LastUsed.IsZero() {
		list = append(list, "never used")
	}
	return strings.Join(list, ", ")
}

// replacements returns how the tokens become unnecessary, each way once.
func replacements(items []*item, replacement func(*Token) string) []string {
	if replacement == nil {
		return nil
	}
	var texts []string
	names := map[string][]string{}
	for _, it := range items {
		text := strings.TrimSpace(replacement(&it.Token))
		if text == "" {
			continue
		}
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], markdown.Code(free(it.Token.Name)))
	}
	for i, text := range texts {
		of := wording.Names(names[text])
		texts[i] = "### Instead of " + of + "\n\n" + text + "\n\n"
	}
	return texts
}

func numbered(numbers []int) []string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = "#" + strconv.Itoa(n)
	}
	return texts
}
