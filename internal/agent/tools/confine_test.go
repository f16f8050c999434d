//go:build unix

package tools_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
)

// each calls every tool that takes a path with it.
func (h *hands) each(t testing.TB, path string, check func(tool string, out agent.ToolResult)) {
	t.Helper()
	check("read_file", h.do(t, "read_file", args{"path": path}))
	check("write_file", h.do(t, "write_file", args{"path": path, "content": "evil"}))
	check("edit_file", h.do(t, "edit_file", args{"path": path, "old": "canary", "new": "evil"}))
	check("list_files", h.do(t, "list_files", args{"path": path}))
	check("search", h.do(t, "search", args{"path": path, "pattern": "."}))
	check("run", h.do(t, "run", args{"dir": path, "command": "ls"}))
	h.untouched(t)
}

// Names alone decide, whether or not anything is there, and for every tool alike.
func TestPathNames(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		tools.CodePathEscape: {
			"/etc/passwd", "/", "//x", "..", "../x", "a/../b", "a/..", "a/../../x", "./../x", `\\host\share`, `C:\x`, "c:/x", "~/x", "~", `a\..\b`, "a/b/../../../x",
		},
		tools.CodePathProtected: {
			".git", ".git/config", ".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", ".Git", ".git.", ".git ", ".git . .", ".git::$INDEX_ALLOCATION", ".git:x",
			"git~1", "GIT~1/config", ".g\u200cit", ".gi\u200dt/x", ".\uff47it", "\uff0egit", ".g\u0131t", ".g\u0130t", ".gi\ufe0ft", ".gitmodules", ".GitModules",
			".builder", ".builder/journal.db", ".claude/settings.json", "a/.CLAUDE/x", ".codex", ".cursor/rules", ".gemini", ".vscode/tasks.json", ".idea", ".husky/pre-commit",
			".mcp.json", ".MCP.JSON", ".envrc", ".bashrc", ".zshrc", ".profile", ".bash_profile", ".zshenv", "deep/er/.envrc", ".\u017fvn",
		},
		tools.CodePathInvalid: {
			"a\x00b", "a\nb", "a\x1bb", "a\u202eb", "a\u200bb", "\xff\xfe", strings.Repeat("x", 256), strings.Repeat("ab/", 2000) + "x", strings.Repeat("a/", 65) + "x",
			"a.", "a /b", " a", "con", "NUL.txt", "com1", "lpt9.log", `a\b`, "aux.go",
		},
	}
	for code, paths := range tests {
		for _, path := range paths {
			t.Run(fmt.Sprintf("%s %.40q", code, path), func(t *testing.T) {
				t.Parallel()
				newHands(t).each(t, path, func(tool string, out agent.ToolResult) {
					wantCode(t, out, code)
					for _, r := range out.Text {
						if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
							t.Errorf("%s: the refusal holds %U", tool, r)
						}
					}
				})
			})
		}
	}
}

func TestPathNamesThatAreFine(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	for _, path := range []string{
		"a", "a/b/c.go", "./a", "a//b", ".gitignore", ".gitattributes", ".github/workflows/ci.yml", ".env.example", "git", "a..b", "..a", "...a/b", "com", "com10", "lptx", "console.go", "naïve.md", "日本.txt", "a b.txt", "-f", "*", "[x]", "gitmodules",
	} {
		if out := h.do(t, "write_file", args{"path": path + "/f", "content": "x"}); out.Error && path != "a" {
			t.Errorf("%q: %s", path, out.Text)
		}
	}
}

// No tool goes through a link, wherever it stands and wherever it points to.
func TestSymlinkMatrix(t *testing.T) {
	t.Parallel()
	targets := map[string]func(h *hands) string{
		"outside":          func(h *hands) string { return h.outside },
		"outside relative": func(*hands) string { return "../outside" },
		"outside file":     func(h *hands) string { return filepath.Join(h.outside, "secret") },
		"root":             func(*hands) string { return "/" },
		"inside":           func(*hands) string { return "real" },
		"inside absolute":  func(h *hands) string { return filepath.Join(h.root, "real") },
		"inside file":      func(*hands) string { return "real/file" },
		"git hooks":        func(*hands) string { return ".git/hooks" },
		"dangling":         func(*hands) string { return "nothing" },
		"dangling outside": func(h *hands) string { return filepath.Join(h.outside, "new") },
		"itself":           func(*hands) string { return "lnk" },
		"another link":     func(*hands) string { return "lnk2" },
		"dot":              func(*hands) string { return "." },
		"parent":           func(*hands) string { return ".." },
		"device":           func(*hands) string { return "/dev/zero" },
		"proc":             func(*hands) string { return "/proc/self/root" },
	}
	for name, target := range targets {
		for _, use := range []string{"lnk", "lnk/file", "lnk/new/file", "sub/lnk", "sub/lnk/x"} {
			t.Run(name+" "+use, func(t *testing.T) {
				t.Parallel()
				h := newHands(t)
				h.put(t, "real/file", "canary")
				h.put(t, ".git/hooks/pre-commit", "canary")
				h.put(t, "sub/real/file", "canary")
				at := h.root
				if strings.HasPrefix(use, "sub/") {
					at = filepath.Join(h.root, "sub")
				}
				for link, to := range map[string]string{"lnk": target(h), "lnk2": h.outside} {
					if err := os.Symlink(to, filepath.Join(at, link)); err != nil {
						t.Fatal(err)
					}
				}
				h.each(t, use, func(_ string, out agent.ToolResult) { wantCode(t, out, tools.CodePathLink) })
				for _, f := range []string{"real/file", ".git/hooks/pre-commit"} {
					if got := h.get(t, f); got != "canary" {
						t.Errorf("%s was changed to %q through the link", f, got)
					}
				}
			})
		}
	}
}

func TestListingNamesLinksAndDoesNotFollow(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.put(t, "a.go", "secret canary")
	for link, to := range map[string]string{"dir": h.outside, "file": filepath.Join(h.outside, "secret")} {
		if err := os.Symlink(to, filepath.Join(h.root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := h.do(t, "list_files", args{}).Text, "a.go 13\ndir (link)\nfile (link)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := h.do(t, "search", args{"pattern": "canary"}).Text, "a.go:1: secret canary\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHardLinks(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	if err := os.Link(filepath.Join(h.outside, "secret"), filepath.Join(h.root, "hard")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.do(t, "read_file", args{"path": "hard"}), tools.CodePathLink)
	wantCode(t, h.do(t, "write_file", args{"path": "hard", "content": "evil"}), tools.CodePathLink)
	wantCode(t, h.do(t, "edit_file", args{"path": "hard", "old": "canary", "new": "evil"}), tools.CodePathLink)
	if got := h.do(t, "search", args{"pattern": "canary"}).Text; strings.Contains(got, "canary") {
		t.Errorf("search read it: %q", got)
	}
	h.untouched(t)
}

func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	if err := syscall.Mkfifo(filepath.Join(h.root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.put(t, "dir/f", "x")
	for _, path := range []string{"pipe", "dir"} {
		wantCode(t, h.do(t, "read_file", args{"path": path}), tools.CodePathInvalid)
		wantCode(t, h.do(t, "write_file", args{"path": path, "content": "x"}), tools.CodePathInvalid)
		wantCode(t, h.do(t, "edit_file", args{"path": path, "old": "x", "new": "y"}), tools.CodePathInvalid)
	}
	wantCode(t, h.do(t, "write_file", args{"path": "dir/f/g", "content": "x"}), tools.CodePathInvalid)
	if got, want := h.do(t, "list_files", args{}).Text, "dir/f 1\npipe (special)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := h.do(t, "search", args{"pattern": "x"}).Text; got != "dir/f:1: x\n" {
		t.Errorf("got %q", got)
	}
}

// What an agent does to modes and folders is told to it and does not end the run.
func TestModesAreNoMachineFailure(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may do everything")
	}
	h := newHands(t)
	h.put(t, "closed/f", "x")
	h.put(t, "f", "x")
	for name, mode := range map[string]fs.FileMode{"closed": 0o000, "f": 0o000} {
		if err := os.Chmod(filepath.Join(h.root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(h.root, "closed"), 0o700) })
	for _, path := range []string{"closed/f", "f", "closed/new"} {
		h.do(t, "read_file", args{"path": path})
		h.do(t, "write_file", args{"path": path, "content": "y"})
		h.do(t, "edit_file", args{"path": path, "old": "x", "new": "y"})
	}
	h.do(t, "list_files", args{})
	h.do(t, "search", args{"pattern": "x"})
}

func TestSiblingPrefix(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	put(t, h.root+"2/file", "x")
	for _, path := range []string{"../tree2/file", h.root + "2/file"} {
		wantCode(t, h.do(t, "read_file", args{"path": path}), tools.CodePathEscape)
	}
}

// A folder that is swapped for a link while a file below it is written never leads out, nor to
// another place inside.
func TestRaceSwapDir(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.put(t, "real/keep", "x")
	h.put(t, ".git/hooks/keep", "x")
	at := func(name string) string { return filepath.Join(h.root, name) }
	for link, to := range map[string]string{"out": h.outside, "in": ".git/hooks"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			link := []string{"out", "in"}[i%2]
			_ = os.Rename(at("real"), at("parked"))
			_ = os.Rename(at(link), at("real"))
			_ = os.Rename(at("real"), at(link))
			_ = os.Rename(at("parked"), at("real"))
		}
	})
	done := map[bool]int{}
	for i := range 400 {
		raw, err := json.Marshal(args{"path": "real/file", "content": fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := h.Call(t.Context(), agent.ToolCall{Name: "write_file", Input: raw})
		if err != nil {
			t.Fatalf("a race is the agent's doing, not the machine's failure: %v", err)
		}
		done[out.Error]++
	}
	close(stop)
	swapping.Wait()
	h.untouched(t)
	if _, err := os.Lstat(at(".git/hooks/file")); err == nil {
		t.Error("a file was written through a link inside the tree")
	}
	if done[false] == 0 || done[true] == 0 {
		t.Logf("written %d, refused %d: the race was not met on this machine", done[false], done[true])
	}
}

func TestWriteKeepsModeAndLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.put(t, "run.sh", "old")
	if err := os.Chmod(filepath.Join(h.root, "run.sh"), 0o750); err != nil {
		t.Fatal(err)
	}
	h.do(t, "write_file", args{"path": "run.sh", "content": "new"})
	h.do(t, "edit_file", args{"path": "run.sh", "old": "new", "new": "newer"})
	info, err := os.Stat(filepath.Join(h.root, "run.sh"))
	if err != nil || info.Mode().Perm() != 0o750 || h.get(t, "run.sh") != "newer" {
		t.Errorf("got %v %v", info.Mode(), err)
	}
	if out := h.do(t, "write_file", args{"path": "a/b/c/d.txt", "content": ""}); out.Error {
		t.Error(out.Text)
	}
	var files []string
	err = fs.WalkDir(os.DirFS(h.root), ".", func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if got := strings.Join(files, " "); err != nil || got != "a/b/c/d.txt run.sh" {
		t.Errorf("the tree holds %q, %v", got, err)
	}
}

func TestWritesOfTheTask(t *testing.T) {
	t.Parallel()
	h := newHands(t, func(c *tools.Config) {
		c.Writes, c.Shared = []string{"internal/store/**", "cmd/*.go"}, []string{"go.mod"}
	})
	h.put(t, "main.go", "old")
	for _, path := range []string{"internal/store/a.go", "internal/store/x/y.go", "cmd/a.go", "go.mod"} {
		if out := h.do(t, "write_file", args{"path": path, "content": "x"}); out.Error {
			t.Errorf("%s: %s", path, out.Text)
		}
	}
	for _, path := range []string{"main.go", "internal/stores/a.go", "cmd/x/a.go", "internal/store", "x/go.mod"} {
		wantCode(t, h.do(t, "write_file", args{"path": path, "content": "x"}), tools.CodePathNotInTask)
		wantCode(t, h.do(t, "edit_file", args{"path": path, "old": "old", "new": "x"}), tools.CodePathNotInTask)
	}
	if _, err := os.Stat(filepath.Join(h.root, "x")); err == nil {
		t.Error("a folder was made for a refused path")
	}
	if h.get(t, "main.go") != "old" {
		t.Error("a refused edit was made")
	}
}

// A path that is accepted opens something below the tree and nothing else.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"a", "../a", "/a", ".git", "lnk/a", "a\x00", "sub/lnk/a", "sub/./f", "ſ", ".ＧＩＴ"} {
		f.Add(path)
	}
	h := newHands(f)
	h.put(f, "sub/f", "x")
	for _, link := range []string{"lnk", "sub/lnk"} {
		if err := os.Symlink(h.outside, filepath.Join(h.root, link)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		out := h.do(t, "write_file", args{"path": path, "content": "fuzz"})
		h.untouched(t)
		if out.Error {
			return
		}
		clean := filepath.Join(h.root, path)
		if !strings.HasPrefix(clean, h.root+"/") {
			t.Fatalf("%q was accepted", path)
		}
		for _, part := range strings.Split(strings.ToLower(path), "/") {
			if part == ".git" || part == ".." {
				t.Fatalf("%q was accepted", path)
			}
		}
		if err := os.RemoveAll(filepath.Join(h.root, strings.Split(strings.TrimPrefix(clean, h.root+"/"), "/")[0])); err != nil {
			t.Fatal(err)
		}
		h.put(t, "sub/f", "x")
		if _, err := os.Lstat(filepath.Join(h.root, "sub/lnk")); err != nil {
			if err := os.Symlink(h.outside, filepath.Join(h.root, "sub/lnk")); err != nil {
				t.Fatal(err)
			}
		}
	})
}
