package gitauth

import (
	"regexp"
	"strconv"
)

// Bot is the account in whose name an App acts. Commits with its e-mail address
// are shown as the App's.
type Bot struct {
	Slug string // of the App
	ID   int64  // of the account SLUG[bot], which is another number than the App's
	Host string // of the server, without a port: github.com
}

// NewBot is the bot of an App on a server, with all that goes into a commit checked.
func NewBot(serverURL, slug string, id int64) (Bot, error) {
	site, err := parseAddress(serverURL, true) // its host is a part of a name here, and nothing is sent
	if err != nil {
		return Bot{}, err
	}
	b := Bot{Slug: slug, ID: id, Host: site.host}
	return b, b.check()
}

// Name is the account's name: slug[bot].
func (b Bot) Name() string { return b.Slug + "[bot]" }

// Email is the address that GitHub gave the account, which takes no mail.
func (b Bot) Email() string {
	return strconv.FormatInt(b.ID, 10) + "+" + b.Name() + "@users.noreply." + b.Host
}

// Committer is name and address as in a commit.
func (b Bot) Committer() string { return b.Name() + " <" + b.Email() + ">" }

var botSlug = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`)

func (b Bot) check() error {
	if len(b.Slug) > maxName || !botSlug.MatchString(b.Slug) || b.ID <= 0 || !hostName.MatchString(b.Host) {
		return errBot
	}
	return nil
}
