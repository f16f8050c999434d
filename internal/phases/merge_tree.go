package phases

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// mergeInput is two trees that began as one. In the merge queue ours is the branch, and theirs the
// work of a task that began on an older branch.
type mergeInput struct {
	Base, Ours, Theirs   Manifest
	OursName, TheirsName string   // for people and models, one line each: "the branch", "task api.users"
	Shared               []string // globs of files that many tasks write, as in a plan
}

// Conflict is a path on which two trees do not agree.
type Conflict struct {
	Path string `json:"path"`
	// What says in words what each side made of the path, of which kind and size, and which of both
	// the merged tree has.
	What string `json:"what"`
	// Markers counts the places of the merged file where both versions stand between markers.
	Markers int `json:"markers,omitempty"`
	// Left is the content of the version that the merged tree does not have; "" where that is a link
	// or a deletion, and where both stand between markers.
	Left checkpoint.Hash `json:"left,omitempty"`
}

// merged is what became of two trees. Conflicts are sorted by path, each path once.
type merged struct {
	Tree      Manifest
	Conflicts []Conflict
}

// mergeTrees brings two trees together. The rules are:
//
//   - a path that one side changed is taken from it; the same change on both sides counts once;
//   - of a file that both changed, content and mode are merged apart, the content as text by
//     mergeText, with union for shared files;
//   - everything else is a conflict.
//
// Tree is always valid, also with conflicts. It then holds
//
//   - of a text in conflict, both versions between markers;
//   - of a path deleted on one side and changed on the other, the changed version;
//   - of a file on one side and a folder of that name on the other, the folder; the file is left out;
//   - of anything else (not text, too large, links), the version of theirs.
//
// New contents are put into blobs. The outcome depends on nothing but the input, and with the sides
// exchanged there are conflicts on the same paths.
func mergeTrees(ctx context.Context, blobs checkpoint.Blobs, in mergeInput) (merged, error) {
	m := treeMerge{mergeInput: in, blobs: blobs, conflicts: map[string]Conflict{}}
	for i, side := range []Manifest{in.Base, in.Ours, in.Theirs} {
		if err := side.Validate(); err != nil {
			return merged{}, fmt.Errorf("merge trees: %s: %w", []string{"base", in.OursName, in.TheirsName}[i], err)
		}
	}
	for _, v := range allSides(in) {
		if err := ctx.Err(); err != nil {
			return merged{}, err
		}
		if err := m.path(ctx, v); err != nil {
			return merged{}, fmt.Errorf("merge %s: %w", v.path, err)
		}
	}
	if err := m.keepTexts(ctx); err != nil {
		return merged{}, fmt.Errorf("keep merged texts: %w", err)
	}
	if err := m.clearWay(ctx); err != nil {
		return merged{}, fmt.Errorf("merge trees: %w", err)
	}
	return m.done(), nil
}

// treeMerge is a merge under way.
type treeMerge struct {
	mergeInput
	blobs     checkpoint.Blobs
	tree      Manifest
	texts     [][]byte // merged contents
	textAt    []int    // where in tree they belong
	conflicts map[string]Conflict
}

// pathSides is one path in three trees; an entry is zero where the path is not there.
type pathSides struct {
	path               string
	base, ours, theirs Entry
}

// allSides lists all paths, sorted, as the manifests are.
func allSides(in mergeInput) []pathSides {
	out := make([]pathSides, 0, max(len(in.Base), len(in.Ours), len(in.Theirs)))
	base, ours, theirs := in.Base, in.Ours, in.Theirs
	for len(base)+len(ours)+len(theirs) > 0 {
		first := ""
		for _, m := range []Manifest{base, ours, theirs} {
			if len(m) > 0 && (first == "" || m[0].Path < first) {
				first = m[0].Path
			}
		}
		v := pathSides{path: first}
		v.base, base = upTo(base, first)
		v.ours, ours = upTo(ours, first)
		v.theirs, theirs = upTo(theirs, first)
		out = append(out, v)
	}
	return out
}

// upTo takes the entry of a path off the front, when it is that.
func upTo(m Manifest, path string) (Entry, Manifest) {
	if len(m) > 0 && m[0].Path == path {
		return m[0], m[1:]
	}
	return Entry{}, m
}

// path merges one path.
func (m *treeMerge) path(ctx context.Context, v pathSides) error {
	switch {
	case v.ours == v.theirs, v.base == v.theirs:
		m.take(v.ours)
	case v.base == v.ours:
		m.take(v.theirs)
	case v.theirs == Entry{}:
		return m.deleted(ctx, v.ours, m.OursName, m.TheirsName)
	case v.ours == Entry{}:
		return m.deleted(ctx, v.theirs, m.TheirsName, m.OursName)
	case v.ours.Mode == ModeSymlink || v.theirs.Mode == ModeSymlink:
		return m.keepTheirs(ctx, v, "")
	default:
		return m.file(ctx, v)
	}
	return nil
}

func (m *treeMerge) take(e Entry) {
	if e != (Entry{}) {
		m.tree = append(m.tree, e)
	}
}

// deleted keeps what one side changed and the other deleted.
func (m *treeMerge) deleted(ctx context.Context, kept Entry, by, deletedBy string) error {
	what, err := m.describe(ctx, kept)
	if err != nil {
		return err
	}
	m.take(kept)
	m.conflict(Conflict{Path: kept.Path, What: fmt.Sprintf("changed by %s, deleted by %s; the tree has the changed version, %s", by, deletedBy, what)})
	return nil
}

// keepTheirs keeps theirs of two versions that cannot stand in one file.
func (m *treeMerge) keepTheirs(ctx context.Context, v pathSides, why string) error {
	ours, err := m.describe(ctx, v.ours)
	if err != nil {
		return err
	}
	theirs, err := m.describe(ctx, v.theirs)
	if err != nil {
		return err
	}
	if why != "" {
		why = ", and " + why
	}
	m.take(v.theirs)
	m.conflict(Conflict{
		Path: v.path,
		What: fmt.Sprintf("%s%s: %s by %s, %s by %s; the tree has the version of %s", v.both(), why, ours, m.OursName, theirs, m.TheirsName, m.TheirsName),
		Left: v.ours.content(),
	})
	return nil
}

func (v pathSides) both() string {
	if v.base.Path == "" {
		return "both added it"
	}
	return "both changed it"
}

// file merges a file that both sides changed or added, neither as a link.
func (m *treeMerge) file(ctx context.Context, v pathSides) error {
	if v.base == (Entry{}) || v.base.Mode == ModeSymlink {
		v.base = Entry{Path: v.base.Path, Mode: ModeFile} // both began with nothing
	}
	e := v.theirs
	if v.theirs.Mode == v.base.Mode {
		e.Mode = v.ours.Mode
	}
	switch v.base.Blob {
	case v.theirs.Blob:
		e.Blob, e.Size = v.ours.Blob, v.ours.Size
	case v.ours.Blob:
	default:
		if v.ours.Blob != v.theirs.Blob {
			return m.text(ctx, v, e.Mode)
		}
	}
	m.take(e)
	return nil
}

// text merges contents.
func (m *treeMerge) text(ctx context.Context, v pathSides, mode uint32) error {
	var contents [3][]byte
	for i, e := range []Entry{v.base, v.ours, v.theirs} {
		if e.Size > maxMergeText {
			v.theirs.Mode = mode
			return m.keepTheirs(ctx, v, tooBigText)
		}
		if e.Blob == "" {
			continue
		}
		raw, err := m.blobs.Get(ctx, e.Blob)
		if err != nil {
			return err
		}
		contents[i] = raw
	}
	how := textMerge{OursName: m.OursName, TheirsName: m.TheirsName, Union: len(m.Shared) > 0 && Claimed(m.Shared, v.path)}
	text, conflicts, why := mergeText(contents[0], contents[1], contents[2], how)
	if why != "" {
		v.theirs.Mode = mode
		return m.keepTheirs(ctx, v, why)
	}
	m.texts, m.textAt = append(m.texts, text), append(m.textAt, len(m.tree))
	m.take(Entry{Path: v.path, Mode: mode, Size: int64(len(text))})
	if conflicts > 0 {
		m.conflict(Conflict{Path: v.path, What: v.both() + "; both versions stand between markers at " + countOf(conflicts, "place"), Markers: conflicts})
	}
	return nil
}

func (m *treeMerge) conflict(c Conflict) { m.conflicts[c.Path] = c }

// keepTexts puts all merged contents at once.
func (m *treeMerge) keepTexts(ctx context.Context) error {
	if len(m.texts) == 0 {
		return nil
	}
	hashes, err := checkpoint.PutAll(ctx, m.blobs, m.texts)
	if err != nil {
		return err
	}
	for i, at := range m.textAt {
		m.tree[at].Blob = hashes[i]
	}
	return nil
}

// clearWay leaves out files where the tree also has a folder of that name.
func (m *treeMerge) clearWay(ctx context.Context) error {
	below := map[string]int{} // files in each folder
	for _, e := range m.tree {
		for i := range len(e.Path) {
			if e.Path[i] == '/' {
				below[e.Path[:i]]++
			}
		}
	}
	kept := m.tree[:0]
	for _, e := range m.tree {
		n := below[e.Path]
		if n == 0 {
			kept = append(kept, e)
			continue
		}
		by, folderBy := m.TheirsName, m.OursName
		if _, ours := m.Ours.Find(e.Path); ours {
			by, folderBy = m.OursName, m.TheirsName
		}
		what, err := m.describe(ctx, e)
		if err != nil {
			return err
		}
		m.conflict(Conflict{
			Path: e.Path, Left: e.content(),
			What: fmt.Sprintf("%s by %s, a folder with %s by %s; the tree has the folder, the file is left out", what, by, countOf(n, "file"), folderBy),
		})
	}
	m.tree = kept
	return nil
}

// content is the blob of a file; that of a link is none.
func (e Entry) content() checkpoint.Hash {
	if e.Mode == ModeSymlink {
		return ""
	}
	return e.Blob
}

func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (m *treeMerge) done() merged {
	out := merged{Tree: m.tree}
	for _, c := range m.conflicts {
		out.Conflicts = append(out.Conflicts, c)
	}
	sort.Slice(out.Conflicts, func(i, j int) bool { return out.Conflicts[i].Path < out.Conflicts[j].Path })
	return out
}

// maxLinkShown bounds the target of a link in words.
const maxLinkShown = 200

// describe says what an entry is, for one who cannot see it.
func (m *treeMerge) describe(ctx context.Context, e Entry) (string, error) {
	switch e.Mode {
	case ModeExecutable:
		return "an executable file of " + countOf(int(e.Size), "byte"), nil
	case ModeSymlink:
		if e.Size > maxPath {
			return "a link", nil
		}
		raw, err := m.blobs.Get(ctx, e.Blob)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("a link to %q", strings.ToValidUTF8(string(raw[:min(len(raw), maxLinkShown)]), "?")), nil
	default:
		return "a file of " + countOf(int(e.Size), "byte"), nil
	}
}
