package workspace

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// Commit is a commit of the user's repository as it tells of itself.
type Commit struct {
	ID       string
	Parent   string // the first; "" for none
	Author   string // "Name <email>"
	Subject  string
	Message  string
	Trailers map[string]string
}

// commitOf tells of a commit.
func commitOf(c *object.Commit) Commit {
	subject, _, _ := strings.Cut(c.Message, "\n")
	one := Commit{
		ID: c.Hash.String(), Author: fmt.Sprintf("%s <%s>", c.Author.Name, c.Author.Email),
		Subject: subject, Message: c.Message, Trailers: trailerMap(c.Message),
	}
	if len(c.ParentHashes) > 0 {
		one.Parent = c.ParentHashes[0].String()
	}
	return one
}

// History lists the commits of the branch from its newest back along first parents, up to and without
// the commit stop; "" goes to the first. found says whether stop was met, or there is no more to meet.
func (r *Repo) History(ctx context.Context, stop string) (commits []Commit, found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := r.readRef()
	if err != nil {
		return nil, false, err
	}
	for id != "" && id != stop {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		c, err := object.GetCommit(r.store, plumbing.NewHash(id))
		if err != nil {
			return nil, false, fmt.Errorf("read commit %s: %w", id, err)
		}
		one := commitOf(c)
		commits = append(commits, one)
		id = one.Parent
	}
	return commits, id == stop, nil
}

// TreeOf is the manifest of a commit's tree; "" is the empty tree. What its files hold is among the
// blobs afterwards.
func (r *Repo) TreeOf(ctx context.Context, commit string) (phases.Manifest, error) {
	if commit == "" {
		return phases.Manifest{}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, err := r.readTree(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", commit, err)
	}
	return m, nil
}

// trailerMap are the lines "Key: value" of a message's last paragraph, where all its lines are such.
func trailerMap(message string) map[string]string {
	lines := lastParagraph(message)
	all := trailers(message)
	if len(all) < len(lines) {
		return nil
	}
	found := map[string]string{}
	for _, t := range all {
		found[t.Key] = t.Value
	}
	return found
}
