package workspace

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ignoredPath asks the rules for a path and the folders above it, as a walk does.
func ignoredPath(r rules, path string) bool {
	for i := range len(path) {
		if path[i] == '/' && r.ignored(path[:i], true) {
			return true
		}
	}
	return r.ignored(path, false)
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern string
		yes, no []string
	}{
		{"foo", []string{"foo", "a/foo", "foo/x"}, []string{"food", "a/f"}},
		{"/foo", []string{"foo", "foo/x"}, []string{"a/foo"}},
		{"foo/", []string{"foo/x", "a/foo/x"}, []string{"foo", "a/foo"}},
		{"*.log", []string{"a.log", "x/.log"}, []string{"a.logs"}},
		{"a/*.c", []string{"a/x.c"}, []string{"a/b/x.c", "x.c", "b/a/x.c"}},
		{"a/**", []string{"a/x", "a/b/x"}, []string{"a", "b/a/x"}},
		{"**/a", []string{"a", "x/a", "x/y/a/z"}, []string{"xa"}},
		{"a/**/b", []string{"a/b", "a/x/b", "a/x/y/b"}, []string{"a/xb", "ab"}},
		{"a**b", []string{"ab", "axb"}, []string{"a/b"}},
		{"[!a]x", []string{"bx"}, []string{"ax", "/x"}},
		{"[a-c]", []string{"b"}, []string{"d", "-"}},
		{"[]-]", []string{"]", "-"}, []string{"a"}},
		{"[[:digit:]]", []string{"7"}, []string{"a"}},
		{`\!x`, []string{"!x"}, []string{"x"}},
		{`\#x`, []string{"#x"}, nil},
		{"#x", nil, []string{"#x", "x"}},
		{`x\ `, []string{"x "}, []string{"x"}},
		{"x  ", []string{"x"}, []string{"x  "}},
		{"[a", nil, []string{"[a", "a"}},
		{`x\`, nil, []string{"x", `x\`}},
		{"a.b", []string{"a.b"}, []string{"axb"}},
		{"*\n!keep", []string{"x"}, []string{"keep"}},
		{"d/\n!d/keep", []string{"d/keep"}, nil},
		{"\ufefffoo\r\n\r\nbar\r", []string{"foo", "bar"}, nil},
	} {
		r := rules{}.with("", []byte(tc.pattern))
		for _, p := range tc.yes {
			if !ignoredPath(r, p) {
				t.Errorf("%q lets %q in", tc.pattern, p)
			}
		}
		for _, p := range tc.no {
			if ignoredPath(r, p) {
				t.Errorf("%q leaves %q out", tc.pattern, p)
			}
		}
	}
}

func TestIgnoreBelow(t *testing.T) {
	t.Parallel()
	r := rules{}.with("", []byte("*.o\n")).with("sub", []byte("/x\n!keep.o\n"))
	for path, want := range map[string]bool{"sub/x": true, "x": false, "sub/d/x": false, "sub/keep.o": false, "keep.o": true, "sub/d/keep.o": false} {
		if got := r.ignored(path, false); got != want {
			t.Errorf("%s: got %t", path, got)
		}
	}
}

// The real git is the judge, asked once for many folders with rules of their own.
func TestIgnoreAsGitDoes(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git here")
	}
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	line := rapid.StringMatching(`!?/?([ab*?]|\*\*|\[[!^]?[abc-]{1,3}\]|\\[ab*]|\.)([ab*?/]|/\*\*/|\*\*|\[ab\]){0,4}/? ?`)
	name := rapid.StringMatching(`[abc.*-]{1,3}(/[abc]{1,2}){0,3}`)
	var asked []string
	ours := map[string]bool{}
	rule := map[string]string{}
	for n := range 400 {
		sub := fmt.Sprint("d", n)
		content := strings.Join(rapid.SliceOfN(line, 1, 4).Example(n), "\n")
		write(t, dir, files{sub + "/.gitignore": "\n" + content})
		r := rules{}.with(sub, []byte(content))
		for _, p := range rapid.SliceOfNDistinct(name, 1, 12, rapid.ID[string]).Example(n) {
			if filepath.Clean(p) != p || strings.HasPrefix(p, "..") || p == "." {
				continue
			}
			at := sub + "/" + p
			asked, ours[at], rule[at] = append(asked, at), ignoredPath(r, at), content
		}
	}
	cmd := exec.Command(path, "-C", dir, "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin")
	cmd.Stdin = strings.NewReader(strings.Join(asked, "\x00"))
	out, err := cmd.Output()
	must(t, err)
	said := map[string]bool{}
	for p := range bytes.SplitSeq(out, []byte{0}) {
		said[string(p)] = true
	}
	for _, at := range asked {
		if ours[at] != said[at] {
			t.Errorf("%q with %q: got %t, git says %t", at, rule[at], ours[at], said[at])
		}
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("a/**/b\n!c\n[!x-]", "a/x/b")
	f.Add("[[:alpha:]\\", "a")
	f.Add("[z-a]\n[/]\n[^]]", "a/")
	f.Fuzz(func(_ *testing.T, content, path string) {
		r := rules{}.with("", []byte(content))
		ignoredPath(r, path)
	})
}
