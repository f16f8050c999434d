package phases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// says makes an assistant's turn of tool calls.
func says(blocks ...agent.Block) (agent.Message, error) {
	return agent.Message{Role: agent.Assistant, Blocks: blocks}, nil
}

func write(path, content string) agent.Block {
	return use("w-"+path, "write_file", map[string]string{"path": path, "content": content})
}

func finish() agent.Block { return use("f", "finish", map[string]string{"summary": "done"}) }

// conflicting is a world in which two tasks rewrite one line of a shared file; the one that goes back
// first leaves the markers.
func conflicting(t *testing.T) *world {
	t.Helper()
	w, _ := wideWorld(t, 2, 2, nil)
	old, err := w.blobs.Put(t.Context(), []byte("nobody\n"))
	if err != nil {
		t.Fatal(err)
	}
	w.repo.head, w.repo.tree = "c0", Manifest{{Path: "shared.txt", Mode: ModeFile, Blob: old, Size: 7}}
	w.from = &memRepo{head: "c0", tree: w.repo.tree}
	w.answer = (&overlap{}).answer(func(req agent.Request) (agent.Message, error) {
		name := taskIn(req)
		switch {
		case !strings.Contains(req.Messages[0].Words(), "While you worked"):
			return says(write(name+".txt", "good"), write("shared.txt", name+" alone\n"), finish())
		case len(req.Messages) == 1:
			return says(finish()) // leaves the markers
		}
		var last string
		for _, b := range req.Messages[len(req.Messages)-1].Blocks {
			last += b.Text
		}
		if !strings.Contains(last, "E_MERGE_UNRESOLVED") {
			t.Errorf("after leaving markers the agent is told %q", last)
		}
		return says(write("shared.txt", "f00 and f01\n"), finish())
	})
	return w
}

// Two tasks rewrite one line of a shared file: the second goes back to its agent with both sides
// shown, is told why, may leave no markers, and is committed on top of the first.
func TestConflictGoesBackToItsAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := conflicting(t)
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState || len(w.repo.commits) != 2 {
			t.Fatalf("got %v, %s, %d commits", err, s.Run, len(w.repo.commits))
		}
		if first, second := s.Task("w.f00"), s.Task("w.f01"); first.Attempts+second.Attempts != 3 {
			t.Errorf("%d and %d attempts, want one task to have gone back once", first.Attempts, second.Attempts)
		}
		if got := w.contentOf(t, "shared.txt"); got != "f00 and f01\n" {
			t.Errorf("the shared file holds %q", got)
		}
		refold(t, w.journal, s)
	})
}

// pairGates are fileGates to which one file may not stand beside another unless it says so.
type pairGates struct {
	fileGates
	mu       sync.Mutex
	gate     planner.GateID // red where
	file     string         // this file is there
	unless   string         // and does not hold this
	together *[]string
}

func (g *pairGates) Run(ctx context.Context, r GateRun) (GateReport, error) {
	g.mu.Lock()
	*g.together = append(*g.together, filepath.Base(r.Tree)+" "+string(r.Gate.ID))
	g.mu.Unlock()
	if raw, err := os.ReadFile(filepath.Join(r.Tree, g.file)); r.Gate.ID == g.gate && err == nil && !strings.Contains(string(raw), g.unless) {
		return GateReport{Exit: 1, Short: "red", Feedback: "it does not go together with " + g.file, Signature: "pair"}, nil
	}
	return g.fileGates.Run(ctx, r)
}

// slowRepo takes its time for the first commit, so that the candidates that come meanwhile are merged
// together.
type slowRepo struct {
	Repo
	once sync.Once
}

func (r *slowRepo) Commit(ctx context.Context, chain ...CommitDraft) (string, error) {
	r.once.Do(func() { time.Sleep(10 * time.Second) })
	return r.Repo.Commit(ctx, chain...)
}

// Candidates that are green alone and red together: a gate is traced to the task whose merge turns it
// red, that task goes back and must from then on keep the other's gate green; what came before it in
// the batch is committed, what came after it is merged later. The gate is of a task that was committed
// before (first is f00), or of one that is merged with it.
func TestRedBatchIsTracedToItsTask(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"f00", "f05"} {
		for guilty := 1; guilty < 5; guilty++ {
			synctest.Test(t, func(t *testing.T) { redBatch(t, first, fmt.Sprintf("f%02d", guilty)) })
		}
	}
}

func redBatch(t *testing.T, first, bad string) {
	var seen, runs []string
	w, _ := wideWorld(t, 6, 6, nil)
	w.slow = true
	for i := range w.plan.Gates {
		w.plan.Gates[i].Kind = planner.GateTranscript // it sees more than the files that it names
	}
	w.answer = func(req agent.Request) (agent.Message, error) {
		name, brief := taskIn(req), req.Messages[0].Words()
		if name != first {
			time.Sleep(time.Second)
		}
		if !strings.Contains(brief, "these gates fail") {
			return says(write(name+".txt", "good"), finish())
		}
		seen = append(seen, name)
		if !strings.Contains(brief, "Another task's, which must stay green") || !strings.Contains(brief, "does not go together") {
			t.Errorf("the agent is not told which gates it must keep green, and what failed:\n%s", brief)
		}
		if len(req.Messages) == 1 {
			return says(finish()) // claims to have mended it
		}
		return says(write(name+".txt", "good mended"), finish())
	}
	w.check = &pairGates{gate: "f00", file: bad + ".txt", unless: "mended", together: &runs}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || len(w.repo.commits) != 6 {
		t.Fatalf("%s: got %v, %s, %d commits: %+v", bad, err, s.Run, len(w.repo.commits), s.Task(planner.TaskID("w."+bad)))
	}
	if len(seen) != 2 || seen[0] != bad || seen[1] != bad {
		t.Errorf("%s: %v went back", bad, seen)
	}
	if got := w.contentOf(t, bad+".txt"); got != "good mended" {
		t.Errorf("%s holds %q", bad, got)
	}
	if got := s.Task(planner.TaskID("w." + bad)).Nth; got != 6 {
		t.Errorf("%s was committed as number %d", bad, got)
	}
	for _, r := range StatusOf(w.plan, s).Requirements {
		if !r.Proven {
			t.Errorf("%s: %s is not proven", bad, r.ID)
		}
	}
	refold(t, w.journal, s)
}

// What was proven before its merge is proven again on the merged tree, and no commit holds a tree on
// which its task's gates have not run.
func TestMergedTreesAreProven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := wideWorld(t, 4, 4, widely)
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("got %v", err)
		}
		proven := map[string]bool{}
		if err := w.journal.Read(t.Context(), 0, provenTrees(proven)); err != nil {
			t.Fatal(err)
		}
		for _, task := range w.plan.Tasks() {
			st := s.Task(task.ID)
			if !proven[string(task.Gates[0])+" "+string(st.Tree)] {
				t.Errorf("%s was committed with a tree that its gate has not seen", task.ID)
			}
		}
	})
}

// provenTrees notes which gates were green on which trees.
func provenTrees(proven map[string]bool) func(checkpoint.Envelope) error {
	trees := map[budget.Op]checkpoint.Hash{}
	return func(env checkpoint.Envelope) error {
		f, err := Decode(env.Kind, env.Payload)
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case EffectStarted:
			trees[f.Op] = f.Tree
		case EffectFinished:
			if f.Gate != nil && f.Gate.Pass && !f.Gate.Base {
				proven[string(f.Gate.Gate)+" "+string(trees[f.Op])] = true
			}
		}
		return nil
	}
}
