package workspace

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// gitObject is one object of a commit, before it is written.
type gitObject struct {
	id   plumbing.Hash
	kind plumbing.ObjectType
	raw  []byte
}

// committer is who wrote the commit object; the author may be somebody else.
const committer = "Builder <builder@localhost>"

// objects computes all trees of a draft and its commit, the commit last. Equal drafts give equal bytes.
func (r *Repo) objects(ctx context.Context, d phases.CommitDraft) ([]gitObject, error) {
	if err := d.Tree.Validate(); err != nil {
		return nil, err
	}
	var out []gitObject
	root, err := r.treeObjects(ctx, d.Tree, 0, &out)
	if err != nil {
		return nil, err
	}
	commit, err := commitObject(d, root)
	if err != nil {
		return nil, err
	}
	return append(out, commit), nil
}

// treeObjects adds the trees of entries that share the first skip bytes of their paths. A manifest's
// order, bytes of whole paths, is git's order too: there a folder sorts as if it ended in a slash.
func (r *Repo) treeObjects(ctx context.Context, m phases.Manifest, skip int, out *[]gitObject) (plumbing.Hash, error) {
	var raw bytes.Buffer
	for i := 0; i < len(m); {
		name, _, folder := strings.Cut(m[i].Path[skip:], "/")
		end, mode := i+1, m[i].Mode
		var id plumbing.Hash
		var err error
		if folder {
			prefix := m[i].Path[:skip+len(name)+1]
			for end < len(m) && strings.HasPrefix(m[end].Path, prefix) {
				end++
			}
			mode = 0o40000
			id, err = r.folderObject(ctx, m[i:end], prefix, out)
		} else {
			id, err = r.blobID(ctx, m[i])
		}
		if err != nil {
			return plumbing.ZeroHash, err
		}
		raw.Write(strconv.AppendUint(nil, uint64(mode), 8))
		raw.WriteString(" " + name + "\x00")
		raw.Write(id[:])
		i = end
	}
	id := plumbing.ComputeHash(plumbing.TreeObject, raw.Bytes())
	*out = append(*out, gitObject{id: id, kind: plumbing.TreeObject, raw: raw.Bytes()})
	return id, nil
}

// folderTree is what a folder held when its tree was last computed.
type folderTree struct {
	entries phases.Manifest
	id      plumbing.Hash
}

// folderObject is treeObjects for one folder, but for one that is as before and in the repository.
func (r *Repo) folderObject(ctx context.Context, m phases.Manifest, prefix string, out *[]gitObject) (plumbing.Hash, error) {
	if last, ok := r.trees[prefix]; ok && r.stored[last.id] && slices.Equal(last.entries, m) {
		return last.id, nil
	}
	id, err := r.treeObjects(ctx, m, len(prefix), out)
	if err == nil {
		r.trees[prefix] = folderTree{entries: m, id: id}
	}
	return id, err
}

// blobID is git's name of an entry's content.
func (r *Repo) blobID(ctx context.Context, e phases.Entry) (plumbing.Hash, error) {
	if id, ok := r.ids[e.Blob]; ok {
		return id, nil
	}
	c, err := r.blobs.Get(ctx, e.Blob)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("content of %q: %w", e.Path, err)
	}
	id := plumbing.ComputeHash(plumbing.BlobObject, c)
	r.ids[e.Blob] = id
	return id, nil
}

func commitObject(d phases.CommitDraft, tree plumbing.Hash) (gitObject, error) {
	if d.Author == "" {
		d.Author = committer
	}
	author, err := signature(d.Author, d)
	if err != nil {
		return gitObject{}, err
	}
	by, err := signature(committer, d)
	if err != nil {
		return gitObject{}, err
	}
	c := object.Commit{Author: author, Committer: by, TreeHash: tree, Message: cleanMessage(d.Message)}
	if strings.TrimSpace(c.Message) == "" {
		return gitObject{}, fmt.Errorf("commit has no message")
	}
	if d.Parent != "" {
		if !plumbing.IsHash(d.Parent) || len(d.Parent) != 40 {
			return gitObject{}, fmt.Errorf("parent %q is not a commit id", d.Parent)
		}
		c.ParentHashes = []plumbing.Hash{plumbing.NewHash(d.Parent)}
	}
	var o plumbing.MemoryObject
	if err := c.Encode(&o); err != nil {
		return gitObject{}, fmt.Errorf("encode commit: %w", err)
	}
	raw, err := rawOf(&o)
	return gitObject{id: plumbing.ComputeHash(plumbing.CommitObject, raw), kind: plumbing.CommitObject, raw: raw}, err
}

func rawOf(o *plumbing.MemoryObject) ([]byte, error) {
	rd, err := o.Reader()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(rd); err != nil {
		return nil, err
	}
	return b.Bytes(), rd.Close()
}

// signature reads "Name <email>"; times are kept to the second, in UTC.
func signature(who string, d phases.CommitDraft) (object.Signature, error) {
	name, rest, ok := strings.Cut(who, " <")
	email, tail, closed := strings.Cut(rest, ">")
	if !ok || !closed || tail != "" || strings.TrimSpace(name) != name || name == "" || strings.ContainsAny(name+email, "<>\n\r\x00") || strings.Contains(email, " ") {
		return object.Signature{}, fmt.Errorf("author %q is not of the form Name <email>", who)
	}
	at := d.At.UTC()
	if at.Unix() < 0 || at.Year() > 2099 {
		return object.Signature{}, fmt.Errorf("commit time %v is out of range", at)
	}
	return object.Signature{Name: name, Email: email, When: at}, nil
}

// cleanMessage makes text that git keeps and shows as it is: UTF-8, no control characters but tabs
// and line ends, one line end at the end.
func cleanMessage(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\ufffd")
	s = strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0 {
			return -1
		}
		return c
	}, s)
	return strings.TrimSpace(s) + "\n"
}
