package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// History is a folder's repository opened for looking at it. It writes nothing there, and is for one
// goroutine. Every object is held against its id when it is read.
type History struct{ repo *Repo }

// ReadHistory opens the repository of dir. fs.ErrNotExist when there is none.
func ReadHistory(dir string, blobs checkpoint.Blobs) (*History, error) {
	git := filepath.Join(dir, ".git")
	if info, err := os.Lstat(git); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("read repository of %s: %w", dir, fs.ErrNotExist)
	}
	return &History{look(dir, git, blobs)}, nil
}

// Head is the newest commit of the branch; "" before the first.
func (h *History) Head() (string, error) { return h.repo.readRef() }

// Branch lists the branch's commits from the newest back to the first, along first parents.
func (h *History) Branch(ctx context.Context) ([]phases.CommitFacts, error) {
	id, err := h.Head()
	if err != nil {
		return nil, err
	}
	var out []phases.CommitFacts
	for id != "" {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := h.commit(plumbing.NewHash(id))
		if err != nil {
			return out, fmt.Errorf("read commit %s: %w", id, err)
		}
		f := phases.CommitFacts{ID: id, Tree: c.TreeHash.String(), Trailers: trailers(c.Message)}
		for _, p := range c.ParentHashes {
			f.Parents = append(f.Parents, p.String())
		}
		out, id = append(out, f), ""
		if len(f.Parents) > 0 {
			id = f.Parents[0]
		}
	}
	return out, nil
}

// Tree is git's name of the tree that a manifest gives.
func (h *History) Tree(ctx context.Context, m phases.Manifest) (string, error) {
	if err := m.Validate(); err != nil {
		return "", err
	}
	var objects []gitObject
	id, err := h.repo.treeObjects(ctx, m, 0, &objects)
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// Object is one object of a repository, by git's name of it.
type Object struct {
	Kind string // commit, tree, blob or tag
	ID   string
	Raw  []byte
}

// Objects calls fn for every object that can be reached from commits and annotated tags, each once,
// after all that it names. An object that is not what its id says is checkpoint.ErrCorrupt.
func (h *History) Objects(ctx context.Context, commits []string, fn func(Object) error) error {
	w := &objectWalk{history: h, fn: fn, seen: map[plumbing.Hash]bool{}}
	for _, id := range commits {
		isTag, err := w.tag(ctx, plumbing.NewHash(id), 0)
		if err == nil && !isTag {
			err = w.commits(ctx, plumbing.NewHash(id))
		}
		if err != nil {
			return fmt.Errorf("read objects of commit %s: %w", id, err)
		}
	}
	return nil
}

type objectWalk struct {
	history *History
	fn      func(Object) error
	seen    map[plumbing.Hash]bool
}

// commits walks without recursion: histories are long.
func (w *objectWalk) commits(ctx context.Context, head plumbing.Hash) error {
	var order []plumbing.Hash
	for todo := []plumbing.Hash{head}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if w.seen[id] {
			continue
		}
		w.seen[id] = true
		c, err := w.history.commit(id)
		if err != nil {
			return fmt.Errorf("commit %s: %w", id, err)
		}
		order = append(order, id)
		todo = append(todo, c.ParentHashes...)
	}
	for i := len(order) - 1; i >= 0; i-- {
		c, err := w.history.commit(order[i])
		if err != nil {
			return fmt.Errorf("commit %s: %w", order[i], err)
		}
		if err := w.tree(ctx, c.TreeHash, 0); err != nil {
			return err
		}
		if err := w.give(plumbing.CommitObject, order[i]); err != nil {
			return err
		}
	}
	return nil
}

// maxFolders bounds how deep folders may stand in one another.
const maxFolders = 512

func (w *objectWalk) tree(ctx context.Context, id plumbing.Hash, depth int) error {
	if w.seen[id] {
		return nil
	}
	if depth > maxFolders {
		return fmt.Errorf("%w: folders stand %d deep", ErrUnsupported, depth)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.seen[id] = true
	t, err := object.GetTree(w.history.repo.store, id)
	if err != nil {
		return fmt.Errorf("tree %s: %w", id, err)
	}
	for _, e := range t.Entries {
		switch {
		case !e.Mode.IsFile():
			err = w.tree(ctx, e.Hash, depth+1)
		case !w.seen[e.Hash]:
			w.seen[e.Hash] = true
			err = w.give(plumbing.BlobObject, e.Hash)
		}
		if err != nil {
			return err
		}
	}
	return w.give(plumbing.TreeObject, id)
}

func (w *objectWalk) give(kind plumbing.ObjectType, id plumbing.Hash) error {
	raw, err := w.history.raw(kind, id)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return w.fn(Object{Kind: kind.String(), ID: id.String(), Raw: raw})
}

func (h *History) commit(id plumbing.Hash) (*object.Commit, error) {
	if _, err := h.raw(plumbing.CommitObject, id); err != nil {
		return nil, err
	}
	return object.GetCommit(h.repo.store, id)
}

// raw reads an object and holds it against its id.
func (h *History) raw(kind plumbing.ObjectType, id plumbing.Hash) ([]byte, error) {
	o, err := h.repo.store.EncodedObject(kind, id)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, fmt.Errorf("%w: %w", checkpoint.ErrNotFound, err)
	}
	if err != nil {
		return nil, err
	}
	rd, err := o.Reader()
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(rd)
	if err := errors.Join(err, rd.Close()); err != nil {
		return nil, err
	}
	if plumbing.ComputeHash(kind, raw) != id {
		return nil, fmt.Errorf("%w: it is not what its name says", checkpoint.ErrCorrupt)
	}
	return raw, nil
}

// trailers reads the lines "Key: value" at the end of a message.
func trailers(message string) []phases.Trailer {
	var out []phases.Trailer
	for _, line := range lastParagraph(message) {
		if key, value, ok := strings.Cut(line, ": "); ok && key != "" && !strings.ContainsAny(key, " \t") {
			out = append(out, phases.Trailer{Key: key, Value: value})
		}
	}
	return out
}

// lastParagraph is the lines after the last empty one of a message.
func lastParagraph(message string) []string {
	message = strings.TrimRight(message, "\n")
	if i := strings.LastIndex(message, "\n\n"); i >= 0 {
		message = message[i+2:]
	}
	return strings.Split(message, "\n")
}
