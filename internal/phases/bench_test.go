package phases

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// pen appends to a file or removes it, and says so, or litters, which it does not say.
type pen struct {
	dir  string
	ink  string // in place of what the call says
	made *[]string
}

func (p pen) Defs() []agent.ToolDef {
	return []agent.ToolDef{{Name: "append", Schema: json.RawMessage(`{}`), Tells: true}, {Name: "cut", Schema: json.RawMessage(`{}`), Tells: true}, {Name: "litter", Schema: json.RawMessage(`{}`)}}
}

func (p pen) Call(_ context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	*p.made = append(*p.made, c.ID)
	switch c.Name {
	case "litter":
		path := filepath.Join(p.dir, c.ID)
		return agent.ToolResult{Text: "done"}, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600))
	case "cut":
		return agent.ToolResult{Text: "done", Touched: []string{"log"}}, os.Remove(filepath.Join(p.dir, "log"))
	}
	word := c.ID
	if p.ink != "" {
		word = p.ink
	}
	f, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return agent.ToolResult{}, err
	}
	_, err = f.WriteString(word + " ")
	return agent.ToolResult{Text: "done", Touched: []string{"log"}}, errors.Join(err, f.Close())
}

// desk is an attempt at a bench that crashes now and then.
type desk struct {
	t    *testing.T
	w    *world
	dir  string
	made []string // calls that were carried out
}

// sit goes on at the bench as a new process does: dir is brought to the newest tree that is kept. Its work
// is the calls by name and id, and the tools' ink.
func (d *desk) sit(ink string, calls ...string) (*bench, error) {
	return d.disturbed(ink, -1, nil, calls...)
}

// disturbed is sit, and before call n somebody does something.
func (d *desk) disturbed(ink string, n int, does func(*bench) error, calls ...string) (*bench, error) {
	d.t.Helper()
	wr, err := OpenWriter(d.t.Context(), d.w.journal, d.w.clock)
	if err != nil {
		d.t.Fatal(err)
	}
	door := Door{Writer: wr, Blobs: d.w.blobs}
	var open AttemptState
	err = wr.View(d.t.Context(), func(s *State) { open = *s.Task("t").Open })
	m, ferr := door.fetch(d.t.Context(), open.Tree)
	trees := &pickyTrees{dirTrees{d.w.blobs}}
	if err := errors.Join(err, ferr, trees.Materialise(d.t.Context(), m, d.dir, false)); err != nil {
		d.t.Fatal(err)
	}
	d.made = nil
	b := newBench(pen{d.dir, ink, &d.made}, door, trees, &attempt{build: "b-1", task: "t", number: 1}, d.dir, "", open.Kept)
	for i, c := range calls {
		if i == n {
			if err := does(b); err != nil {
				d.t.Fatal(err)
			}
		}
		name, id, _ := strings.Cut(c, " ")
		if _, err = b.Call(d.t.Context(), agent.ToolCall{ID: id, Name: name, Input: json.RawMessage(`{"id":"` + id + `"}`)}); err != nil {
			break
		}
	}
	return b, errors.Join(err, wr.Close(d.t.Context()))
}

// Law L4: of calls that say what they touched no tree is kept, and a restart makes those again that follow the newest
// tree that is: each once, and to the tree it came to, or the attempt is given up.
func TestCallsAreMadeAgain(t *testing.T) {
	t.Parallel()
	d := &desk{t: t, w: newWorld(t), dir: t.TempDir()}
	wr, err := OpenWriter(t.Context(), d.w.journal, d.w.clock)
	if err != nil {
		t.Fatal(err)
	}
	begin := []Fact{BuildStarted{Build: "b-1"}, TaskStarted{Task: "t"}, AttemptStarted{Task: "t", Attempt: 1}}
	if err := errors.Join(wr.Record(t.Context(), begin...), wr.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	log := func() string {
		raw, err := os.ReadFile(filepath.Join(d.dir, "log"))
		if err != nil {
			t.Error(err)
		}
		return string(raw)
	}
	calls := []string{"append a", "append b"}
	first, err := d.sit("", calls...)
	if kept, herr := d.w.blobs.Has(t.Context(), first.tree); err != nil || herr != nil || kept || log() != "a b " {
		t.Fatalf("%v, %v: tree kept %t, %q", err, herr, kept, log())
	}
	calls = append(calls, "litter c", "append d", "append e")
	second, err := d.sit("", calls...)
	if got := strings.Join(d.made, ""); err != nil || got != "abcde" || log() != "a b d e " {
		t.Fatalf("%v: made %q, %q", err, got, log())
	}
	third, err := d.sit("", calls...)
	if got := strings.Join(d.made, ""); err != nil || got != "de" || third.tree != second.tree || log() != "a b d e " {
		t.Errorf("%v: after the tree that is kept, %q was made again; %q", err, got, log())
	}
	if _, err := d.sit("x", calls...); !errors.Is(err, ErrReplay) {
		t.Errorf("a call that comes to another tree: %v", err)
	}
	undone, err := d.sit("", append(calls, "litter bad.txt", "append f")...)
	if _, serr := os.Stat(filepath.Join(d.dir, "bad.txt")); err != nil || !os.IsNotExist(serr) || log() != "a b d e f " {
		t.Errorf("%v: after a call was undone: %q, %v", err, log(), serr)
	}
	if m, err := undone.trees.Scan(t.Context(), d.dir); err != nil || m.ID() != undone.tree {
		t.Errorf("%v: the tree is not the one it is taken for", err)
	}
	calls = append(calls, "litter bad.txt", "append f", "append g", "litter h")
	stray := func(b *bench) error {
		return os.WriteFile(filepath.Join(d.dir, "log"), []byte("what no call wrote"), 0o600)
	}
	if _, err := d.disturbed("", len(calls)-1, stray, calls...); err != nil || log() != "a b d e f g " {
		t.Errorf("%v: what no call wrote is kept: %q", err, log())
	}
	calls = append(calls, "cut i", "litter k", "append l", "cut m") // after the last one the tree is a kept one again
	if _, err := d.sit("", append(calls, "litter log/bad.txt", "litter n")...); err != nil {
		t.Errorf("a command stood in the way of calls that a kept tree needs no more: %v", err)
	}
	err = d.w.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		f, err := Decode(e.Kind, e.Payload)
		for _, h := range BlobsOf(f) {
			if _, berr := d.w.blobs.Get(t.Context(), h); berr != nil {
				t.Errorf("record %d: %v", e.Seq, berr)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
