package gitauth

import (
	"strconv"

	"github.com/valetkey/valetkey/internal/pattern"
)

// Bot is the account in whose name an App acts. GitHub shows commits with its
// e-mail address as the App's.
type Bot struct {
	Slug string // of the App
	ID   int64  // of the account SLUG[bot]; the App's id is another number
	Host string // of the server, without a port: github.com
}

// NewBot returns the bot of an App on a server. It checks everything that goes
// into a commit.
func NewBot(serverURL, slug string, id int64) (Bot, error) {
	site, err := parseAddress(serverURL, true) // nothing is sent: its host is only part of a name
	if err != nil {
		return Bot{}, err
	}
	b := Bot{Slug: slug, ID: id, Host: site.host}
	return b, b.check()
}

// Name returns the account's name: slug[bot].
func (b Bot) Name() string { return b.Slug + "[bot]" }

// Email returns the address that GitHub gave the account; it takes no mail.
func (b Bot) Email() string {
	return strconv.FormatInt(b.ID, 10) + "+" + b.Name() + "@users.noreply." + b.Host
}

// Committer returns name and address as in a commit.
func (b Bot) Committer() string { return b.Name() + " <" + b.Email() + ">" }

var botSlug = pattern.Pattern{Text: `^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`}

func (b Bot) check() error {
	if len(b.Slug) > maxName || !botSlug.Matches(b.Slug) || b.ID <= 0 || !hostName.Matches(b.Host) {
		return errBot
	}
	return nil
}
