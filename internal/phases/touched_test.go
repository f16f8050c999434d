package phases

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// sly writes a file: by write_file, which says so, or by run, which does not.
type sly struct{ dir string }

func (s sly) Defs() []agent.ToolDef {
	return []agent.ToolDef{{Name: "write_file", Schema: json.RawMessage(`{}`), Tells: true}, {Name: "run", Schema: json.RawMessage(`{}`)}}
}

func (s sly) Call(_ context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	res := agent.ToolResult{Text: c.Name}
	if c.Name == "write_file" {
		res.Touched = []string{c.Name}
	}
	return res, os.WriteFile(filepath.Join(s.dir, c.Name), []byte(c.ID), 0o600)
}

// lookers are trees that count how they are looked at.
type lookers struct {
	dirTrees
	whole, parts int
}

func (l *lookers) Scan(ctx context.Context, dir string) (Manifest, error) {
	l.whole++
	return l.dirTrees.Scan(ctx, dir)
}

func (l *lookers) Rescan(ctx context.Context, dir string, base Manifest, paths []string, store bool) (Manifest, bool, error) {
	l.parts++
	return l.dirTrees.Rescan(ctx, dir, base, paths, store)
}

// Law L4: what a call that cannot tell has changed is found by a look at everything; a call that tells
// is believed. Each outcome is known at once, and durable with the next record.
func TestWholeLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	wr, err := OpenWriter(t.Context(), w.journal, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	trees := &lookers{dirTrees: dirTrees{w.blobs}}
	b := newBench(sly{dir}, Door{Writer: wr, Blobs: w.blobs}, trees, &attempt{build: "b-1", task: "t", number: 1}, dir, "", 0)
	for i, c := range []struct {
		tool         string // before one that may do anything the tree is kept, by a look at what was touched
		whole, parts int
		has          []string
	}{
		{"write_file", 0, 1, []string{"write_file"}},
		{"run", 1, 2, []string{"run", "write_file"}},
		{"write_file", 1, 3, []string{"run", "write_file"}},
	} {
		if _, err := b.Call(t.Context(), agent.ToolCall{ID: string(rune('a' + i)), Name: c.tool, Input: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
		m := b.files
		if b.tree == b.kept {
			if m, err = b.door.fetch(t.Context(), b.tree); err != nil {
				t.Fatal(err)
			}
		}
		if paths := Changed(nil, m); trees.whole != c.whole || trees.parts != c.parts || !slices.Equal(paths, c.has) {
			t.Errorf("after %d calls: %d whole looks, %d at parts, tree has %q", i+1, trees.whole, trees.parts, paths)
		}
	}
	kinds := func() (kinds []string) {
		err := w.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error { kinds = append(kinds, e.Kind); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return kinds
	}
	if got := kinds(); got[len(got)-1] != string(KindEffectStarted) {
		t.Errorf("the outcome of a call that can be done again was waited for: %q", got)
	}
	same := agent.ToolCall{ID: "c", Name: "write_file", Input: json.RawMessage(`{}`)}
	if _, err := b.Call(t.Context(), same); err != nil { // as of an ignored file: no manifest has it, so nothing undoes it
		t.Fatal(err)
	}
	if got := kinds(); got[len(got)-1] != string(KindEffectFinished) {
		t.Errorf("a call that no manifest shows would be made twice: %q", got)
	}
	same.ID = "d"
	if _, err := b.Call(t.Context(), same); err != nil {
		t.Fatal(err)
	}
	if err := wr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := kinds(); got[len(got)-1] != string(KindEffectFinished) {
		t.Errorf("an outcome was lost: %q", got)
	}
}
