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
			list = append(list, c.access(site.url+"/"+path, p.name)...)
		}
	}
	for _, url := range c.superseded(site) {
		list = append(list, c.access(url, c.Owner)...)
	}
	for _, p := range c.places() {
		list = append(list, p.overHTTPS(site, c.Organization)...)
	}
	if c.Bot != nil {
		list = append(list, entry{"user.name", c.Bot.Name()}, entry{"user.email", c.Bot.Email()})
	}
	return list
}

// place is what a token opens, and git is let in to: a repository, or all of an
// owner's.
type place struct {
	name    string   // for people
	spelled []string // paths on the server, below which it lies; GitHub's spelling first
	whole   bool     // of an owner: the paths end in a slash
}

// places groups the repositories that are the same to GitHub.
func (c Config) places() []place {
	owners := spellings(append([]string{c.Owner}, c.Aliases...)...)
	if c.AllRepositories || c.OwnerWide {
		p := place{name: c.Owner, whole: true}
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

// spellings are those in which workflows write a name. To GitHub the case of a name
// means nothing; git compares the paths of URLs to the letter.
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
	wikiSuffix = ".wiki.git" // the wiki is a repository of its own, which the same permission opens
)

// paths are those that git has to know. It compares what is between slashes whole,
// so a repository's covers its LFS (R.git/info/lfs) and no other repository whose
// name begins alike; for the same reason R, R.git and R.wiki.git are three.
func (p place) paths() []string {
	if p.whole {
		return p.spelled
	}
	var list []string
	for _, path := range p.spelled {
		list = append(list, path, path+gitSuffix, path+wikiSuffix)
	}
	return list
}

// superseded are the URLs below the owner's that earlier steps set up for single
// repositories, and that this token opens too. Of two steps the later counts, and
// without an entry of their own the more specific of the earlier would.
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
		if ok && found && !slices.Contains(urls, url) && c.opens(owner, name) {
			urls = append(urls, url)
		}
	}
	return urls
}

func (c Config) opens(owner, name string) bool {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	return slices.ContainsFunc(append([]string{c.Owner}, c.Aliases...), func(o string) bool { return strings.EqualFold(o, owner) }) &&
		(c.AllRepositories || slices.ContainsFunc(c.Repositories, same))
}

// access lets git in below one URL.
//
// What git 2.39 does with http.<url>.extraHeader, and TestHeaderResolution holds
// it to: it walks through all entries in the order system, global, repository,
// environment. One whose URL matches is heeded unless its URL is less specific
// (shorter) than that of one that was heeded before; it then adds a header, and an
// empty value drops all headers so far, those of less specific URLs included. So
//
//   - what actions/checkout keeps in .git/config for https://github.com/ is sent
//     beside ours, and GitHub answers 400 "Duplicate header", unless an empty
//     value for the same URL as ours comes first; one for the server's would not do,
//     if it came after our header;
//   - each owner and each repository has its own header, and none that of another;
//   - the entry of a single repository wins over the owner's, also one that somebody
//     else set;
//   - what is not configured here, such as the workflow's own repository, keeps the
//     header of actions/checkout or the password in its URL. With a header for the
//     URL, git does not send that password.
//
// Git does not follow a redirect to another host with the header.
//
// credential.<url>.helper is resolved in the same way, and its list is asked in
// order until a helper has a password, so it needs an empty value of its own. A URL
// with a path covers what is below it, and nothing whose name begins alike, although
// gitcredentials(7) speaks of an exact match. The helper is told the path only with
// useHttpPath. The header has to go in this mode too: git sends it in the place of a
// password.
//
// For the same reason no helper can mend a header that GitHub refuses. Git asks for
// one nevertheless, with an error about user names when there is none, and has a
// good password on the machine erased when there is. The one helper left here says
// what is wrong instead, and has git stop.
func (c Config) access(url, name string) []entry {
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

// overHTTPS has git fetch and push over HTTPS what remotes and .gitmodules name by
// SSH addresses. The longest insteadOf wins, hence ours over that of
// actions/checkout, which ends with the host.
//
// Unlike http.<url>, insteadOf replaces the beginning of an address wherever it ends:
// git@github.com:acme/api would stand for the beginning of acme/api-internal too,
// which then could not be reached with the SSH key that the job has for it. So of a
// single repository only the addresses that end in .git are replaced, as GitHub shows
// them. An SSH address without .git goes over SSH as if nothing were configured, and
// fails where there is no key. What is left is a name that goes on behind .git, such as
// acme/api.github.io beside acme/api: its SSH addresses become HTTPS, without a token.
// An owner's end in a slash, and cover all forms.
func (p place) overHTTPS(site server, organization int64) []entry {
	suffixes := []string{gitSuffix, wikiSuffix}
	if p.whole {
		suffixes = []string{""}
	}
	var list []entry
	for _, suffix := range suffixes {
		key := "url." + site.url + "/" + p.spelled[0] + suffix + ".insteadOf"
		for _, path := range p.spelled {
			for _, prefix := range site.ssh(organization) {
				list = append(list, entry{key, prefix + path + suffix})
			}
		}
	}
	return list
}

// ssh are the beginnings of SSH addresses, up to the owner. SSH is on another port
// than HTTPS, so these are without that of the server.
func (s server) ssh(organization int64) []string {
	list := []string{
		"git@" + s.host + ":", "git@" + s.host + ":/",
		"ssh://git@" + s.host + "/", "ssh://git@" + s.host + ":22/",
		"git+ssh://git@" + s.host + "/", // git takes it too; npm passes it on without the git+
	}
	if s.host == "github.com" { // for networks that let nothing but port 443 through
		list = append(list, "ssh://git@ssh.github.com:443/")
	}
	var users []string
	if organization > 0 { // what pages of an organization with SSH certificates show
		users = append(users, "org-"+strconv.FormatInt(organization, 10))
	}
	if tenant, ok := strings.CutSuffix(s.host, ".ghe.com"); ok { // what pages of ghe.com show
		users = append(users, tenant)
	}
	for _, user := range users {
		list = append(list, user+"@"+s.host+":", "ssh://"+user+"@"+s.host+"/")
	}
	return list
}
