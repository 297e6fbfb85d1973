package pat

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/wording"
)

// GitHub's words for which repositories a token opens.
const (
	selectedNone   = "none"
	selectedAll    = "all"
	selectedSubset = "subset"
)

var selections = []string{selectedNone, selectedAll, selectedSubset}

func selection(wanted string) ask {
	return func(q *question) (Answer, string) {
		if !slices.Contains(selections, q.Selection) {
			return Unknown, noSelection
		}
		return yes(q.Selection == wanted), "GitHub says " + q.Selection
	}
}

const noSelection = "GitHub does not say which repositories it opens, in words that this release knows"

// onlyThese asks whether a token opens repositories, and none but these. A
// token for all repositories opens those of tomorrow too, so that no list
// covers it.
func onlyThese(these manifest.Selection) ask {
	return func(q *question) (Answer, string) {
		switch q.Selection {
		case selectedNone:
			return No, opensNone
		case selectedAll:
			return No, "opens all repositories, those to come as well"
		}
		opened, why := q.opened()
		if why != "" {
			return Unknown, why
		}
		if len(opened) == 0 {
			return No, opensNone
		}
		var others []string
		for _, name := range opened {
			if !covers(these, name) {
				others = append(others, shown(name))
			}
		}
		if len(others) > 0 {
			return No, "opens others: " + wording.Names(others)
		}
		return Yes, "opens no others"
	}
}

const opensNone = "opens no repository"

// anyOfThese asks whether a token opens at least one of these repositories.
func anyOfThese(these manifest.Selection) ask {
	owners := these.Owners()
	return func(q *question) (Answer, string) {
		switch q.Selection {
		case selectedNone:
			return No, opensNone
		case selectedAll:
			return yes(containsFold(owners, q.Organization)), "opens all repositories of " + shown(q.Organization)
		}
		opened, why := q.opened()
		if why != "" {
			return Unknown, why
		}
		for _, name := range opened {
			if covers(these, name) {
				return Yes, "opens " + shown(name)
			}
		}
		return No, "opens none of them"
	}
}

// opened returns the repositories of a token that opens a subset, or why they
// are not known.
func (q *question) opened() (names []string, why string) {
	if q.Selection != selectedSubset {
		return nil, noSelection
	}
	of := Listed{Kind: q.Kind, ID: q.ID}
	names, known := q.facts.Repositories[of]
	if !known {
		return nil, q.lacks(Fact{Repositories: of}, "which repositories it opens")
	}
	for _, name := range names {
		if owner, repository, _ := strings.Cut(name, "/"); owner == "" || repository == "" || strings.Contains(repository, "/") {
			return nil, "GitHub names a repository that it opens in a way that this release does not know"
		}
	}
	return names, ""
}

func covers(these manifest.Selection, fullName string) bool {
	owner, name, _ := strings.Cut(fullName, "/")
	return these.Covers(owner, name)
}
