package simtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// repo keeps commits as git does: first all objects of a commit, in one pack, safe; then the branch,
// moved by a rename. It implements phases.Repo.
type repo struct {
	m     mount
	blobs checkpoint.Blobs
	// sloppy is what it does wrong, for the oracle to see; "" for nothing.
	sloppy string
}

var _ phases.Repo = repo{}

// pack is a commit with all that is in it.
type pack struct {
	Tree    string // the manifest
	Parent  string
	Message string
	Author  string
	At      string
	Files   map[checkpoint.Hash][]byte
}

const branchFile = gitDir + "/main"

func packFile(id string) string { return gitDir + "/objects/" + id }

// makeRepo makes a repository with a first commit, which is not the build's.
func makeRepo(ctx context.Context, m mount, blobs checkpoint.Blobs, files map[string]string) error {
	if err := m.MkdirAll(gitDir+"/objects", 0o700); err != nil {
		return err
	}
	if err := errors.Join(m.syncName("/"), m.syncName(folder), m.syncName(gitDir)); err != nil {
		return err
	}
	var tree phases.Manifest
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		h, err := blobs.Put(ctx, []byte(content))
		if err != nil {
			return err
		}
		tree = append(tree, phases.Entry{Path: name, Mode: phases.ModeFile, Blob: h, Size: int64(len(content))})
	}
	slices.SortFunc(tree, func(a, b phases.Entry) int { return strings.Compare(a.Path, b.Path) })
	r := repo{m: m, blobs: blobs}
	if _, err := r.Commit(ctx, phases.CommitDraft{Tree: tree, Message: "Before the build\n", Author: "U <u@x>"}); err != nil {
		return err
	}
	_, err := r.Checkout(ctx, nil, tree)
	return err
}

func (r repo) Head(context.Context) (string, phases.Manifest, error) {
	head, err := r.branch()
	if err != nil || head == "" {
		return "", nil, err
	}
	p, err := r.open(head)
	if err != nil {
		return "", nil, err
	}
	tree, err := phases.DecodeManifest([]byte(p.Tree))
	return head, tree, err
}

func (r repo) branch() (string, error) {
	raw, err := r.m.ReadFile(branchFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(raw), err
}

func (r repo) open(id string) (pack, error) {
	raw, err := r.m.ReadFile(packFile(id))
	if err != nil {
		return pack{}, fmt.Errorf("read commit %s: %w", id, err)
	}
	return openPack(id, raw)
}

// openPack reads a pack and checks all that is in it.
func openPack(id string, raw []byte) (pack, error) {
	var p pack
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("read commit %s: %w", id, err)
	}
	tree, err := phases.DecodeManifest([]byte(p.Tree))
	if err != nil {
		return p, fmt.Errorf("read commit %s: %w", id, err)
	}
	for _, e := range tree {
		if checkpoint.HashOf(p.Files[e.Blob]) != e.Blob {
			return p, fmt.Errorf("read commit %s: %s is lost", id, e.Path)
		}
	}
	if got := p.id(); got != id {
		return p, fmt.Errorf("read commit %s: it is %s", id, got)
	}
	return p, nil
}

func (p pack) id() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{p.Tree, p.Parent, p.Message, p.Author, p.At}, "\x00")))
	return hex.EncodeToString(sum[:20])
}

func packOf(d phases.CommitDraft) pack {
	return pack{Tree: string(d.Tree.Encode()), Parent: d.Parent, Message: d.Message, Author: d.Author, At: d.At.UTC().String()}
}

func (r repo) Prepare(_ context.Context, d phases.CommitDraft) (string, error) {
	return packOf(d).id(), nil
}

func (r repo) Commit(ctx context.Context, chain ...phases.CommitDraft) (string, error) {
	parent, id := chain[0].Parent, packOf(chain[len(chain)-1]).id()
	head, err := r.branch()
	switch {
	case err != nil:
		return "", err
	case head == id: // moved by a process that may not have come to the sync
		if r.sloppy == "trust the branch" {
			return id, nil
		}
		return id, r.m.syncName(gitDir)
	case head != parent:
		return "", fmt.Errorf("commit on %s: the branch is at %s: %w", parent, head, phases.ErrDiverged)
	}
	if r.sloppy == "branch first" {
		if err := r.m.replace(branchFile, []byte(id)); err != nil {
			return "", err
		}
	}
	for _, d := range chain {
		if err := r.pack(ctx, d); err != nil {
			return "", err
		}
	}
	return id, r.m.replace(branchFile, []byte(id))
}

func (r repo) pack(ctx context.Context, d phases.CommitDraft) error {
	p := packOf(d)
	p.Files = map[checkpoint.Hash][]byte{}
	for _, e := range d.Tree {
		content, err := r.blobs.Get(ctx, e.Blob)
		if err != nil {
			return err
		}
		p.Files[e.Blob] = content
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return r.m.replace(packFile(p.id()), raw)
}

// Checkout brings the user's folder from one tree to another, file by file; each is replaced whole.
func (r repo) Checkout(ctx context.Context, from, to phases.Manifest) ([]string, error) {
	var edited []string
	dirs := map[string]bool{}
	for _, name := range phases.Changed(from, to) {
		file := path.Join(folder, name)
		was, _ := from.Find(name)
		be, wanted := to.Find(name)
		have, err := r.m.ReadFile(file)
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return nil, err
		}
		switch h := checkpoint.HashOf(have); {
		case !missing && wanted && h == be.Blob, missing && !wanted:
		case !missing && h != was.Blob:
			edited = append(edited, name)
			continue
		case !wanted:
			if err := r.m.Remove(file); err != nil {
				return nil, err
			}
		default:
			content, err := r.blobs.Get(ctx, be.Blob)
			if err != nil {
				return nil, err
			}
			if err := r.m.MkdirAll(path.Dir(file), 0o700); err != nil {
				return nil, err
			}
			if err := r.m.replace(file, content); err != nil {
				return nil, err
			}
		}
		for dir := path.Dir(file); dir != "/"; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if r.m.has(dir) {
			if err := r.m.syncName(dir); err != nil {
				return nil, err
			}
		}
	}
	return edited, nil
}

// trees keeps scratch trees on the disk. Nothing of them is synced: after a crash they are whatever
// they are. It implements phases.Trees.
type trees struct {
	m     mount
	blobs checkpoint.Blobs
	kept  map[checkpoint.Hash]bool // contents that this process has put
	w     *watch
}

var _ phases.Trees = trees{}

// ignored are what gates and setup leave.
func ignored(name string) bool { return strings.HasPrefix(name, "bin/") || name == "deps" }

// files lists the files below dir by their names from there.
func (t trees) files(dir, below string) ([]string, error) {
	entries, err := t.m.ReadDir(path.Join(dir, below))
	if errors.Is(err, fs.ErrNotExist) && below == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		name := path.Join(below, e.Name())
		if !e.IsDir() {
			out = append(out, name)
			continue
		}
		more, err := t.files(dir, name)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	slices.Sort(out)
	return out, nil
}

func (t trees) Scan(ctx context.Context, dir string) (phases.Manifest, error) {
	names, err := t.files(dir, "")
	if err != nil {
		return nil, err
	}
	var m phases.Manifest
	for _, name := range names {
		if ignored(name) {
			continue
		}
		if strings.HasSuffix(name, ".link") {
			return nil, &phases.TreeProblem{Path: name, What: "it leaves the tree"}
		}
		content, err := t.m.ReadFile(path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		h := checkpoint.HashOf(content)
		if !t.kept[h] {
			if _, err := t.blobs.Put(ctx, content); err != nil {
				return nil, err
			}
			t.kept[h] = true
		}
		m = append(m, phases.Entry{Path: name, Mode: phases.ModeFile, Blob: h, Size: int64(len(content))})
	}
	return m, nil
}

func (t trees) Rescan(ctx context.Context, dir string, base phases.Manifest, paths []string, store bool) (phases.Manifest, bool, error) {
	if !store {
		t.blobs, t.kept = &checkpoint.MemoryBlobs{}, map[checkpoint.Hash]bool{}
	}
	all, err := t.Scan(ctx, dir)
	if bad := (*phases.TreeProblem)(nil); errors.As(err, &bad) {
		return nil, false, nil
	}
	named := func(e phases.Entry) bool { return slices.Contains(paths, e.Path) }
	m := slices.DeleteFunc(slices.Clone(base), named)
	m = append(m, slices.DeleteFunc(all, func(e phases.Entry) bool { return !named(e) })...)
	slices.SortFunc(m, func(a, b phases.Entry) int { return strings.Compare(a.Path, b.Path) })
	return m, true, err
}

func (t trees) Materialise(ctx context.Context, m phases.Manifest, dir string, fresh bool) error {
	if task := path.Base(dir); !fresh {
		t.w.brought(strings.TrimSuffix(task, path.Ext(task)))
	}
	if err := t.m.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names, err := t.files(dir, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := m.Find(name); ok || ignored(name) && !fresh {
			continue
		}
		if err := t.m.Remove(path.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, e := range m {
		content, err := t.blobs.Get(ctx, e.Blob)
		if err != nil {
			return err
		}
		if err := t.m.put(path.Join(dir, e.Path), content); err != nil {
			return err
		}
	}
	return nil
}

// Move copies and removes: a rename of a folder that was not synced may be lost, as these may.
func (t trees) Move(from, to string) error {
	names, err := t.files(from, "")
	if err != nil {
		return err
	}
	if err := t.m.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		content, err := t.m.ReadFile(path.Join(from, name))
		if err != nil {
			return err
		}
		if err := t.m.put(path.Join(to, name), content); err != nil {
			return err
		}
	}
	return t.Remove(from)
}

// Remove leaves empty folders: a scan sees files.
func (t trees) Remove(dir string) error {
	names, err := t.files(dir, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := t.m.Remove(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file in place, as tools do: nothing of it is synced.
func (m mount) put(name string, content []byte) error {
	if have, err := m.ReadFile(name); err == nil && bytes.Equal(have, content) {
		return nil
	}
	if err := m.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := m.OpenFile(name, createAndCut, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
