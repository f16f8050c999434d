package phases

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// fileTree is a tree in short: "x:" before a content makes it executable, "->" a link.
type fileTree map[string]string

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Context() context.Context
	Fatal(...any)
}

func (f fileTree) manifest(t tester, blobs checkpoint.Blobs) Manifest {
	var m Manifest
	for _, path := range slices.Sorted(maps.Keys(f)) {
		content, mode := f[path], ModeFile
		if rest, ok := strings.CutPrefix(content, "x:"); ok {
			content, mode = rest, ModeExecutable
		} else if rest, ok := strings.CutPrefix(content, "->"); ok {
			content, mode = rest, ModeSymlink
		}
		h, err := blobs.Put(t.Context(), []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, Entry{Path: path, Mode: mode, Blob: h, Size: int64(len(content))})
	}
	return m
}

func filesOf(t tester, blobs checkpoint.Blobs, m Manifest) fileTree {
	f := fileTree{}
	for _, e := range m {
		raw, err := blobs.Get(t.Context(), e.Blob)
		if err != nil || int64(len(raw)) != e.Size {
			t.Fatal(e, len(raw), err)
		}
		f[e.Path] = map[uint32]string{ModeFile: "", ModeExecutable: "x:", ModeSymlink: "->"}[e.Mode] + string(raw)
	}
	return f
}

func mergeFiles(t tester, blobs checkpoint.Blobs, base, ours, theirs fileTree, globs ...string) (fileTree, []Conflict) {
	got, err := mergeTrees(t.Context(), blobs, mergeInput{
		Base: base.manifest(t, blobs), Ours: ours.manifest(t, blobs), Theirs: theirs.manifest(t, blobs),
		OursName: plainMerge.OursName, TheirsName: plainMerge.TheirsName, Shared: globs,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Tree.Validate(); err != nil {
		t.Fatal(err)
	}
	return filesOf(t, blobs, got.Tree), got.Conflicts
}

func TestMergeTrees(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base, ours, theirs, want fileTree
		conflicts                []string // "path: what"
	}{
		"apart":         {fileTree{"a": "1", "b": "1"}, fileTree{"a": "2", "b": "1"}, fileTree{"a": "1", "b": "1", "c": "3"}, fileTree{"a": "2", "b": "1", "c": "3"}, nil},
		"deleted apart": {fileTree{"a": "1", "b": "1"}, fileTree{"b": "1"}, fileTree{"a": "1"}, fileTree{}, nil},
		"the same":      {fileTree{"a": "1"}, fileTree{"a": "2", "n": "x:3"}, fileTree{"a": "2", "n": "x:3"}, fileTree{"a": "2", "n": "x:3"}, nil},
		"text":          {fileTree{"a": "1\n2\n3\n"}, fileTree{"a": "0\n2\n3\n"}, fileTree{"a": "1\n2\n4\n"}, fileTree{"a": "0\n2\n4\n"}, nil},
		"mode, content": {fileTree{"a": "1\n2\n3\n"}, fileTree{"a": "x:1\n2\n3\n"}, fileTree{"a": "1\n2\n4\n"}, fileTree{"a": "x:1\n2\n4\n"}, nil},
		"content, mode": {fileTree{"a": "x:1\n2\n3\n"}, fileTree{"a": "x:0\n2\n3\n"}, fileTree{"a": "1\n2\n3\n"}, fileTree{"a": "0\n2\n3\n"}, nil},
		"mode and text": {fileTree{"a": "1\n2\n3\n"}, fileTree{"a": "x:0\n2\n3\n"}, fileTree{"a": "1\n2\n4\n"}, fileTree{"a": "x:0\n2\n4\n"}, nil},
		"file to folder": {fileTree{"a": "1", "b": "1"}, fileTree{"a/x": "2", "b": "1"}, fileTree{"a": "1", "b": "2"},
			fileTree{"a/x": "2", "b": "2"}, nil},
		"text conflict": {fileTree{"a": "1\n"}, fileTree{"a": "2\n"}, fileTree{"a": "x:3\n"},
			fileTree{"a": "x:<<<<<<< the branch\n2\n||||||| base\n1\n=======\n3\n>>>>>>> task b\n"},
			[]string{"a: both changed it; both versions stand between markers at 1 place"}},
		"both added": {fileTree{}, fileTree{"a": "2\n"}, fileTree{"a": "3\n"},
			fileTree{"a": "<<<<<<< the branch\n2\n||||||| base\n=======\n3\n>>>>>>> task b\n"},
			[]string{"a: both added it; both versions stand between markers at 1 place"}},
		"both added modes": {fileTree{}, fileTree{"a": "2\n"}, fileTree{"a": "x:2\n"}, fileTree{"a": "x:2\n"}, nil},
		"deleted, changed": {fileTree{"a": "1"}, fileTree{}, fileTree{"a": "2"}, fileTree{"a": "2"},
			[]string{"a: changed by task b, deleted by the branch; the tree has the changed version, a file of 1 byte"}},
		"changed, deleted": {fileTree{"a": "1"}, fileTree{"a": "x:1"}, fileTree{}, fileTree{"a": "x:1"},
			[]string{"a: changed by the branch, deleted by task b; the tree has the changed version, an executable file of 1 byte"}},
		"binary": {fileTree{"a": "\x00"}, fileTree{"a": "\x00\x01"}, fileTree{"a": "\x00\x01\x02"}, fileTree{"a": "\x00\x01\x02"},
			[]string{"a: both changed it, and it is not text: a file of 2 bytes by the branch, a file of 3 bytes by task b; the tree has the version of task b"}},
		"large": {fileTree{"a": "1"}, fileTree{"a": strings.Repeat("2", maxMergeText+1)}, fileTree{"a": "3"}, fileTree{"a": "3"},
			[]string{"a: both changed it, and it is too large to merge by lines: a file of 1048577 bytes by the branch, a file of 1 byte by task b; the tree has the version of task b"}},
		"links": {fileTree{"a": "->x"}, fileTree{"a": "->y"}, fileTree{"a": "->z\n"}, fileTree{"a": "->z\n"},
			[]string{`a: both changed it: a link to "y" by the branch, a link to "z\n" by task b; the tree has the version of task b`}},
		"link and file": {fileTree{}, fileTree{"a": "->y"}, fileTree{"a": "y"}, fileTree{"a": "y"},
			[]string{`a: both added it: a link to "y" by the branch, a file of 1 byte by task b; the tree has the version of task b`}},
		"link becomes two files": {fileTree{"a": "->y"}, fileTree{"a": "y"}, fileTree{"a": "x:y"}, fileTree{"a": "x:y"}, nil},
		"file and folder": {fileTree{}, fileTree{"a": "1"}, fileTree{"a/b": "2", "a/c": "2"}, fileTree{"a/b": "2", "a/c": "2"},
			[]string{"a: a file of 1 byte by the branch, a folder with 2 files by task b; the tree has the folder, the file is left out"}},
		"folder and file": {fileTree{"a/b": "1"}, fileTree{"a/b": "2"}, fileTree{"a": "->3"}, fileTree{"a/b": "2"},
			[]string{`a: a link to "3" by task b, a folder with 1 file by the branch; the tree has the folder, the file is left out`,
				"a/b: changed by the branch, deleted by task b; the tree has the changed version, a file of 1 byte"}},
		"changed file, folder": {fileTree{"a": "1"}, fileTree{"a": "2"}, fileTree{"a/b": "1", "a-b": "1"}, fileTree{"a/b": "1", "a-b": "1"},
			[]string{"a: a file of 1 byte by the branch, a folder with 1 file by task b; the tree has the folder, the file is left out"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, conflicts := mergeFiles(t, &checkpoint.MemoryBlobs{}, c.base, c.ours, c.theirs)
			var said []string
			for _, c := range conflicts {
				said = append(said, c.Path+": "+c.What)
			}
			if !maps.Equal(got, c.want) || !slices.Equal(said, c.conflicts) {
				t.Errorf("got %q\n%q\nwant %q\n%q", got, said, c.want, c.conflicts)
			}
		})
	}
}

func TestMergeTreesShared(t *testing.T) {
	t.Parallel()
	base := fileTree{"go.sum": "a\n", "list": "a\n"}
	got, conflicts := mergeFiles(t, &checkpoint.MemoryBlobs{}, base,
		fileTree{"go.sum": "a\nc\n", "list": "a\nc\n"}, fileTree{"go.sum": "a\nb\n", "list": "a\nb\n"}, "go.*")
	if got["go.sum"] != "a\nb\nc\n" || len(conflicts) != 1 || conflicts[0].Path != "list" || conflicts[0].Markers != 1 {
		t.Errorf("got %q, %+v", got, conflicts)
	}
}

func TestMergeTreesErrors(t *testing.T) {
	t.Parallel()
	blobs := &checkpoint.MemoryBlobs{}
	in := mergeInput{Base: fileTree{"a": "1\n"}.manifest(t, blobs), Ours: fileTree{"a": "2\n"}.manifest(t, blobs), Theirs: fileTree{"a": "3\n"}.manifest(t, blobs)}
	bad := in
	bad.Theirs, bad.TheirsName = Manifest{file("b"), file("a")}, "task b"
	if _, err := mergeTrees(t.Context(), blobs, bad); err == nil || !strings.Contains(err.Error(), "task b") {
		t.Errorf("a manifest that is not valid: got %v", err)
	}
	blobs.Drop(in.Ours[0].Blob)
	if _, err := mergeTrees(t.Context(), blobs, in); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("a lost blob: got %v", err)
	}
}

// drawTree draws small trees in which paths are files here and folders there.
func drawTree(t *rapid.T, name string) fileTree {
	content := rapid.SampledFrom([]string{"1\n2\n3\n", "1\n2\n4\n", "0\n2\n3\n", "2\n", "x:2\n", "x:1\n2\n3\n", "\x00", "\x00\x01", "->1", "->2"})
	all := rapid.MapOfN(rapid.SampledFrom([]string{"a", "a-b", "a/b", "a/b/c", "a/d", "b", "c/a"}), content, 0, 6).Draw(t, name)
	f := fileTree{}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		below := false
		for i := range len(path) {
			_, is := f[path[:i]]
			below = below || path[i] == '/' && is
		}
		if !below {
			f[path] = all[path]
		}
	}
	return f
}

func TestMergeTreesProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		blobs := &checkpoint.MemoryBlobs{}
		b, x, y := drawTree(t, "b"), drawTree(t, "x"), drawTree(t, "y")
		for _, c := range [][4]fileTree{{b, x, b, x}, {b, b, x, x}, {b, x, x, x}} {
			if got, conflicts := mergeFiles(t, blobs, c[0], c[1], c[2]); !maps.Equal(got, c[3]) || conflicts != nil {
				t.Fatalf("got %q, %v", got, conflicts)
			}
		}
		one, said := mergeFiles(t, blobs, b, x, y)
		again, saidAgain := mergeFiles(t, blobs, b, x, y)
		if !maps.Equal(one, again) || !reflect.DeepEqual(said, saidAgain) {
			t.Fatalf("twice: %q %v, %q %v", one, said, again, saidAgain)
		}
		other, saidOther := mergeFiles(t, blobs, b, y, x)
		if !slices.Equal(pathsOf(said), pathsOf(saidOther)) || said == nil && !maps.Equal(one, other) {
			t.Fatalf("sides exchanged: %q %v, %q %v", one, said, other, saidOther)
		}
		if said == nil {
			checkMerged(t, b, x, y, one)
		}
	})
}

func pathsOf(conflicts []Conflict) []string {
	var out []string
	for _, c := range conflicts {
		out = append(out, c.Path)
	}
	return out
}

// checkMerged compares a merge without conflicts, path by path, with what the sides say.
func checkMerged(t *rapid.T, b, x, y, got fileTree) {
	for path := range got {
		if b[path] == "" && x[path] == "" && y[path] == "" {
			t.Fatalf("%s comes from nowhere", path)
		}
	}
	for _, f := range []fileTree{b, x, y} {
		for path := range f {
			if x[path] == b[path] && got[path] != y[path] || y[path] == b[path] && got[path] != x[path] {
				t.Fatalf("%s: got %q of %q, %q, %q", path, got[path], b[path], x[path], y[path])
			}
		}
	}
}

// Tasks that write files of their own may be merged in any order, and in any grouping.
func TestMergeTreesInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		blobs := &checkpoint.MemoryBlobs{}
		base := fileTree{"shared": "one\ntwo\n"}
		n := rapid.IntRange(2, 6).Draw(t, "tasks")
		for i := range n {
			base[fmt.Sprintf("%d/old", i)], base[fmt.Sprintf("%d/gone", i)] = "old\n", "gone\n"
		}
		tasks, want := make([]fileTree, n), maps.Clone(base)
		for i := range n {
			tasks[i] = maps.Clone(base)
			content := rapid.SampledFrom([]string{"x:old\n", "->new", "\x00"}).Draw(t, "content")
			for _, f := range []fileTree{tasks[i], want} {
				f[fmt.Sprintf("%d/old", i)] = content
				f[fmt.Sprintf("%d/new/%d", i, i)] = "new\n"
				delete(f, fmt.Sprintf("%d/gone", i))
			}
		}
		clean := func(ours, theirs fileTree) fileTree {
			got, conflicts := mergeFiles(t, blobs, base, ours, theirs)
			if conflicts != nil {
				t.Fatalf("conflicts %v", conflicts)
			}
			return got
		}
		left := base
		for _, task := range rapid.Permutation(tasks).Draw(t, "order") {
			left = clean(left, task)
		}
		right := base
		for _, task := range rapid.Permutation(tasks).Draw(t, "other order") {
			right = clean(task, right)
		}
		middle := rapid.IntRange(0, n).Draw(t, "middle")
		halves := [2]fileTree{base, base}
		for i, task := range tasks {
			half := &halves[0]
			if i >= middle {
				half = &halves[1]
			}
			*half = clean(*half, task)
		}
		for _, got := range []fileTree{left, right, clean(halves[0], halves[1])} {
			if !maps.Equal(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

func TestConflictFeedback(t *testing.T) {
	t.Parallel()
	blobs := &checkpoint.MemoryBlobs{}
	in := mergeInput{
		Base:     fileTree{"a": "1\n", "gone": "1\n"}.manifest(t, blobs),
		Ours:     fileTree{"a": "2\n", "dir": "the old\nconfig"}.manifest(t, blobs),
		Theirs:   fileTree{"a": "3\n", "gone": "2\n", "dir/x": "1\n"}.manifest(t, blobs),
		OursName: "the branch", TheirsName: "task b",
	}
	got, err := mergeTrees(t.Context(), blobs, in)
	if err != nil {
		t.Fatal(err)
	}
	words, err := conflictFeedback(t.Context(), blobs, in.OursName, got.Conflicts)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Your tree is now the branch,",
		"\n- a: both changed it; both versions stand between markers at 1 place\n- dir: a file of 14 bytes by the branch, a folder with 1 file by task b",
		"\n- gone: changed by task b, deleted by the branch", "leave no marker line",
		"\nThe version of dir that is not in the tree:\nthe old\nconfig\n",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in:\n%s", want, words)
		}
	}
	words, err = conflictFeedback(t.Context(), blobs, in.OursName, got.Conflicts[2:])
	if err != nil || strings.Contains(words, "marker") || strings.ContainsAny(words, "{}") {
		t.Errorf("got %s, %v", words, err)
	}
}

func TestMarkersLeft(t *testing.T) {
	t.Parallel()
	blobs := &checkpoint.MemoryBlobs{}
	in := mergeInput{OursName: "the branch", TheirsName: "task b"}
	conflicts := []Conflict{{Path: "a", Markers: 1}, {Path: "b", Markers: 2}, {Path: "c"}, {Path: "d", Markers: 1}, {Path: "e", Markers: 1}}
	tree := fileTree{
		"a": "x\n>>>>>>> task b\r\n", "b": "Title\n=======\n<<<<<<< HEAD\n", "c": ">>>>>>> task b\n",
		"e": "||||||| base", "f": "||||||| base",
	}.manifest(t, blobs)
	left, err := markersLeft(t.Context(), blobs, tree, in, conflicts)
	if err != nil || !slices.Equal(left, []string{"a", "e"}) {
		t.Errorf("got %v, %v", left, err)
	}
}
