package tools_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/agent/tools"
)

func TestRead(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.put(t, "three", "one\ntwo\nthree\n")
	h.put(t, "open", "one\ntwo")
	h.put(t, "empty", "")
	h.put(t, "binary", "a\x00b")
	h.put(t, "latin", "caf\xe9\x1b[31m\n")
	h.put(t, "crlf", "a\r\nb\r\n")
	tests := []struct {
		in   args
		want string
	}{
		{args{"path": "three"}, "one\ntwo\nthree\n"},
		{args{"path": "./three", "offset": 2}, "two\nthree\n"},
		{args{"path": "three", "offset": 2, "limit": 1}, "two\n[lines 2 to 2 of 3; go on with offset 3]"},
		{args{"path": "three", "limit": 99, "numbers": true}, "     1\tone\n     2\ttwo\n     3\tthree\n"},
		{args{"path": "three", "offset": 4}, "[the file has 3 lines, there is no line 4]"},
		{args{"path": "three", "offset": -3, "limit": -1}, "one\ntwo\nthree\n"},
		{args{"path": "open", "offset": 2}, "two"},
		{args{"path": "empty"}, "[the file is empty]"},
		{args{"path": "latin"}, "caf\uFFFD\x1b[31m\n"},
		{args{"path": "crlf"}, "a\r\nb\r\n"},
	}
	for _, tt := range tests {
		if out := h.do(t, "read_file", tt.in); out.Error || out.Text != tt.want {
			t.Errorf("%v: got %q, want %q", tt.in, out.Text, tt.want)
		}
	}
	wantCode(t, h.do(t, "read_file", args{"path": "binary"}), tools.CodeFileBinary)
	wantCode(t, h.do(t, "read_file", args{"path": "missing"}), tools.CodePathNotFound)
	wantCode(t, h.do(t, "read_file", args{"path": "no/folder"}), tools.CodePathNotFound)
	h.put(t, "huge", strings.Repeat("x", 16<<20+1))
	wantCode(t, h.do(t, "read_file", args{"path": "huge"}), tools.CodeFileTooLarge)
}

// Pages of a long file put together are the file.
func TestReadPages(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	var want strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&want, "line %d of a long file\n", i)
	}
	h.put(t, "long", want.String())
	var got strings.Builder
	next := 1
	for range 20 {
		out := h.do(t, "read_file", args{"path": "long", "offset": next})
		if len(out.Text) > 16<<10+100 {
			t.Fatalf("%d bytes", len(out.Text))
		}
		body, hint, more := strings.Cut(out.Text, "\n[lines ")
		got.WriteString(body)
		if !more {
			break
		}
		got.WriteByte('\n')
		var from, to, total int
		if _, err := fmt.Sscanf(hint, "%d to %d of %d; go on with offset %d]", &from, &to, &total, &next); err != nil {
			t.Fatalf("%q: %v", hint, err)
		}
	}
	if got.String() != want.String() {
		t.Error("the pages are not the file")
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	const text = "package main\n\nfunc main() {\n\tprintln(\"a\")\n\tprintln(\"b\")\n}\n"
	tests := []struct {
		name, old, new string
		want           string // the file afterwards; "" means unchanged
		code           string
		says           []string
	}{
		{name: "once", old: "println(\"a\")", new: "println(\"x\")", want: strings.Replace(text, `"a"`, `"x"`, 1)},
		{name: "over lines", old: "{\n\tprintln(\"a\")", new: "{", want: strings.Replace(text, "\n\tprintln(\"a\")", "", 1)},
		{name: "delete", old: "package main\n\n", new: "", want: text[len("package main\n\n"):]},
		{name: "no match, white space", old: "    println(\"a\")", new: "x", code: tools.CodeEditNoMatch, says: []string{"from line 4", "only white space differs", "\tprintln(\"a\")"}},
		{name: "no match, near", old: "func main(args) {", new: "x", code: tools.CodeEditNoMatch, says: []string{"from line 3", "func main() {"}},
		{name: "no match at all", old: "zzzzzz", new: "x", code: tools.CodeEditNoMatch, says: []string{"6 lines"}},
		{name: "ambiguous", old: "println(", new: "x", code: tools.CodeEditAmbiguous, says: []string{"2 times", "lines 4, 5"}},
		{name: "empty old", old: "", new: "x", code: tools.CodeEditInvalid},
		{name: "nothing changes", old: "main", new: "main", code: tools.CodeEditInvalid},
		{name: "too large", old: "func main", new: strings.Repeat("x", 2<<20), code: tools.CodeEditTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHands(t)
			h.put(t, "main.go", text)
			out := h.do(t, "edit_file", args{"path": "main.go", "old": tt.old, "new": tt.new})
			if tt.code != "" {
				wantCode(t, out, tt.code)
				tt.want = text
			} else if out.Error {
				t.Error(out.Text)
			}
			for _, s := range tt.says {
				if !strings.Contains(out.Text, s) {
					t.Errorf("got %q, want %q in it", out.Text, s)
				}
			}
			if got := h.get(t, "main.go"); got != tt.want {
				t.Errorf("the file is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEditRefusals(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.put(t, "bin", "a\x00b")
	h.put(t, "big", strings.Repeat("x", 2<<20+1))
	h.put(t, "crlf", "one\r\ntwo\r\n")
	wantCode(t, h.do(t, "edit_file", args{"path": "bin", "old": "a", "new": "b"}), tools.CodeFileBinary)
	wantCode(t, h.do(t, "edit_file", args{"path": "big", "old": "a", "new": "b"}), tools.CodeEditTooLarge)
	wantCode(t, h.do(t, "edit_file", args{"path": "none", "old": "a", "new": "b"}), tools.CodePathNotFound)
	wantCode(t, h.do(t, "edit_file", args{"path": "crlf", "old": "one"}), tools.CodeEditInvalid)
	out := h.do(t, "edit_file", args{"path": "crlf", "old": "one\ntwo", "new": "b"})
	wantCode(t, out, tools.CodeEditNoMatch)
	if !strings.Contains(out.Text, "CR LF") {
		t.Errorf("got %q", out.Text)
	}
	wantCode(t, h.do(t, "write_file", args{"path": "x", "content": strings.Repeat("x", 2<<20+1)}), tools.CodeEditTooLarge)
}

// An edit changes the file in one place and nowhere else, or not at all.
func TestEditReplacesExactlyOnce(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[ab\n]{0,30}`).Draw(rt, "text")
		old := rapid.StringMatching(`[ab\n]{0,4}`).Draw(rt, "old")
		repl := rapid.StringMatching(`[abc]{0,4}`).Draw(rt, "new")
		h.put(t, "f", text)
		out := h.do(t, "edit_file", args{"path": "f", "old": old, "new": repl})
		n := 0
		for i := range len(text) {
			if old != "" && strings.HasPrefix(text[i:], old) {
				n++
			}
		}
		want := text
		if n == 1 && old != repl {
			want = strings.Replace(text, old, repl, 1)
		}
		if got := h.get(t, "f"); got != want || out.Error != (want == text) {
			rt.Fatalf("%q, %q -> %q: %q, %s", text, old, repl, got, out.Text)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	for _, f := range []string{"b.go", "a/x.go", "a/b/y.txt", ".git/config", "node_modules/p/i.js", "a/.vscode/s.json"} {
		h.put(t, f, "12345")
	}
	tests := []struct {
		in   args
		want string
	}{
		{args{}, "a/b/y.txt 5\na/x.go 5\nb.go 5\n"},
		{args{"path": "."}, "a/b/y.txt 5\na/x.go 5\nb.go 5\n"},
		{args{"path": "a/b"}, "a/b/y.txt 5\n"},
		{args{"path": "b.go"}, "b.go 5\n"},
		{args{"glob": "**/*.go"}, "a/x.go 5\nb.go 5\n"},
		{args{"glob": "*.md"}, "[no files]"},
		{args{"path": "node_modules/p"}, "node_modules/p/i.js 5\n"},
	}
	for _, tt := range tests {
		if out := h.do(t, "list_files", tt.in); out.Error || out.Text != tt.want {
			t.Errorf("%v: got %q, want %q", tt.in, out.Text, tt.want)
		}
	}
	wantCode(t, h.do(t, "list_files", args{"path": "none"}), tools.CodePathNotFound)
	wantCode(t, h.do(t, "list_files", args{"glob": "["}), tools.CodePattern)
}

func TestListIsBounded(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	for i := range 1200 {
		h.put(t, fmt.Sprintf("d/%04d", i), "")
	}
	out := h.do(t, "list_files", args{})
	if !strings.HasSuffix(out.Text, "[200 files more; narrow path or glob]\n") {
		t.Errorf("ends in %q", out.Text[len(out.Text)-80:])
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.put(t, "a.go", "package a\n\nfunc A() {}\n")
	h.put(t, "b/b.go", "package b\r\nfunc B() {}\r\n")
	h.put(t, "b/b.txt", "func in text")
	h.put(t, "bin", "func\x00")
	tests := []struct {
		in   args
		want string
	}{
		{args{"pattern": `^func \w\(\) \{\}$`}, "a.go:3: func A() {}\nb/b.go:2: func B() {}\n"},
		{args{"pattern": "func", "path": "b"}, "b/b.go:2: func B() {}\nb/b.txt:1: func in text\n"},
		{args{"pattern": "func", "glob": "**/*.txt"}, "b/b.txt:1: func in text\n"},
		{args{"pattern": "func", "path": "a.go"}, "a.go:3: func A() {}\n"},
		{args{"pattern": "nothing"}, "[nothing found]"},
	}
	for _, tt := range tests {
		if out := h.do(t, "search", tt.in); out.Error || out.Text != tt.want {
			t.Errorf("%v: got %q, want %q", tt.in, out.Text, tt.want)
		}
	}
	for _, pattern := range []string{"", "(", `\p{X}`, strings.Repeat("x", 2000), "(?=a)"} {
		wantCode(t, h.do(t, "search", args{"pattern": pattern}), tools.CodePattern)
	}
	h.put(t, "many", strings.Repeat("hit\n", 500))
	out := h.do(t, "search", args{"pattern": "hit"})
	if n := strings.Count(out.Text, "hit\n"); n != 200 || !strings.Contains(out.Text, "there is more") {
		t.Errorf("%d lines: %q", n, out.Text[len(out.Text)-60:])
	}
}

func TestNote(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	if out := h.do(t, "note", args{"text": " use bbolt\n"}); out.Error || out.Note != "use bbolt" {
		t.Errorf("got %+v", out)
	}
	wantCode(t, h.do(t, "note", args{"text": strings.Repeat("x", 4097)}), tools.CodeNoteTooLong)
	if out := h.do(t, "note", args{"text": " "}); !out.Error || out.Note != "" {
		t.Errorf("got %+v", out)
	}
}
