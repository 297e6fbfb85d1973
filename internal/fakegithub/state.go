package fakegithub

import (
	"crypto/rsa"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account is a user, an organization or an enterprise.
type Account struct {
	ID    int64  // assigned when zero
	Login string // for an enterprise its slug
	Type  string // "User", "Organization" or "Enterprise"; empty means Organization. "Bot" is made by AddApp
	Name  string

	createdAt time.Time
}

// Repository is one repository; a bare repository at GitRoot/Owner/Name.git
// makes it reachable by git.
type Repository struct {
	ID            int64 // assigned when zero
	Owner, Name   string
	Private       bool
	Archived      bool
	Description   string
	DefaultBranch string // empty means main
	Topics        []string
}

// App is a GitHub App.
type App struct {
	ID          int64  // assigned when zero
	ClientID    string // made up when empty
	Slug        string
	Name        string // empty means the slug
	Owner       string // login; added as an organization when unknown
	PublicKey   *rsa.PublicKey
	Permissions map[string]string

	createdAt time.Time
	setupURL  string // where people land who have installed it
}

// Installation is an App on an account.
type Installation struct {
	ID           int64 // assigned when zero
	AppID        int64
	Account      string            // login of a user or organization, slug of an enterprise
	Permissions  map[string]string // nil means the App's
	Repositories []string          // names of the account's repositories, ignored with All
	All          bool              // every repository of the account, also those added later
}

type repository struct {
	Repository
	directory string // below GitRoot; a rename does not move it
	createdAt time.Time

	environments index[*environment] // by lower-case name
	variables    index[*variable]
	deployKeys   []*deployKey // by id
	alerts       []*alert     // by number, which begins at 1
	issues       []*issue     // likewise
	noIssues     bool         // issues are switched off
}

type installation struct {
	Installation
	repositoryIDs          ids
	createdAt, suspendedAt time.Time
	suspendedBy            string
}

// AddAccount adds an account, or returns the one that has this login already.
// It panics when that one is of another type: the owner of a repository or App
// that was added before is an organization.
func (s *Server) AddAccount(a Account) Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := s.addAccount(a)
	if a.Type != "" && a.Type != account.Type {
		panic(fmt.Sprintf("fakegithub: %s is of type %s already", a.Login, account.Type))
	}
	return *account
}

func (s *Server) addAccount(a Account) *Account {
	key := strings.ToLower(a.Login)
	if known, ok := s.accounts[key]; ok {
		return known
	}
	mustBeName(strings.TrimSuffix(a.Login, "[bot]"))
	if a.Type == "" {
		a.Type = "Organization"
	}
	if a.ID == 0 {
		a.ID = s.newID()
	}
	a.createdAt = s.now()
	s.accounts[key], s.accountByID[a.ID] = &a, &a
	return &a
}

// AddRepository adds a repository and, when it is missing, the organization
// that owns it.
func (s *Server) AddRepository(r Repository) Repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	mustBeName(r.Name)
	r.Owner = s.addAccount(Account{Login: r.Owner}).Login
	if r.ID == 0 {
		r.ID = s.newID()
	}
	if r.DefaultBranch == "" {
		r.DefaultBranch = "main"
	}
	r.Topics = slices.Clone(r.Topics)
	s.index(&repository{Repository: r, directory: r.Owner + "/" + r.Name + ".git", createdAt: s.now()})
	return r
}

// RenameRepository renames a repository. The old name then answers 301 until
// another repository takes it.
func (s *Server) RenameRepository(owner, from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mustBeName(to)
	repo := s.mustRepository(owner, from)
	s.unindex(repo)
	s.formerNames[repo.key()] = repo.ID
	repo.Name = to
	s.index(repo)
}

// ArchiveRepository makes a repository read-only, or lets it be written again.
func (s *Server) ArchiveRepository(owner, name string, archived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustRepository(owner, name).Archived = archived
}

// TransferRepository moves a repository to another account. Installations of
// that account may select it; those of the former owner no longer reach it. The
// old address answers 301 until another repository takes it.
func (s *Server) TransferRepository(owner, name, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.mustRepository(owner, name)
	for _, in := range s.installations {
		in.repositoryIDs = slices.DeleteFunc(in.repositoryIDs, func(id int64) bool { return id == repo.ID })
	}
	s.moveTo(repo, s.addAccount(Account{Login: to}).Login)
}

// RenameAccount changes the login of an account with all that it has, except
// for secrets. Addresses with the old login answer 301; the lookup of its
// installation is answered as for the new one (unconfirmed).
func (s *Server) RenameAccount(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mustBeName(to)
	account := s.accounts[strings.ToLower(from)]
	delete(s.accounts, strings.ToLower(from))
	was := account.Login
	account.Login = to
	s.accounts[strings.ToLower(to)], s.formerLogins[strings.ToLower(from)] = account, account
	for _, repo := range slices.Clone(s.holdingsOf(was).byID) {
		s.moveTo(repo, to)
	}
	for _, in := range s.installations {
		if in.Account == was {
			in.Account = to
		}
	}
	for _, app := range s.apps {
		if app.Owner == was {
			app.Owner = to
		}
	}
}

func (s *Server) moveTo(repo *repository, owner string) {
	s.unindex(repo)
	s.formerNames[repo.key()] = repo.ID
	repo.Owner = owner
	s.index(repo)
}

// AddApp adds an App with the bot account that acts for it.
func (s *Server) AddApp(a App) App {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.PublicKey == nil {
		panic("fakegithub: an App needs a PublicKey")
	}
	return *s.addApp(a)
}

func (s *Server) addApp(a App) *App {
	if a.ID == 0 {
		a.ID = s.newID()
	}
	if a.ClientID == "" {
		a.ClientID = "Iv23li" + randomString(base62, 14)
	}
	if a.Name == "" {
		a.Name = a.Slug
	}
	a.Owner = s.addAccount(Account{Login: a.Owner}).Login
	a.Permissions = withMetadata(a.Permissions)
	a.createdAt = s.now()
	s.addAccount(Account{Login: a.Slug + "[bot]", Type: "Bot"})
	s.apps[a.ID] = &a
	return &a
}

// ReplaceKey replaces the key of an App. JWTs signed with the old key are
// refused from then on.
func (s *Server) ReplaceKey(appID int64, public *rsa.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[appID].PublicKey = public
}

// Install installs an App on an account. It panics when the App, the account or
// a repository was not added before.
func (s *Server) Install(i Installation) Installation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.install(i).Installation
}

func (s *Server) install(i Installation) *installation {
	app, account := s.apps[i.AppID], s.accounts[strings.ToLower(i.Account)]
	if app == nil || account == nil {
		panic(fmt.Sprintf("fakegithub: install App %d on %q: add both first", i.AppID, i.Account))
	}
	in := &installation{createdAt: s.now()}
	for _, name := range i.Repositories {
		in.repositoryIDs = append(in.repositoryIDs, s.mustRepository(account.Login, name).ID)
	}
	in.repositoryIDs = newIDs(in.repositoryIDs)
	if i.Permissions == nil {
		i.Permissions = app.Permissions
	}
	i.Permissions = withMetadata(i.Permissions)
	i.Repositories = slices.Clone(i.Repositories)
	i.Account = account.Login
	if i.ID == 0 {
		i.ID = s.newID()
	}
	in.Installation = i
	s.installations[i.ID] = in
	return in
}

// Suspend suspends an installation, as the named user of the account does in
// the settings.
func (s *Server) Suspend(installationID int64, by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.installations[installationID]
	if in == nil {
		panic(fmt.Sprintf("fakegithub: no installation %d", installationID))
	}
	in.suspendedBy = s.addAccount(Account{Login: by, Type: "User"}).Login
	in.suspendedAt = s.now()
}

// namePattern is compiled on first use: the program that holds this server for
// its demo mostly starts for other work.
var namePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`) })

// mustBeName panics for a name that GitHub would not accept as a login or
// repository name. Directories below GitRoot are made of these names, so this
// also keeps them inside.
func mustBeName(name string) {
	if !namePattern().MatchString(name) || name == "." || name == ".." {
		panic(fmt.Sprintf("fakegithub: %q is not a name", name))
	}
}

// selection returns the API's word for the choice of repositories.
func (in *installation) selection() string {
	if in.All {
		return "all"
	}
	return "selected"
}
