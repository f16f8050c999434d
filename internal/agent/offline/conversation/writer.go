package conversation

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// The rules are:
//   - A file that fits is written by one call.
//   - A file larger than a whole answer is written in parts: each part ends with a line that occurs
//     nowhere in the file, which the next part's edit replaces. The line's text follows from the
//     path, so that a later turn knows it from the transcript.
//   - Where the tools refuse to replace a file that exists, it is read or removed before, as they
//     want it.

// writer collects the calls of one turn.
type writer struct {
	tools  toolset
	brief  brief
	room   int
	script transcript
	calls  []agent.Block
	whole  bool // every file so far is complete with these calls
}

// file adds the calls for f; false when the answer is full.
func (w *writer) file(f unit.File) bool {
	for _, b := range w.onto(f) {
		if cost(w.calls...)+cost(b) > w.room {
			w.whole = false
			return w.part(f)
		}
		w.calls = append(w.calls, b)
		w.whole = true
	}
	return true
}

// onto are the calls that complete f in one go.
func (w *writer) onto(f unit.File) []agent.Block {
	if done, ok := w.begun(f); ok {
		return []agent.Block{w.edit(f.Path, w.mark(f), f.Content[len(done):])}
	}
	return append(w.ready(f.Path), w.create(f.Path, f.Content))
}

// part adds the next part of a file that does not fit, if it is the first of this answer.
func (w *writer) part(f unit.File) bool {
	if len(w.calls) > 0 || w.tools.edit == nil {
		return false
	}
	done, ok := w.begun(f)
	rest, mark := f.Content[len(done):], w.mark(f)
	piece := func(s string) agent.Block {
		if ok {
			return w.edit(f.Path, mark, s+mark)
		}
		return w.create(f.Path, s+mark)
	}
	var before []agent.Block
	if !ok {
		before = w.ready(f.Path)
	}
	n := fit(rest, w.room-cost(before...)-cost(piece("")))
	if n > 0 {
		w.calls = append(append(w.calls, before...), piece(rest[:n]))
	}
	return false
}

// begun is the part of f that stands already, if the transcript shows that f was begun and not
// finished, and its edits did not fail.
func (w *writer) begun(f unit.File) (string, bool) {
	have, ok := w.script.files[f.Path]
	done, marked := strings.CutSuffix(have, w.mark(f))
	if !ok || !marked || w.tools.edit == nil || !strings.HasPrefix(f.Content, done) || len(w.script.failures[f.Path]) > 0 {
		return "", false
	}
	return done, true
}

// mark is the line that says that f goes on.
func (w *writer) mark(f unit.File) string {
	sum := sha256.Sum256([]byte(f.Path))
	mark := "\n<<continues " + hex.EncodeToString(sum[:6]) + ">>"
	for strings.Contains(f.Content, mark) {
		mark += ">"
	}
	return mark
}

// ready are the calls that must come before a file is written whole.
func (w *writer) ready(path string) []agent.Block {
	switch {
	case w.mustRead(path):
		return []agent.Block{w.tools.read.call(map[string]string{"path": w.path(path)})}
	case w.mustRemove(path):
		quoted := "'" + strings.ReplaceAll(w.path(path), "'", `'\''`) + "'"
		return []agent.Block{w.tools.run.call(map[string]string{"command": "rm -f -- " + quoted, "purpose": "Remove " + path + " to write it anew"})}
	}
	return nil
}

// mustRead says whether a file must be read before it is replaced: the last failure asks for it, as
// some programs' tools do for files that exist, or the tool's description does and the file was in
// the tree before.
func (w *writer) mustRead(path string) bool {
	if w.tools.write == nil || w.tools.read == nil {
		return false
	}
	last := w.script.lastFailure(path)
	return strings.Contains(last, "read") && strings.Contains(last, "first") || w.tools.write.reading && w.found(path)
}

// mustRemove says whether a file must be removed before it is written whole, where files are only
// created by an edit.
func (w *writer) mustRemove(path string) bool {
	if w.tools.write != nil || w.tools.run == nil {
		return false
	}
	return strings.Contains(w.script.lastFailure(path), "exist") || w.script.wrote[path] > 0 || w.found(path)
}

// found says whether a file was in the tree before the task and was not written since.
func (w *writer) found(path string) bool {
	return w.brief.tree[path] && w.script.wrote[path] == 0
}

func (w *writer) create(path, content string) agent.Block {
	if w.tools.write == nil {
		return w.edit(path, "", content)
	}
	return w.tools.write.call(map[string]string{"path": w.path(path), "content": content})
}

func (w *writer) edit(path, old, new string) agent.Block {
	return w.tools.edit.call(map[string]string{"path": w.path(path), "old": old, "new": new})
}

// path is how the offered tools want a path.
func (w *writer) path(p string) string {
	if w.brief.cwd == "" {
		return p
	}
	return w.brief.cwd + "/" + p
}

// cost is how many bytes blocks take of an answer.
func cost(blocks ...agent.Block) int {
	n := 0
	for _, b := range blocks {
		n += len(b.Text) + len(b.Name) + len(b.Input)
	}
	return n
}

// fit is the length of the longest run of whole lines of s whose JSON form takes at most room
// bytes; of whole characters, when not even one line does.
func fit(s string, room int) int {
	n := 0
	for _, line := range strings.SplitAfter(s, "\n") {
		c := quoted(line)
		if c > room {
			break
		}
		n, room = n+len(line), room-c
	}
	if n > 0 {
		return n
	}
	for i, r := range s {
		c := quoted(string(r))
		if c > room {
			return i
		}
		room -= c
	}
	return len(s)
}

// quoted is how many bytes s takes inside a JSON string.
func quoted(s string) int {
	return len(compact(s)) - 2
}
