package redact

import (
	"cmp"
	"slices"
	"strings"
)

// MinMask is the least length of a mask, in bytes. A shorter one turns half the
// log into *** and makes the runner drop every job output that it occurs in. So
// a shorter secret can't be hidden and must not be handed out.
const MinMask = 8

// Masks is a set of texts that other texts must not show. The zero value is
// empty. Several goroutines must not use it at once.
type Masks struct {
	all []string
	// byHead holds the masks by their first [MinMask] bytes, the longest first:
	// one look-up per byte of a text, however many masks there are.
	byHead map[string][]string
}

// Add adds a mask. It reports whether the mask is new and long enough.
func (m *Masks) Add(secret String) bool {
	mask := secret.Reveal()
	if !CanMask(mask) {
		return false
	}
	head := mask[:MinMask]
	if slices.Contains(m.byHead[head], mask) {
		return false
	}
	if m.byHead == nil {
		m.byHead = map[string][]string{}
	}
	m.all = append(m.all, mask)
	m.byHead[head] = append(m.byHead[head], mask)
	slices.SortFunc(m.byHead[head], func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return true
}

// CanMask reports whether a text is long enough for a mask.
func CanMask(text string) bool { return len(strings.TrimSpace(text)) >= MinMask }

// All returns the masks in the order in which they came.
func (m *Masks) All() []String {
	all := make([]String, len(m.all))
	for i, mask := range m.all {
		all[i] = New(mask)
	}
	return all
}

// Hide returns the text with *** in the place of each mask. As in the runner
// (SecretMasker.cs), all occurrences of all masks are found first, and those
// that overlap or touch become one: if one mask was replaced after the other,
// the first would break up an occurrence of the second and show the rest of it.
func (m *Masks) Hide(text string) string {
	for {
		hidden := m.hide(text)
		// A mask may contain *** and arise from a replacement. Each mask is
		// longer than ***, so this ends.
		if len(hidden) == len(text) {
			return text
		}
		text = hidden
	}
}

func (m *Masks) hide(text string) string {
	if len(m.byHead) == 0 {
		return text
	}
	var hidden strings.Builder
	shownFrom, from, to := 0, -1, -1 // the range being merged, if any
	for i := 0; i+MinMask <= len(text); i++ {
		n := m.longestAt(text[i:])
		switch {
		case n == 0:
		case i <= to:
			to = max(to, i+n)
		default:
			if to >= 0 {
				hidden.WriteString(text[shownFrom:from] + shown)
				shownFrom = to
			}
			from, to = i, i+n
		}
	}
	if to < 0 {
		return text
	}
	hidden.WriteString(text[shownFrom:from] + shown + text[to:])
	return hidden.String()
}

// longestAt returns the length of the longest mask that a text begins with. The
// text has at least [MinMask] bytes.
func (m *Masks) longestAt(text string) int {
	for _, mask := range m.byHead[text[:MinMask]] {
		if strings.HasPrefix(text, mask) {
			return len(mask)
		}
	}
	return 0
}
