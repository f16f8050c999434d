package phases

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var plainMerge = textMerge{OursName: "the branch", TheirsName: "task b"}

var unionMerge = textMerge{OursName: "the branch", TheirsName: "task b", Union: true}

func TestMergeText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ base, ours, theirs, want string }{
		"ours only":           {"a\nb\n", "a\nB\n", "a\nb\n", "a\nB\n"},
		"theirs only":         {"a\nb\n", "a\nb\n", "a\nB\n", "a\nB\n"},
		"apart":               {"a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"},
		"the same once":       {"a\nb\nc\n", "x\na\nB\nc\n", "a\nB\nc\ny\n", "x\na\nB\nc\ny\n"},
		"deleted and added":   {"a\nb\nc\n", "b\nc\n", "a\nb\nc\nd\n", "b\nc\nd\n"},
		"no last newline":     {"a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"},
		"last newline gone":   {"a\nb\nc\n", "A\nb\nc\n", "a\nb\nc", "A\nb\nc"},
		"ends of lines":       {"a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n"},
		"one side a function": {"f\n{\n}\n", "f\n{\n}\n\ng\n{\n}\n", "F\n{\n}\n", "F\n{\n}\n\ng\n{\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, conflicts, why := mergeText([]byte(c.base), []byte(c.ours), []byte(c.theirs), plainMerge)
			if string(got) != c.want || conflicts != 0 || why != "" {
				t.Errorf("got %q, %d conflicts, %q; want %q", got, conflicts, why, c.want)
			}
		})
	}
}

func TestMergeTextConflicts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base, ours, theirs, want string
		conflicts                int
	}{
		"one line": {"a\nb\nc\n", "a\nB\nc\n", "a\nbb\nc\n",
			"a\n<<<<<<< the branch\nB\n||||||| base\nb\n=======\nbb\n>>>>>>> task b\nc\n", 1},
		"touching": {"a\nb\n", "A\nb\n", "a\nB\n",
			"<<<<<<< the branch\nA\nb\n||||||| base\na\nb\n=======\na\nB\n>>>>>>> task b\n", 1},
		"deleted, changed": {"a\nb\nc\n", "a\nc\n", "a\nB\nc\n",
			"a\n<<<<<<< the branch\n||||||| base\nb\n=======\nB\n>>>>>>> task b\nc\n", 1},
		"no last newline": {"a", "b", "c",
			"<<<<<<< the branch\nb\n||||||| base\na\n=======\nc\n>>>>>>> task b\n", 1},
		"ends of lines": {"a\r\n", "b\r\n", "c\r\n",
			"<<<<<<< the branch\r\nb\r\n||||||| base\r\na\r\n=======\r\nc\r\n>>>>>>> task b\r\n", 1},
		"two": {"a\nb\nc\n", "1\nb\n2\n", "3\nb\n4\n",
			"<<<<<<< the branch\n1\n||||||| base\na\n=======\n3\n>>>>>>> task b\nb\n<<<<<<< the branch\n2\n||||||| base\nc\n=======\n4\n>>>>>>> task b\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, how := range []textMerge{plainMerge, unionMerge} { // a union takes no line that was there for another
				got, conflicts, why := mergeText([]byte(c.base), []byte(c.ours), []byte(c.theirs), how)
				if string(got) != c.want || conflicts != c.conflicts || why != "" {
					t.Errorf("got %q, %d conflicts, %q; want %q", got, conflicts, why, c.want)
				}
			}
		})
	}
}

func TestMergeTextRefuses(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x\n", maxMergeText/2)
	for name, c := range map[string]struct{ base, ours, theirs, want string }{
		"NUL":       {"a\n", "a\x00\n", "b\n", notText},
		"not UTF-8": {"a\xff\n", "b\n", "c\n", notText},
		"large":     {"a\n", "b\n", big + "b\n", tooBigText},
	} {
		got, conflicts, why := mergeText([]byte(c.base), []byte(c.ours), []byte(c.theirs), plainMerge)
		if got != nil || conflicts != 0 || why != c.want {
			t.Errorf("%s: got %d bytes, %d conflicts, %q", name, len(got), conflicts, why)
		}
	}
	if got, _, why := mergeText([]byte("a\x00"), []byte("a\x00"), []byte("b\x00"), plainMerge); string(got) != "b\x00" || why != "" {
		t.Errorf("one side's change of a binary: got %q, %q", got, why)
	}
}

// A text made to be slow ends by the bound, not by patience: every line stands on both sides, in
// another order.
func TestMergeTextHostile(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	shuffled := func() []byte {
		var b bytes.Buffer
		for range 250_000 {
			fmt.Fprintf(&b, "%d\n", rng.IntN(100))
		}
		return b.Bytes()
	}
	_, conflicts, why := mergeText(shuffled(), shuffled(), shuffled(), plainMerge)
	if conflicts != 0 || why != tooBigText {
		t.Errorf("got %d conflicts, %q", conflicts, why)
	}
}

// drawText draws small texts in which lines repeat.
func drawText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "d\r\n", "}\n", "\n"}), 0, 12).Draw(t, "lines"), "") +
			rapid.SampledFrom([]string{"", "", "end"}).Draw(t, "end")
	})
}

func TestMergeTextProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, x, y := drawText().Draw(t, "b"), drawText().Draw(t, "x"), drawText().Draw(t, "y")
		for _, how := range []textMerge{plainMerge, unionMerge} {
			for _, c := range [][4]string{{b, x, b, x}, {b, b, x, x}, {b, x, x, x}} {
				if got, conflicts, why := mergeText([]byte(c[0]), []byte(c[1]), []byte(c[2]), how); string(got) != c[3] || conflicts != 0 || why != "" {
					t.Fatalf("%q: got %q, %d, %q", c, got, conflicts, why)
				}
			}
			one, n, _ := mergeText([]byte(b), []byte(x), []byte(y), how)
			other, m, _ := mergeText([]byte(b), []byte(y), []byte(x), how)
			if n != m || n == 0 && !how.Union && !bytes.Equal(one, other) {
				t.Fatalf("sides exchanged: %d conflicts %q, %d conflicts %q", n, one, m, other)
			}
		}
	})
}

// What diffLines says makes one text from the other, is as short as can be, and leaves a line between
// any two edits.
func TestDiffLines(t *testing.T) {
	t.Parallel()
	lines := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 30)
	rapid.Check(t, func(t *rapid.T) {
		a, b := lines.Draw(t, "a"), lines.Draw(t, "b")
		edits, ok := diffLines(a, b)
		var made []int
		done, changed := 0, 0
		for i, e := range edits {
			if e.a0 == e.a1 && e.b0 == e.b1 || i > 0 && e.a0 <= edits[i-1].a1 {
				t.Fatalf("edits %v", edits)
			}
			made = append(append(made, a[done:e.a0]...), b[e.b0:e.b1]...)
			done, changed = e.a1, changed+e.a1-e.a0+e.b1-e.b0
		}
		made = append(made, a[done:]...)
		if !ok || !slices.Equal(made, b) {
			t.Fatalf("%v: got %v, want %v", edits, made, b)
		}
		if want := len(a) + len(b) - 2*longest(a, b); changed != want {
			t.Fatalf("%v: %d lines changed, want %d", edits, changed, want)
		}
	})
}

// longest is the length of the longest common subsequence, by the book.
func longest(a, b []int) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			was := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j], row[j+1])
			}
			diagonal = was
		}
	}
	return row[len(b)]
}

// Where lines do not repeat, every byte is as git writes it, conflicts too. Where they do, git may
// read a change otherwise; that stays rare.
func TestMergeTextAsGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not on PATH")
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	clean, other := 0, 0
	for i := range 400 {
		repeating := i%2 == 1
		base := randomText(rng, repeating)
		ours, theirs := editedText(rng, base, repeating, "o"), editedText(rng, base, repeating, "t")
		want, conflicts := gitMerge(t, git, dir, base, ours, theirs)
		got, n, why := mergeText([]byte(base), []byte(ours), []byte(theirs), plainMerge)
		same := string(got) == want && (n == 0) == (conflicts == 0)
		if why != "" || !same && !repeating {
			t.Errorf("base %q\nours %q\ntheirs %q\n got %q, %d, %s\nwant %q, %d", base, ours, theirs, got, n, why, want, conflicts)
		}
		if conflicts == 0 {
			clean++
		}
		if !same {
			other++
		}
	}
	t.Logf("%d of 400 clean, %d read otherwise than git", clean, other)
	if clean < 100 || clean > 300 || other > 5 {
		t.Errorf("%d of 400 clean, %d read otherwise than git", clean, other)
	}
}

func randomText(rng *rand.Rand, repeating bool) string {
	var b strings.Builder
	for i := range rng.IntN(30) {
		if repeating {
			i = rng.IntN(12)
		}
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

// editedText makes a few edits: lines replaced, deleted, inserted; sometimes what the other side makes, too.
func editedText(rng *rand.Rand, text string, repeating bool, side string) string {
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	for i := range 1 + rng.IntN(3) {
		fresh := fmt.Sprintf("%s %d\n", side, i)
		if repeating && rng.IntN(2) == 0 {
			fresh = fmt.Sprintf("line %d\n", rng.IntN(12))
		}
		at := rng.IntN(len(lines) + 1)
		switch kind := rng.IntN(3); {
		case kind == 0 || at == len(lines):
			lines = slices.Insert(lines, at, fresh)
		case kind == 1:
			lines[at] = fresh
		default:
			lines = slices.Delete(lines, at, min(len(lines), at+1+rng.IntN(2)))
		}
	}
	text = strings.Join(lines, "")
	if rng.IntN(8) == 0 {
		text = strings.TrimSuffix(text, "\n")
	}
	return text
}

func gitMerge(t *testing.T, git, dir, base, ours, theirs string) (string, int) {
	t.Helper()
	for name, text := range map[string]string{"base": base, "ours": ours, "theirs": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(git, "merge-file", "--diff3", "-p", "-L", plainMerge.OursName, "-L", "base", "-L", plainMerge.TheirsName, "ours", "base", "theirs")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() < 0 || cmd.ProcessState.ExitCode() > 127 {
		t.Fatalf("git merge-file: %v: %s", err, stderr.String())
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func FuzzMergeText(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nB\nc\n", "a\nb\nC", true)
	f.Add("", "x\ny\n", "y\nz", true)
	f.Add("\n\n", "\n", "\n\n\n}\n", false)
	f.Add("a\r\n", "b", "\x00", false)
	f.Add("m v1.1\n", "m v1.1\nm v1.9\n", "m v1.1\nm v1.10\n", true)
	f.Fuzz(func(t *testing.T, base, ours, theirs string, union bool) {
		how := textMerge{OursName: "o", TheirsName: "t", Union: union}
		got, conflicts, why := mergeText([]byte(base), []byte(ours), []byte(theirs), how)
		if why != "" {
			if got != nil || conflicts != 0 {
				t.Fatalf("refused with %q, %d", got, conflicts)
			}
			return
		}
		there := lineSet(string(got))
		was := lineSet(base)
		for _, side := range []string{ours, theirs} {
			for line := range lineSet(side) {
				if !was[line] && !there[line] {
					t.Fatalf("%q is lost: %q", line, got)
				}
			}
		}
		for _, side := range []string{base, ours, theirs} {
			if again, n, why := mergeText([]byte(base), []byte(side), []byte(base), how); string(again) != side || n != 0 || why != "" {
				t.Fatalf("%q merged with its base: %q, %d, %q", side, again, n, why)
			}
		}
		_, swapped, _ := mergeText([]byte(base), []byte(theirs), []byte(ours), how)
		if swapped != conflicts {
			t.Fatalf("%d conflicts, %d with sides exchanged", conflicts, swapped)
		}
	})
}

// lineSet holds the lines of a text without their ends.
func lineSet(text string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(text) {
		set[strings.TrimRight(line, "\r\n")] = true
	}
	return set
}
