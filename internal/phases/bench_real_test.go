package phases_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

// shell is the real tools and a run that does what it is told.
type shell struct {
	*tools.Toolbox
	dir string
}

func (s shell) Defs() []agent.ToolDef {
	return append(s.Toolbox.Defs(), agent.ToolDef{Name: "run", Schema: json.RawMessage(`{}`)})
}

func (s shell) Call(ctx context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	if c.Name != "run" {
		return s.Toolbox.Call(ctx, c)
	}
	var in struct{ Do, Path, Content string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return agent.ToolResult{}, err
	}
	path := filepath.Join(s.dir, in.Path)
	switch in.Do { // what cannot be done is not done
	case "write":
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		_ = os.WriteFile(path, []byte(in.Content), 0o644)
	case "remove":
		_ = os.RemoveAll(path)
	case "folder": // with nothing in it that is of the tree
		_ = os.RemoveAll(path)
		_ = os.MkdirAll(path, 0o755)
		_ = os.WriteFile(filepath.Join(path, "x.log"), []byte(in.Content), 0o644)
	case "link":
		_ = os.RemoveAll(path)
		_ = os.Symlink("/etc/hostname", path) // it may not be committed
	}
	return agent.ToolResult{Text: "ran"}, nil
}

// hut is an attempt at a bench with real trees.
type hut struct {
	journal checkpoint.Journal
	blobs   *checkpoint.MemoryBlobs
	dir     string
}

func newHut(t *rapid.T, dir string, ignore string) hut {
	h := hut{&checkpoint.Memory{}, &checkpoint.MemoryBlobs{}, dir}
	for name, content := range map[string]string{".gitignore": ignore, "a/x": "one\n", "b": "one\n"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	m, err := h.trees().Scan(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := phases.Keep(ctx, h.blobs, m)
	if err != nil {
		t.Fatal(err)
	}
	w, err := phases.OpenWriter(ctx, h.journal, nil)
	if err != nil {
		t.Fatal(err)
	}
	begun := []phases.Fact{phases.BuildStarted{Build: "b-1"}, phases.TaskStarted{Task: "t", Tree: tree}, phases.AttemptStarted{Task: "t", Attempt: 1}}
	if err := errors.Join(w.Record(ctx, begun...), w.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h hut) trees() *workspace.Trees {
	return workspace.NewTrees(h.blobs, workspace.Limits{FileBytes: 20})
}

// live is one process: it makes the calls until it dies, after so many appends, fewer than none being all, and gives
// the tree after each.
func (h hut) live(calls []agent.ToolCall, appends int) (trees []string, err error) {
	ctx := context.Background()
	w, err := phases.OpenWriter(ctx, phases.Dying(h.journal, appends), nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := w.Close(ctx); err == nil {
			err = cerr
		}
	}()
	b, candidate, err := phases.OpenBench(ctx, w, h.blobs, shell{tools.New(tools.Config{Root: h.dir}), h.dir}, h.trees(), h.dir)
	if err != nil {
		return nil, err
	}
	for _, c := range calls {
		if c.Name == "candidate" {
			err = candidate(ctx)
		} else {
			_, err = b.Call(ctx, c)
		}
		if err != nil {
			return trees, err
		}
		trees = append(trees, b.(agent.TreeTeller).Tree())
	}
	return trees, nil
}

// Law L4, with the real tools and trees: whatever calls an attempt made and wherever its processes died, it has the
// trees that it has without; none is given up for it, and every blob that a record names is there.
func TestCrashesAtTheBench(t *testing.T) {
	t.Parallel()
	base, n, again := t.TempDir(), 0, 0
	path := rapid.SampledFrom([]string{"a/x", "a/y", "b", "c/d/e", "build", "c.log", ".gitignore"})
	content := rapid.SampledFrom([]string{"one\n", "two\n", "*.log\nbuild\n", "much more than the limit allows\n"})
	rapid.Check(t, func(r *rapid.T) {
		n++
		ignore := rapid.SampledFrom([]string{"", "*.log\n", "*.log\nbuild/\n"}).Draw(r, "ignore")
		whole, torn := newHut(r, filepath.Join(base, fmt.Sprint(n, "whole")), ignore), newHut(r, filepath.Join(base, fmt.Sprint(n, "torn")), ignore)
		var calls []agent.ToolCall
		for i := range rapid.IntRange(2, 12).Draw(r, "calls") {
			c := agent.ToolCall{ID: fmt.Sprint(i), Name: rapid.SampledFrom([]string{"write_file", "write_file", "edit_file", "run", "run", "note", "read_file", "candidate"}).Draw(r, "tool")}
			in := map[string]string{"path": path.Draw(r, "path")}
			switch c.Name {
			case "write_file":
				in["content"] = content.Draw(r, "content")
			case "edit_file":
				in["old"], in["new"] = "o", rapid.SampledFrom([]string{"u", "oo"}).Draw(r, "new")
			case "note":
				in = map[string]string{"text": "noted"}
			case "run":
				in["content"], in["do"] = content.Draw(r, "content"), rapid.SampledFrom([]string{"write", "remove", "folder", "link"}).Draw(r, "do")
			}
			raw, err := json.Marshal(in)
			if err != nil {
				r.Fatal(err)
			}
			c.Input = raw
			calls = append(calls, c)
		}
		want, err := whole.live(calls, -1)
		if err != nil {
			r.Fatalf("without a crash: %v", err)
		}
		for range rapid.IntRange(0, 4).Draw(r, "deaths") {
			if _, err := torn.live(calls, rapid.IntRange(0, 12).Draw(r, "appends")); err != nil && !errors.Is(err, phases.ErrCrash) {
				r.Fatalf("after a crash: %v", err)
			}
		}
		got, err := torn.live(calls, -1)
		if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
			r.Fatalf("%v: trees\n%s, without a crash\n%s", err, got, want)
		}
		for _, h := range []hut{whole, torn} {
			left, err := named(h)
			if err != nil {
				r.Fatal(err)
			}
			again += left
		}
	})
	if again == 0 {
		t.Error("no call left a tree that was not kept")
	}
}

// named reads every blob that records name, and counts the trees that are not kept.
func named(h hut) (left int, err error) {
	ctx := context.Background()
	var blobs []checkpoint.Hash
	err = h.journal.Read(ctx, 0, func(e checkpoint.Envelope) error {
		f, err := phases.Decode(e.Kind, e.Payload)
		if done, ok := f.(phases.EffectFinished); ok && done.Left != "" {
			left++
		}
		blobs = append(blobs, phases.BlobsOf(f)...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return left, phases.Reach(ctx, h.blobs, blobs, func(h checkpoint.Hash, _ []byte, err error) error { return err })
}
