package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// shelf is a program that remembers titles in its folder.
const shelf = `#!/bin/sh
case "$1" in
add) echo "$2" >> "$HOME/titles"; echo "added $(wc -l < "$HOME/titles" | tr -d ' ')";;
list) cat "$HOME/titles" 2>/dev/null; echo;;
show) echo "no book \"$2\"" >&2; exit 1;;
read) cat;;
where) echo "$PWD"; ls -A | wc -l;;
mess) echo x > "$(dirname "$0")/../planted";;
esac
`

func TestTranscript(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		session string
		pass    bool
		says    string
	}{
		"as told":           {"$ shelf add \"Big Book\"\nadded 1\n$ shelf add B  \nadded 2\n$ shelf list\nBig Book\nB\n", true, ""},
		"failure expected":  {"$ shelf show x\n! exit 1\nno book \"x\"\n", true, ""},
		"failure came":      {"$ shelf show x\n", false, "expected exit code 0"},
		"failure stayed":    {"$ shelf add x\n! exit 1\n", false, "expected exit code 1"},
		"other output":      {"$ shelf add x\nadded 2\n", false, "- added 2\n+ added 1"},
		"input":             {"$ shelf read <<EOF\none\ntwo\nEOF\none\ntwo\n", true, ""},
		"elision":           {"$ shelf add A\n$ shelf add B\n$ shelf add C\n$ shelf list\nA\n...\nC\n", true, ""},
		"elided too much":   {"$ shelf add A\n$ shelf list\nA\n...\nC\n", false, "- C"},
		"pipe":              {"$ printf 'a b\\n' | shelf read\na b\n", true, ""},
		"quoted pipe":       {"$ shelf add 'a | b'\n$ shelf list\na | b\n", true, ""},
		"fresh folder":      {"$ shelf where\n...\n0\n", true, ""},
		"missing program":   {"$ shop list\n", false, "exit code 127"},
		"tree is read-only": {"$ shelf mess\n", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, map[string]string{"bin/shelf": shelf})
			got := b.run(t, planner.Gate{Kind: planner.GateTranscript, Session: c.session})
			if got.Pass != c.pass || !strings.Contains(got.Feedback, c.says) {
				t.Errorf("got %+v\n%s", got, got.Log)
			}
		})
	}
}

// A session in a folder of the tree begins in a copy: it may write there, and the tree stays as it is
// for the gates that follow.
func TestTranscriptInTheTree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dir, session string
		pass         bool
		says         string
	}{
		"files are there":   {".", "$ sh tool.sh\nhello\n$ echo x > made && ls\nbin\nmade\nout\nsub\ntool.sh\n", true, ""},
		"below the tree":    {"sub", "$ cat a.txt\nin sub\n", true, ""},
		"no such folder":    {"none", "$ cat a.txt\nin sub\n", false, "Gate g failed: the tree has no folder none."},
		"no folder at all":  {"tool.sh", "$ cat a.txt\nin sub\n", false, "no folder tool.sh"},
		"a link out of it":  {"out", "$ ls\n", false, "no folder out"},
		"empty without one": {"", "$ cat tool.sh\n", false, "No such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, map[string]string{"bin/shelf": shelf, "tool.sh": "echo hello\n", "sub/a.txt": "in sub\n"})
			if err := os.Symlink("/usr", filepath.Join(b.tree, "out")); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second run sees nothing of the first
				got := b.run(t, planner.Gate{Kind: planner.GateTranscript, Dir: c.dir, Session: c.session})
				if got.Pass != c.pass || !strings.Contains(got.Feedback, c.says) {
					t.Errorf("got %+v\n%s", got, got.Log)
				}
			}
		})
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		fits      bool
	}{
		{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "a b", false}, {"a b", "a", false},
		{"...", "", true}, {"...", "a b c", true}, {"a ...", "a", true}, {"a ... c", "a b b c", true}, {"a ... c", "a c d", false},
		{"... a ... a", "a b a", true}, {"... a ... a", "a", false},
	} {
		if got := fits(strings.Fields(c.want), strings.Fields(c.got)); got != c.fits {
			t.Errorf("%q for %q: %v, want %v", c.got, c.want, got, c.fits)
		}
	}
}

// A failure has the same signature in another folder, at another time.
func TestSignature(t *testing.T) {
	t.Parallel()
	const gate = "g"
	same := []string{
		"a_test.go:7: got 1\nconnect 127.0.0.1:4711: refused after 12ms\n2026-11-24 10:00:00 goroutine 7 at 0xc000123 in /tmp/x1/y",
		"2026-11-25 11:00:01 goroutine 9 at 0xc000456 in /tmp/x2/z\nconnect 127.0.0.1:4712: refused after 1.5s\na_test.go:7: got 1",
	}
	if signature(gate, same[0]) != signature(gate, same[1]) {
		t.Error("equal failures differ")
	}
	if signature(gate, "a_test.go:7: got 1") == signature(gate, "a_test.go:7: got 2") {
		t.Error("different failures are equal")
	}
}
