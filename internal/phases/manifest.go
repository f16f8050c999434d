package phases

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// The modes an entry can have: git's own numbers.
const (
	ModeFile       uint32 = 0o100644
	ModeExecutable uint32 = 0o100755
	ModeSymlink    uint32 = 0o120000
)

// Bounds of a path in a manifest, in bytes.
const (
	maxPath = 4096
	maxName = 255
)

// Entry is one file of a tree. The content of a symlink is its target.
type Entry struct {
	Path string          // slash-separated, relative to the tree; see [CheckPath]
	Mode uint32          // ModeFile, ModeExecutable or ModeSymlink
	Blob checkpoint.Hash // of the content
	Size int64           // of the content, in bytes
}

// Manifest lists the files of a tree, sorted by path in byte order, each path once and none below
// another. Folders exist by their files.
type Manifest []Entry

// Validate checks order, paths, modes, hashes and sizes, and names the first entry that is wrong.
func (m Manifest) Validate() error {
	files := make(map[string]bool, len(m))
	for i, e := range m {
		if i > 0 && m[i-1].Path >= e.Path {
			return fmt.Errorf("path %q is out of order", e.Path)
		}
		if err := e.validate(); err != nil {
			return err
		}
		files[e.Path] = true
	}
	for _, e := range m {
		for i := range len(e.Path) {
			if e.Path[i] == '/' && files[e.Path[:i]] {
				return fmt.Errorf("path %q is below the file %q", e.Path, e.Path[:i])
			}
		}
	}
	return nil
}

func (e Entry) validate() error {
	if err := CheckPath(e.Path); err != nil {
		return fmt.Errorf("path %q: %w", e.Path, err)
	}
	if e.Mode != ModeFile && e.Mode != ModeExecutable && e.Mode != ModeSymlink {
		return fmt.Errorf("path %q: mode %o is not a file's", e.Path, e.Mode)
	}
	if len(e.Blob) != 2*sha256.Size || strings.Trim(string(e.Blob), "0123456789abcdef") != "" {
		return fmt.Errorf("path %q: %q is not a hash", e.Path, e.Blob)
	}
	if e.Size < 0 {
		return fmt.Errorf("path %q: negative size", e.Path)
	}
	return nil
}

// Index returns where a path stands, or would stand.
func (m Manifest) Index(path string) (i int, found bool) {
	i = sort.Search(len(m), func(i int) bool { return m[i].Path >= path })
	return i, i < len(m) && m[i].Path == path
}

// Find returns the entry of a path.
func (m Manifest) Find(path string) (Entry, bool) {
	if i, found := m.Index(path); found {
		return m[i], true
	}
	return Entry{}, false
}

// Change is one path that differs between two trees; From or To is the zero Entry where the path
// is not in that tree.
type Change struct {
	Path     string
	From, To Entry
}

// Diff lists the paths in which to differs from from, sorted.
func Diff(from, to Manifest) []Change {
	var out []Change
	for i, j := 0, 0; i < len(from) || j < len(to); {
		switch {
		case j == len(to) || i < len(from) && from[i].Path < to[j].Path:
			out = append(out, Change{Path: from[i].Path, From: from[i]})
			i++
		case i == len(from) || to[j].Path < from[i].Path:
			out = append(out, Change{Path: to[j].Path, To: to[j]})
			j++
		default:
			if from[i] != to[j] {
				out = append(out, Change{Path: to[j].Path, From: from[i], To: to[j]})
			}
			i, j = i+1, j+1
		}
	}
	return out
}

// CheckPath says whether a path may stand in a tree: relative, slash-separated, clean, UTF-8
// without control characters, and with no name that git or a file system could take for `.git`.
// `.gitmodules` is refused too: a tree has no submodules.
func CheckPath(path string) error {
	switch {
	case path == "":
		return errors.New("empty path")
	case len(path) > maxPath:
		return errors.New("path too long")
	case !utf8.ValidString(path):
		return errors.New("name is not UTF-8")
	}
	for name := range strings.SplitSeq(path, "/") {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return errors.New("path is not clean and relative")
	case len(name) > maxName:
		return errors.New("name too long")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("control character in name")
	case strings.ContainsRune(name, '\\'):
		return errors.New("backslash in name")
	}
	if c := name[0]; c < utf8.RuneSelf && c != '.' && c != 'g' && c != 'G' {
		return nil // nothing that is dropped from a name stands before its first ASCII character
	}
	switch plainName(name) {
	case ".git", "git~1":
		return errors.New("nested repository: names like .git are reserved")
	case ".gitmodules":
		return errors.New("submodules are not supported")
	}
	return nil
}

// plainName folds a name as the loosest file systems do: case, ignorable code points (HFS+), and
// trailing dots, spaces and stream suffixes (NTFS).
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	if i := strings.IndexByte(name, ':'); i > 0 {
		name = name[:i]
	}
	return strings.TrimRight(name, ". ")
}

// Changed lists the paths of Diff.
func Changed(from, to Manifest) []string {
	changes := Diff(from, to)
	paths := make([]string, len(changes))
	for i, c := range changes {
		paths[i] = c.Path
	}
	return paths
}
