package phases

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// clerk is a program: it looks, says that it is finished too early, mends what it is told, keeps a note,
// and says that it is finished again. What it did before it was killed stands in its folder.
type clerk struct {
	mu       sync.Mutex
	begun    []string // sessions that were gone on with
	said     []string
	verdicts map[string]int // by feedback
	end      agent.Outcome  // of the first attempt at one.a, where it is not accepted
	fail     error          // of Run, as often as fails says
	fails    int
}

func (c *clerk) Run(ctx context.Context, r ProgramRun) (agent.Result, error) {
	c.mu.Lock()
	if r.Job.Begun {
		c.begun = append(c.begun, r.Job.Session)
	}
	c.said = append(c.said, r.Job.Said...)
	failed := c.fails > 0
	c.fails--
	c.mu.Unlock()
	if failed {
		return agent.Result{}, c.fail
	}
	leave, err := r.Enter(ctx, "test")
	if err != nil {
		return agent.Result{}, err
	}
	leave()
	name := strings.TrimPrefix(r.Op.Task, "one.") + ".txt"
	if c.end != "" && name == "a.txt" && r.Op.Attempt == 1 {
		return agent.Result{Outcome: c.end, Reason: "so it is", Evidence: "none"}, nil
	}
	for _, content := range []string{"bad", "good"} {
		if err := os.WriteFile(filepath.Join(r.Job.Dir, name), []byte(content), 0o600); err != nil {
			return agent.Result{}, err
		}
		if err := r.Job.Foreman.Note(ctx, name+" is "+content); err != nil {
			return agent.Result{}, err
		}
		v, err := r.Job.Foreman.Verify(ctx, "done")
		if err != nil {
			return agent.Result{}, err
		}
		c.mu.Lock()
		c.verdicts[v.Feedback]++
		c.mu.Unlock()
		if v.Accepted {
			return agent.Result{Outcome: agent.Accepted, Summary: "made " + name}, nil
		}
	}
	return agent.Result{Outcome: agent.Stuck, Reason: "the gates"}, nil
}

func (c *clerk) Versions(context.Context) (program, prompts string) { return "clerk 2", "words" }

func programWorld(t *testing.T) (*world, *clerk) {
	w, c := newWorld(t), &clerk{verdicts: map[string]int{}}
	w.programs = c
	return w, c
}

// A program's work is proven and committed like any other's; killed before any append and after any, it
// goes on in the same session, and the tree, the commits and the notes come out the same.
func TestProgramCarriesTasksOut(t *testing.T) {
	t.Parallel()
	whole, c := programWorld(t)
	want, err := whole.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || want.Run != DoneState || len(whole.repo.commits) != 2 || len(c.begun) != 0 {
		t.Fatalf("got %v, %s, %d commits, %v gone on with", err, want.Run, len(whole.repo.commits), c.begun)
	}
	if n := want.Task("one.a").Notes; len(n) != 2 || want.Task("one.a").Summary != "made a.txt" || len(c.verdicts) < 2 {
		t.Errorf("notes %q, %+v, %v", n, want.Task("one.a"), c.verdicts)
	}
	err = whole.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		f, err := Decode(e.Kind, e.Payload)
		if f, ok := f.(AttemptStarted); ok && f.Engine != "" && (f.Version != "clerk 2" || f.Prompts != agent.PromptVersion()+"+words") {
			t.Errorf("an attempt does not say who carried it out: %+v", f)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	again := 0
	for name, dying := range map[string]func(checkpoint.Journal, int) checkpoint.Journal{
		"before": func(j checkpoint.Journal, n int) checkpoint.Journal { return &dyingJournal{Journal: j, left: n} },
		"after":  func(j checkpoint.Journal, n int) checkpoint.Journal { return &amnesiac{Journal: j, left: n} },
	} {
		for n := 0; ; n++ {
			w, c := programWorld(t)
			real := w.journal
			w.journal = dying(real, n)
			if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err == nil {
				break
			} else if !errors.Is(err, errCrash) {
				t.Fatalf("%s crash %d: got %v", name, n, err)
			}
			w.journal = real
			s, err := w.run(t, budget.Caps{USD: budget.Dollar})
			if err != nil || s.Run != DoneState || w.repo.folder.ID() != whole.repo.folder.ID() || len(w.repo.commits) != 2 || s.Task("one.a").Attempts != 1 {
				t.Fatalf("%s crash %d: %v, %s, %d commits, %+v", name, n, err, s.Run, len(w.repo.commits), s.Task("one.a"))
			}
			again += len(c.begun)
			refold(t, real, s)
		}
	}
	if again < 20 {
		t.Errorf("only %d attempts were gone on with", again)
	}
}

// What a program cannot do, or refuses to, is told as with any agent; a provider that it cannot reach
// pauses the build, and the attempt stays open for the same session.
func TestProgramEnds(t *testing.T) {
	t.Parallel()
	for _, end := range []agent.Outcome{agent.Blocked, agent.Stuck, agent.Declined} {
		w, c := programWorld(t)
		c.end = end
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		attempts, run := 2, DoneState
		if end == agent.Blocked {
			attempts, run = 1, FailedState
		}
		if err != nil || s.Run != run || s.Task("one.a").Attempts != attempts {
			t.Errorf("%s: got %v, %s, %+v", end, err, s.Run, s.Task("one.a"))
		}
	}
	w, c := programWorld(t)
	c.fail, c.fails = &agent.Failure{Class: agent.WaitUntil, Cause: agent.CauseRate, Message: "slow down"}, 6
	_, err := w.run(t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeProvider {
		t.Fatalf("got %v", err)
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || len(c.begun) != 6 || s.Task("one.a").Attempts != 1 {
		t.Errorf("got %v, %s, begun %v", err, s.Run, c.begun)
	}
	w, c = programWorld(t)
	c.fail, c.fails = &agent.Failure{Class: agent.Retry, Cause: agent.CauseNetwork}, 3
	if s, err = w.run(t, budget.Caps{USD: budget.Dollar}); err != nil || s.Run != DoneState || len(c.begun) != 3 {
		t.Errorf("after three failures: %v, %s, begun %v", err, s.Run, c.begun)
	}
}

// A program goes on in its folder as it left it; where the folder is gone it is brought back to what was
// recorded last, and the program is told.
func TestProgramTreeIsTrue(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		w, c := programWorld(t)
		c.fail, c.fails = &agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseMoney}, 1
		if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err == nil {
			t.Fatal("no pause")
		}
		dir := filepath.Join(w.scratch, "one.a.1")
		err := os.WriteFile(filepath.Join(dir, "left.txt"), []byte("half done"), 0o600)
		if gone {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("got %v, %s", err, s.Run)
		}
		if _, there := w.repo.tree.Find("left.txt"); there == gone {
			t.Errorf("gone %v: what was left stands there: %v", gone, there)
		}
		if told := slices.ContainsFunc(c.said, func(s string) bool { return strings.Contains(s, "brought back") }); told != gone {
			t.Errorf("gone %v: told %q", gone, c.said)
		}
	}
}
