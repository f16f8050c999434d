package builder_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed-c331f47d/builder"

// rooms is the map of the house: which rooms a room may know. A room's root uses the standard
// library and the roots named here; its adapters also third parties. cmd/builder joins them all and
// is known by none.
var rooms = map[string][]string{
	"internal/planner":    {},
	"internal/checkpoint": {},
	"internal/budget":     {},
	"internal/agent":      {},
	"internal/sandbox":    {},
	"internal/usage":      {},
	"internal/control":    {},
	"internal/phases":     {"internal/planner", "internal/agent", "internal/budget", "internal/checkpoint"},
	"internal/faultpoint": {},
	"internal/bug":        {},
	"claudecode":          {}, // the public SDK: others import it, so it knows nothing of internal
}

// public names the rooms that programs besides builder import.
var public = map[string]bool{"claudecode": true}

// everywhere names the rooms that any room may know, because they know nobody; every line says why.
var everywhere = map[string]string{
	"internal/faultpoint": "a step that can fail is named where it stands, and in a real build the name is nothing",
	"internal/bug":        "a goroutine that does real work catches its panics, wherever it is started",
}

// adapters may know more than their own root; every line says why.
var adapters = map[string][]string{
	"internal/agent/agenttest":  {"internal/budget"},                      // its servers bill at list prices
	"internal/agent/tools":      {"internal/sandbox"},                     // its run tool is confined
	"internal/agent/claudecode": {"internal/sandbox", "claudecode"},       // the CLI is confined; our public package speaks its protocol
	"internal/phases/verify":    {"internal/sandbox", "internal/planner"}, // gates are confined
	"internal/phases/workspace": {"internal/checkpoint"},                  // contents of trees are blobs
	"internal/checkpoint/blob":  {"internal/checkpoint"},
}

// third names the one adapter that may import a third party. Generated trees and tests are free.
var third = map[string][]string{
	"github.com/anthropics/anthropic-sdk-go": {"internal/agent/anthropic"},
	"go.etcd.io/bbolt":                       {"internal/checkpoint/bolt"},
	"github.com/tidwall/gjson":               {"internal/budget/meter", "internal/agent/agenttest"},
	"github.com/klauspost/compress":          {"internal/checkpoint/blob", "internal/checkpoint/archive", "internal/phases/workspace"},
	"github.com/go-git/go-billy":             {"internal/phases/workspace"},
	"github.com/go-git/go-git":               {"internal/phases/workspace"},
	"github.com/yuin/goldmark":               {"internal/planner/markdown"},
	"gopkg.in/yaml.v3":                       {"internal/planner/markdown", "internal/planner/planfile", "cmd/builder"},
	"github.com/santhosh-tekuri/jsonschema":  {"internal/planner/planfile", "internal/planner/schema"},
	"golang.org/x/sys":                       {"internal/sandbox/ladder", "cmd/builder"},
	"github.com/spf13/cobra":                 {"cmd/builder"},
	"github.com/spf13/pflag":                 {"cmd/builder"},
	"github.com/rs/zerolog":                  {"cmd/builder"},
	"github.com/inconshreveable/mousetrap":   {"cmd/builder"},
	"golang.org/x/term":                      {"cmd/builder"},
	"golang.org/x/sync":                      {"internal/agent/offline", "internal/checkpoint/blob", "internal/phases/workspace"},
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t, ".") {
		dir := filepath.ToSlash(filepath.Dir(file))
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := judge(dir, path); why != "" {
				t.Errorf("%s imports %s: %s", file, path, why)
			}
		}
	}
}

// sources lists the Go files of the product, without tests, testdata and the tools module.
func sources(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{"testdata", ".git", "tools", "bin", "templates"}, d.Name()) && path != "internal/agent/tools") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d sources found: this test looks at nothing", len(files))
	}
	return files
}

// judge says what is wrong with dir importing path; "" when nothing is.
func judge(dir, path string) string {
	if local, ok := strings.CutPrefix(path, module+"/"); ok {
		return judgeLocal(dir, local)
	}
	if !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
		if path == "testing" || strings.HasPrefix(path, "testing/") {
			if !strings.HasSuffix(dir, "test") {
				return "only test suites import testing."
			}
		}
		return "" // the standard library
	}
	if strings.HasSuffix(dir, "test") {
		return ""
	}
	if _, root := rooms[dir]; root {
		return "a room's root uses the standard library only; third parties live in adapters below it."
	}
	for prefix, homes := range third {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			for _, h := range homes {
				if dir == h || strings.HasPrefix(dir, h+"/") {
					return ""
				}
			}
			return "this third party has one address: " + strings.Join(homes, ", ") + "."
		}
	}
	return "an unknown third party; add it to the map with its one address, and to docs/dependencies.md with its licence."
}

func judgeLocal(dir, local string) string {
	if dir == local {
		return ""
	}
	if strings.HasPrefix(dir, "cmd/builder") {
		if strings.HasPrefix(dir, "cmd/builder/internal/") && strings.HasPrefix(local, "cmd/builder/") && !strings.HasPrefix(local, "cmd/builder/internal/") {
			return "viewers read events and call nothing."
		}
		return ""
	}
	if strings.HasPrefix(local, "cmd/") {
		return "cmd/builder joins all rooms and is known by none."
	}
	room, other := roomOf(dir), roomOf(local)
	_, isRoot := rooms[dir]
	_, toRoot := rooms[local]
	switch {
	case room == other && isRoot:
		return "a root never imports its adapters."
	case room == other:
		return "" // an adapter may use its root and its own sub-folders
	case public[room]:
		return "what others import stands on its own."
	case !toRoot:
		return "rooms meet at their roots; another room's adapter is none of its business."
	case everywhere[other] != "", slices.Contains(rooms[room], other), slices.Contains(adapters[dir], other):
		return ""
	}
	return "an arrow that the map of rooms does not have (design: rooms and arrows)."
}

// roomOf is the room a folder belongs to.
func roomOf(dir string) string {
	for room := range rooms {
		if dir == room || strings.HasPrefix(dir, room+"/") {
			return room
		}
	}
	return dir
}

// The map itself must be able to say no.
func TestArchitectureSaysNo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dir, path string }{
		{"internal/planner", module + "/internal/phases"},
		{"internal/budget", module + "/internal/budget/meter"},
		{"internal/phases", module + "/internal/checkpoint/bolt"},
		{"internal/agent", "github.com/anthropics/anthropic-sdk-go/v2"},
		{"internal/agent/tools", "go.etcd.io/bbolt"},
		{"internal/planner/markdown", "github.com/some/body"},
		{"internal/usage", module + "/cmd/builder/internal/config"},
		{"cmd/builder/internal/progress", module + "/cmd/builder/wire"},
		{"internal/agent/offline", module + "/internal/planner"},
		{"internal/faultpoint", module + "/internal/budget"},
		{"internal/bug", "golang.org/x/sys/unix"},
		{"claudecode", module + "/internal/budget"},
		{"claudecode", module + "/internal/bug"},
		{"claudecode", "golang.org/x/sys/unix"},
	} {
		if judge(c.dir, c.path) == "" {
			t.Errorf("%s may import %s", c.dir, c.path)
		}
	}
}

// Files that grow beyond this are split by noun.
func TestFilesStaySmall(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t, ".") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(raw), "\n"); n > 480 {
			t.Errorf("%s has %d lines: split it by noun", file, n)
		}
	}
}
