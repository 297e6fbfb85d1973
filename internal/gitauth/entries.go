package gitauth

import (
	"slices"
	"strconv"
	"strings"
)

// entry is one line of git's configuration.
type entry struct{ key, value string }

func (c Config) entries(site server) []entry {
	var list []entry
	for _, p := range c.places() {
		for _, path := range p.paths() {
			list = append(list, c.accessEntries(site.url+"/"+path, p.name)...)
		}
	}
	for _, url := range c.superseded(site) {
		list = append(list, c.accessEntries(url, c.Owner)...)
	}
	for _, p := range c.places() {
		list = append(list, p.insteadOf(site, c.Organization)...)
	}
	if c.Bot != nil {
		list = append(list, entry{"user.name", c.Bot.Name()}, entry{"user.email", c.Bot.Email()})
	}
	return list
}

// place is what a token opens and git gets access to: a repository, or all
// repositories of an owner.
type place struct {
	name      string   // for messages
	spelled   []string // its paths on the server; GitHub's spelling first
	ownerWide bool     // all of an owner's: the paths end in a slash
}

// places returns the places. Repositories that are the same to GitHub form one.
func (c Config) places() []place {
	owners := spellings(append([]string{c.Owner}, c.Aliases...)...)
	if c.AllRepositories || c.OwnerWide {
		p := place{name: c.Owner, ownerWide: true}
		for _, owner := range owners {
			p.spelled = append(p.spelled, owner+"/")
		}
		return []place{p}
	}
	var list []place
	done := map[string]bool{}
	for _, name := range c.Repositories {
		key := strings.ToLower(name)
		if done[key] {
			continue
		}
		done[key] = true
		p := place{name: c.Owner + "/" + name}
		same := slices.DeleteFunc(slices.Clone(c.Repositories), func(other string) bool { return !strings.EqualFold(other, name) })
		for _, owner := range owners {
			for _, spelled := range spellings(same...) {
				p.spelled = append(p.spelled, owner+"/"+spelled)
			}
		}
		list = append(list, p)
	}
	return list
}

// spellings returns the names in the spellings that workflows use. GitHub
// ignores the case of a name; git compares the paths of URLs exactly.
func spellings(names ...string) []string {
	list := slices.Clone(names)
	for _, name := range names {
		list = append(list, strings.ToLower(name))
	}
	var once []string
	for _, name := range list {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

const (
	gitSuffix  = ".git"
	wikiSuffix = ".wiki.git" // the wiki is a repository of its own; the same permission opens it
)

// paths returns the paths that git has to know. It compares whole segments, so
// the path of a repository covers its LFS (R.git/info/lfs) and no other
// repository whose name begins alike. For the same reason R, R.git and
// R.wiki.git are three.
func (p place) paths() []string {
	if p.ownerWide {
		return p.spelled
	}
	var list []string
	for _, path := range p.spelled {
		list = append(list, path, path+gitSuffix, path+wikiSuffix)
	}
	return list
}

// superseded returns the URLs below the owner's that earlier steps configured
// for single repositories, and that this token opens too. Of two steps the
// later should win, but without entries of their own the more specific ones of
// the earlier step would.
func (c Config) superseded(site server) []string {
	if !c.AllRepositories && !c.OwnerWide {
		return nil
	}
	const prefix, suffix = "http.", ".extraheader"
	var urls []string
	for _, key := range c.Before.Keys {
		end := len(key) - len(suffix)
		if end < len(prefix) || key[:len(prefix)] != prefix || !strings.EqualFold(key[end:], suffix) {
			continue
		}
		url := key[len(prefix):end]
		path, ok := strings.CutPrefix(url, site.url+"/")
		owner, name, found := Request{Path: path}.Owner()
		if ok && found && !slices.Contains(urls, url) && c.isOpen(owner, name) {
			urls = append(urls, url)
		}
	}
	return urls
}

func (c Config) isOpen(owner, name string) bool {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	return slices.ContainsFunc(append([]string{c.Owner}, c.Aliases...), func(o string) bool { return strings.EqualFold(o, owner) }) &&
		(c.AllRepositories || slices.ContainsFunc(c.Repositories, same))
}

// accessEntries gives git access below one URL.
//
// Git 2.39 treats http.<url>.extraHeader as follows (TestHeaderResolution
// checks it): it reads all entries in the order system, global, repository,
// environment. It uses one whose URL matches unless that URL is less specific
// (shorter) than that of one that it used before. A value adds a header, and an
// empty value drops all headers so far, those of less specific URLs included.
// So
//
//   - the header that actions/checkout keeps in .git/config for
//     https://github.com/ is sent together with ours, and GitHub answers 400
//     "Duplicate header", unless an empty value for the same URL as ours comes
//     first; one for the server's URL would not do if it came after our header;
//   - each owner and each repository has its own header, and none gets
//     another's;
//   - the entry of a single repository wins over the owner's, even if somebody
//     else set it;
//   - a repository that is not configured here, such as the workflow's own,
//     keeps the header of actions/checkout or the password in its URL. With a
//     header for the URL, git does not send that password.
//
// Git does not follow a redirect to another host with the header.
//
// Git resolves credential.<url>.helper in the same way, and asks the helpers in
// order until one has a password, so the list needs an empty value of its own.
// A URL with a path covers everything below it, and nothing whose name begins
// alike, although gitcredentials(7) speaks of an exact match. Git tells the
// helper the path only with useHttpPath. The header has to go in this mode too:
// git would send it instead of a password.
//
// For the same reason no helper can replace a header that GitHub refuses. Git
// still asks the helpers: without one it reports an error about user names, and
// with one it has a good password on the machine erased. The one helper that is
// left here says what is wrong instead, and makes git stop.
func (c Config) accessEntries(url, name string) []entry {
	header, helper := "http."+url+".extraHeader", "credential."+url+".helper"
	if c.Helper == "" {
		return []entry{
			{header, ""},
			{header, "Authorization: Basic " + basic(c.Token)},
			{helper, ""},
			{helper, "!echo 'GitHub refused the token for " + name + ": it is revoked, or older than an hour' >&2; echo quit=1; :"},
		}
	}
	return []entry{
		{header, ""},
		{helper, ""},
		{helper, c.Helper},
		{"credential." + url + ".useHttpPath", "true"},
	}
}

// insteadOf makes git fetch and push over HTTPS where remotes and .gitmodules
// have SSH addresses. The longest insteadOf wins, and so ours wins over that of
// actions/checkout, which ends with the host.
//
// Unlike http.<url>, insteadOf replaces the beginning of an address wherever it
// ends: git@github.com:acme/api would also match the beginning of
// acme/api-internal, which then could not be reached with the SSH key that the
// job has for it. So for a single repository only the addresses that end in
// .git are replaced, as GitHub shows them. An SSH address without .git goes
// over SSH as if nothing were configured, and fails without a key. One case
// remains: for a name that goes on after .git, such as acme/api.github.io next
// to acme/api, SSH addresses become HTTPS without a token. The addresses of an
// owner end in a slash and cover all forms.
func (p place) insteadOf(site server, organization int64) []entry {
	suffixes := []string{gitSuffix, wikiSuffix}
	if p.ownerWide {
		suffixes = []string{""}
	}
	var list []entry
	for _, suffix := range suffixes {
		key := "url." + site.url + "/" + p.spelled[0] + suffix + ".insteadOf"
		for _, path := range p.spelled {
			for _, prefix := range site.sshPrefixes(organization) {
				list = append(list, entry{key, prefix + path + suffix})
			}
		}
	}
	return list
}

// sshPrefixes returns the beginnings of SSH addresses, up to the owner. SSH
// uses another port than HTTPS, so they don't have the server's port.
func (s server) sshPrefixes(organization int64) []string {
	list := []string{
		"git@" + s.host + ":", "git@" + s.host + ":/",
		"ssh://git@" + s.host + "/", "ssh://git@" + s.host + ":22/",
		"git+ssh://git@" + s.host + "/", // git accepts it too; npm passes it on without the git+
	}
	if s.host == "github.com" { // for networks that only let port 443 through
		list = append(list, "ssh://git@ssh.github.com:443/")
	}
	var users []string
	if organization > 0 { // as on pages of an organization with SSH certificates
		users = append(users, "org-"+strconv.FormatInt(organization, 10))
	}
	if tenant, ok := strings.CutSuffix(s.host, ".ghe.com"); ok { // as on pages of ghe.com
		users = append(users, tenant)
	}
	for _, user := range users {
		list = append(list, user+"@"+s.host+":", "ssh://"+user+"@"+s.host+"/")
	}
	return list
}
