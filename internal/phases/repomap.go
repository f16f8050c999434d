package phases

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Bounds of the map of a tree.
const (
	mapBytes    = 16 << 10  // of the whole map; where it is over, files are told by folders
	mapFileSize = 128 << 10 // larger files are generated, or data
	mapLine     = 160       // bytes of one declaration
	mapPerFile  = 40        // declarations
)

// declaration knows what other files can use of a file, by its ending: one line of it each.
func declaration(name string) *regexp.Regexp {
	switch path.Ext(name) {
	case ".go":
		return goDeclaration
	case ".py":
		return pyDeclaration
	case ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts":
		return jsDeclaration
	case ".rs":
		return rsDeclaration
	case ".java", ".kt", ".cs":
		return classDeclaration
	case ".sql":
		return sqlDeclaration
	}
	return nil
}

var (
	goDeclaration    = regexp.MustCompile(`^(func (\([^)]*\) )?[A-Z]\w*[\[(].*|type [A-Z]\w*.*|(const|var) [A-Z]\w*.*)$`)
	pyDeclaration    = regexp.MustCompile(`^( {4})?(async def|def|class) [A-Za-z]\w*.*$`)
	jsDeclaration    = regexp.MustCompile(`^(export .*|module\.exports.*|exports\.\w+ *=.*|(async )?function .*|class .*)$`)
	rsDeclaration    = regexp.MustCompile(`^\s*pub (fn|struct|enum|trait|type|const|mod) .*$`)
	classDeclaration = regexp.MustCompile(`^\s*public .*[({]$`)
	sqlDeclaration   = regexp.MustCompile(`(?i)^create (table|view|index|unique index|type) .*$`)
)

// repoMap tells what is in a tree: every file with its size and, of sources, the declarations that
// other files can use, as they are written. Where that is too much the largest part goes first:
// declarations, then files, which are told by folders.
func repoMap(ctx context.Context, blobs checkpoint.Blobs, m Manifest) (string, error) {
	if len(m) == 0 {
		return "(empty)", nil
	}
	var b strings.Builder
	for _, e := range m {
		fmt.Fprintf(&b, "%s %d\n", e.Path, e.Size)
		re := declaration(e.Path)
		if re == nil || e.Size > mapFileSize || e.Mode == ModeSymlink || testSource(e.Path) {
			continue
		}
		raw, err := blobs.Get(ctx, e.Blob)
		if err != nil {
			return "", fmt.Errorf("map %s: %w", e.Path, err)
		}
		for _, l := range declarations(re, string(raw)) {
			fmt.Fprintf(&b, "  %s\n", l)
		}
		if b.Len() > mapBytes {
			return treeText(m), nil
		}
	}
	return b.String(), nil
}

// testSource says whether a file holds tests: nothing uses what it declares.
func testSource(p string) bool {
	name := path.Base(p)
	return strings.Contains(name, "_test.") || strings.HasPrefix(name, "test_") || strings.Contains(name, ".test.") || strings.Contains(name, ".spec.")
}

func declarations(re *regexp.Regexp, source string) []string {
	var out []string
	for _, l := range strings.Split(source, "\n") {
		l = strings.TrimRight(l, " \t\r")
		if len(l) > 4096 || !re.MatchString(l) {
			continue
		}
		if len(out) == mapPerFile {
			return append(out, "…")
		}
		l = strings.TrimSuffix(strings.TrimSuffix(l, "{"), " ")
		if len(l) > mapLine {
			l = strings.ToValidUTF8(l[:mapLine], "") + "…"
		}
		out = append(out, strings.ToValidUTF8(l, "�"))
	}
	return out
}

// treeText tells what is in a tree by paths and sizes; of a large one by folders, with how many
// files each holds and how many bytes.
func treeText(m Manifest) string {
	if len(m) == 0 {
		return "(empty)"
	}
	var b strings.Builder
	if len(m) <= treeLines {
		for _, e := range m {
			fmt.Fprintf(&b, "%s %d\n", e.Path, e.Size)
		}
		return b.String()
	}
	var folders []string
	count, size := map[string]int{}, map[string]int64{}
	for _, e := range m {
		dir := path.Dir(e.Path)
		if count[dir] == 0 {
			folders = append(folders, dir)
		}
		count[dir]++
		size[dir] += e.Size
	}
	fmt.Fprintf(&b, "%d files, by folder; list_files shows them\n", len(m))
	for i, dir := range folders {
		if i == treeLines {
			fmt.Fprintf(&b, "… and %d more folders\n", len(folders)-i)
			break
		}
		fmt.Fprintf(&b, "%s/ %d files, %d bytes\n", dir, count[dir], size[dir])
	}
	return b.String()
}
