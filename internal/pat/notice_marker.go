package pat

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// marker is what an issue remembers for the next run, in a comment that readers
// do not see.
type marker struct {
	Owner   string  `json:"owner"`
	OwnerID int64   `json:"id,omitempty"`
	Tokens  []entry `json:"tokens"`
}

// entry is one token that an owner was told of.
type entry struct {
	Organization string `json:"o"`
	Kind         Kind   `json:"k"`
	ID           int64  `json:"i"`
	TokenID      int64  `json:"t,omitempty"`
	Rule         string `json:"r"`
	Since        int64  `json:"s"`           // seconds since 1970, as Until
	Until        int64  `json:"u,omitempty"` // when the token ends; zero: it does not
}

func (e *entry) since() time.Time { return time.Unix(e.Since, 0) }

func (e *entry) until() time.Time {
	if e.Until == 0 {
		return time.Time{}
	}
	return time.Unix(e.Until, 0)
}

// isAbout reports whether an entry tells of this decision: of this token, by
// this rule. That a token was only warned of does not count for its end.
func (e *entry) isAbout(it *item) bool {
	return e.isOf(&it.Token) && e.Rule == it.Rule && (e.Until != 0) == it.ends()
}

func (e *entry) isOf(t *Token) bool {
	return strings.EqualFold(e.Organization, t.Organization) && e.Kind == t.Kind && e.ID == t.ID && e.TokenID == t.TokenID
}

func entryOf(it *item) entry {
	e := entry{
		Organization: it.Token.Organization, Kind: it.Token.Kind, ID: it.Token.ID, TokenID: it.Token.TokenID,
		Rule: it.Rule, Since: it.since.Unix(),
	}
	if it.ends() {
		e.Until = it.due.Unix()
	}
	return e
}

// A body begins with its marker. A later release that writes another form
// counts up.
const (
	markerBegin = "<!-- valetkey:notice:1 "
	markerEnd   = " -->"
)

// String returns the marker as the body has it. JSON escapes the brackets that
// could end the comment; what could name a person is escaped as well.
func (m marker) String() string {
	text, _ := json.Marshal(m)
	return markerBegin + strings.ReplaceAll(string(text), "@", `\u0040`) + markerEnd
}

// readMarker reads the marker of a body. One that is damaged is an error. One
// that names an owner, but tokens that we would not have written, has no tokens:
// their notice begins anew.
func readMarker(body string) (m marker, isNotice bool, err error) {
	rest, isNotice := strings.CutPrefix(body, markerBegin)
	if !isNotice {
		return marker{}, false, nil
	}
	text, _, closed := strings.Cut(rest, markerEnd)
	if !closed || json.Unmarshal([]byte(text), &m) != nil || m.Owner == "" || m.OwnerID < 0 {
		return marker{}, true, errors.New("the marker is damaged")
	}
	if len(m.Tokens) > maxTold || slices.ContainsFunc(m.Tokens, entry.isStrange) {
		m.Tokens = nil
	}
	return m, true, nil
}

func (e entry) isStrange() bool {
	return e.Organization == "" || e.Kind != Grant && e.Kind != Authorization || e.ID <= 0 || e.TokenID < 0 || e.Rule == "" ||
		e.Since <= 0 || e.Until < 0
}
