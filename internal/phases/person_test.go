package phases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// helm gives orders from within the model's answers: while a call is in flight.
type helm struct {
	mu    sync.Mutex
	desk  Desk
	asked []string // all that the model was told, by call that was really sent
	lost  error    // of the last order
}

// steered makes the model of a world give orders: before returns those of the n-th call to be sent.
func steered(w *world, answer func(agent.Request) (agent.Message, error), orders func(req agent.Request) []Order) *helm {
	h := &helm{}
	plan := twoTasks()
	w.answer = answer
	w.model = func(wr *Writer) agent.Model {
		h.desk = Desk{Writer: wr, Plan: func(*State) *planner.Plan { return &plan }}
		return ledgerModel{func() *Writer { return wr }, w.blobs, w.sent, func(req agent.Request) (agent.Message, error) {
			h.note(req)
			for _, o := range orders(req) {
				if _, _, err := h.desk.Give(context.Background(), o); err != nil {
					h.mu.Lock()
					h.lost = err
					h.mu.Unlock()
				}
			}
			return answer(req)
		}, false}
	}
	return h
}

func (h *helm) note(req agent.Request) {
	var b strings.Builder
	for _, m := range req.Messages {
		for _, bl := range m.Blocks {
			b.WriteString(bl.Text + "\n")
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, b.String())
}

func words(req agent.Request) string {
	var b strings.Builder
	for _, m := range req.Messages {
		for _, bl := range m.Blocks {
			b.WriteString(bl.Text + "\n")
		}
	}
	return b.String()
}

// A note reaches the running attempt at its next turn and the attempts after it, once each, and
// those whose task it is for only.
func TestNotesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := steered(w, scripted, func(req agent.Request) []Order {
		if req.Schema != nil || len(req.Messages) > 1 || !strings.Contains(words(req), `<task id="one.a">`) {
			return nil
		}
		return []Order{
			{ID: "all", Verb: OrderNote, Text: "prefer tabs"}, {ID: "mine", Verb: OrderNote, Task: "one.a", Text: "only for a"},
			{ID: "other", Verb: OrderNote, Task: "one.b", Text: "only for b"},
		}
	})
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || h.lost != nil {
		t.Fatalf("got %v, %s, %v", err, s.Run, h.lost)
	}
	// planning, a before and after the notes, b twice
	for i, want := range []struct{ tabs, a, b int }{{0, 0, 0}, {0, 0, 0}, {1, 1, 0}, {1, 0, 1}, {1, 0, 1}} {
		said := h.asked[i]
		got := []int{strings.Count(said, "prefer tabs"), strings.Count(said, "only for a"), strings.Count(said, "only for b")}
		if got[0] != want.tabs || got[1] != want.a || got[2] != want.b {
			t.Errorf("call %d was told %v, want %v", i, got, want)
		}
	}
	refold(t, w.journal, s)
}

// Law L2: orders given in any call, and a process that dies at any record and that sends its orders
// again: each is carried out once, and no question is asked twice for a note but those in flight.
func TestOrdersOverCrashes(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		w := newWorld(t)
		h := steered(w, scripted, func(req agent.Request) []Order {
			at := fmt.Sprintf("%.8s", sumOf(fmt.Sprint(len(req.Messages)), req.Messages[0].Words()))
			if req.Schema != nil {
				return nil
			}
			usd := budget.Dollar + budget.Micro(len(req.Messages))
			return []Order{{ID: "n-" + at, Verb: OrderNote, Text: "note " + at}, {ID: "c-" + at, Verb: OrderCap, Caps: &CapChange{USD: &usd}}}
		})
		real := w.journal
		w.journal = &amnesiac{Journal: real, left: n}
		_, err := w.run(t, budget.Caps{USD: budget.Dollar})
		dead := errors.Is(err, errCrash)
		if err != nil && !dead {
			t.Fatalf("killed at %d: %v", n, err)
		}
		w.journal, h.lost = real, nil
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState || h.lost != nil {
			t.Fatalf("killed at %d: %v, %s, %v", n, err, s.Run, h.lost)
		}
		if len(s.Orders) != 8 || len(s.Said) != 4 {
			t.Fatalf("killed at %d: %d orders, said %+v", n, len(s.Orders), s.Said)
		}
		for i, said := range h.asked {
			for _, note := range s.Said {
				if strings.Count(said, note.Text) > 1 {
					t.Errorf("killed at %d: call %d is told %q more than once", n, i, note.Text)
				}
			}
		}
		for hash, times := range w.sent.n {
			if times > 2 {
				t.Errorf("killed at %d: %s was asked %d times", n, hash, times)
			}
		}
		checkOnce(t, real, n)
		refold(t, real, s)
		if !dead {
			break
		}
	}
}

// checkOnce wants one record for every order.
func checkOnce(t *testing.T, j checkpoint.Journal, n int) {
	t.Helper()
	seen := map[string]int{}
	err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		f, err := Decode(e.Kind, e.Payload)
		if o, ok := f.(Ordered); ok {
			seen[o.ID]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("killed at %d: order %s has %d records", n, id, times)
		}
	}
}

// inquiring asks a person before it writes a; b is no trouble.
func inquiring(req agent.Request) (agent.Message, error) {
	if req.Schema == nil && strings.Contains(words(req), `<task id="one.a">`) && !strings.Contains(words(req), "blue, of course") {
		return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
			use("1", "look", map[string]string{}),
			use("2", "write_file", map[string]string{"path": "b.txt", "content": "good"}),
			use("3", "blocked", map[string]string{"reason": "two requirements differ", "evidence": "R1", "question": "Which colour?"}),
		}}, nil
	}
	return scripted(req)
}

// apart makes the tasks independent of each other.
func apart() *planner.Plan {
	p := twoTasks()
	tasks := p.Phases[0].Tasks
	tasks[1].Needs, tasks[1].Gates = nil, []planner.GateID{"b"}
	return &p
}

// A question parks its task: the others go on, then the build pauses and says how to answer. With
// the answer the attempt goes on, and nothing is asked twice.
func TestQuestionParks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := steered(w, inquiring, func(agent.Request) []Order { return nil })
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeQuestion || !strings.Contains(pause.Reason.Message, "one.a asks: Which colour?") || !strings.Contains(pause.Reason.Hint, `builder answer one.a "TEXT"`) {
		t.Fatalf("got %v", err)
	}
	plan := twoTasks()
	if st := StatusOf(&plan, s); st.State != PausedState || st.Tasks[1].State != TaskWaiting || st.Tasks[1].Question == nil || st.Tasks[2].State != TaskPending {
		t.Errorf("status %+v", st.Tasks)
	}
	if err := give(t, w, Order{ID: "x", Verb: OrderAnswer, Task: "one.a", Text: "blue, of course"}); err != nil {
		t.Fatal(err)
	}
	calls := len(h.asked)
	s, err = w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || s.Task("one.a").Attempts != 1 {
		t.Fatalf("got %v, %s, %d attempts", err, s.Run, s.Task("one.a").Attempts)
	}
	if !strings.Contains(h.asked[calls], "A person answers your question:\nblue, of course") {
		t.Errorf("asked %q", h.asked[calls])
	}
	for hash, times := range w.sent.n {
		if times != 1 {
			t.Errorf("%s was asked %d times", hash, times)
		}
	}
	refold(t, w.journal, s)
}

// give gives an order to a build that no process works on.
func give(t *testing.T, w *world, o Order) error {
	t.Helper()
	wr, err := OpenWriter(t.Context(), w.journal, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	plan := twoTasks()
	_, _, err = Desk{Writer: wr, Plan: func(*State) *planner.Plan { return &plan }, Alone: true}.Give(t.Context(), o)
	return errors.Join(err, wr.Close(t.Context()))
}

// While a question waits the other tasks are done; with the answer its attempt goes on, and what it
// makes is merged with what was committed meanwhile.
func TestOtherTasksGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plan = apart()
	h := steered(w, inquiring, func(agent.Request) []Order { return nil })
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeQuestion || s.Task("one.b").State != TaskIsDone {
		t.Fatalf("got %v, one.b is %s", err, s.Task("one.b").State)
	}
	if err := give(t, w, Order{ID: "x", Verb: OrderAnswer, Task: "one.a", Text: "blue, of course"}); err != nil {
		t.Fatal(err)
	}
	s, err = w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || len(w.repo.commits) != 2 {
		t.Fatalf("got %v, %s, %d commits", err, s.Run, len(w.repo.commits))
	}
	if last := h.asked[len(h.asked)-1]; !strings.Contains(last, "blue, of course") || s.Task("one.a").Attempts != 1 {
		t.Errorf("asked %q, %d attempts", last, s.Task("one.a").Attempts)
	}
	refold(t, w.journal, s)
}

// A build that dies at any record around a question and its answer loses neither.
func TestQuestionOverCrashes(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		w := newWorld(t)
		w.plan = apart()
		steered(w, inquiring, func(agent.Request) []Order { return nil })
		real := w.journal
		dead := false
		var s *State
		for range 5 {
			w.journal = real
			if !dead {
				w.journal = &amnesiac{Journal: real, left: n}
			}
			var err error
			s, err = w.run(t, budget.Caps{USD: budget.Dollar})
			var pause *PauseError
			switch {
			case errors.Is(err, errCrash):
				dead = true
				continue
			case errors.As(err, &pause) && pause.Reason.Code == CodeQuestion:
				w.journal = real
				for range 2 { // the answer is sent twice
					if err := give(t, w, Order{ID: "x", Verb: OrderAnswer, Task: "one.a", Text: "blue, of course"}); err != nil {
						t.Fatalf("killed at %d: %v", n, err)
					}
				}
				continue
			case err != nil:
				t.Fatalf("killed at %d: %v", n, err)
			}
			break
		}
		if s.Run != DoneState || len(w.repo.commits) != 2 || len(s.Said) != 1 {
			t.Fatalf("killed at %d: %s, %d commits, said %+v", n, s.Run, len(w.repo.commits), s.Said)
		}
		checkOnce(t, real, n)
		refold(t, real, s)
		if !dead {
			break
		}
	}
}

// silent says something before it does anything: a call follows a call, and no tool stands in between.
func silent(req agent.Request) (agent.Message, error) {
	if req.Schema == nil && len(req.Messages) == 1 {
		return agent.Say(agent.Assistant, "let me think"), nil
	}
	return scripted(req)
}

// A paused build begins nothing: the call in flight ends and neither a tool nor a call follows,
// until it is let go.
func TestPausedBuildBeginsNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(agent.Request) (agent.Message, error){"a tool next": scripted, "a call next": silent} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.scratch = dir
			w.valve = &Valve{}
			first := true
			h := steered(w, answer, func(req agent.Request) []Order {
				if req.Schema != nil || !first {
					return nil
				}
				first = false
				return []Order{{ID: "p", Verb: OrderPause}}
			})
			var s *State
			var err error
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				s, err = w.run(t, budget.Caps{USD: budget.Dollar})
			}()
			synctest.Wait()
			if quiet, err := w.valve.Quiet(t.Context()); !quiet || err != nil {
				t.Errorf("%s: quiet %v, %v", name, quiet, err)
			}
			if w.tools.n["write_file"] != 0 || len(h.asked) != 2 {
				t.Errorf("%s: %d calls and %v tools while paused", name, len(h.asked), w.tools.n)
			}
			if _, _, err := h.desk.Give(t.Context(), Order{ID: "c", Verb: OrderContinue}); err != nil {
				t.Error(err)
			}
			<-ended
			if err != nil || s.Run != DoneState {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

// broad is a plan of tasks that can all be carried out at the same time.
func broad(n int) *planner.Plan {
	p := planner.Plan{Version: 1, Project: planner.Project{Name: "app"}, Phases: []planner.Phase{{ID: "one"}}}
	for i := range n {
		name := fmt.Sprintf("f%02d", i)
		p.Requirements = append(p.Requirements, planner.Requirement{ID: planner.RequirementID("R" + name), Text: name})
		p.Gates = append(p.Gates, planner.Gate{ID: planner.GateID(name), Kind: planner.GateFile, Files: []planner.FileCheck{{Path: name + ".txt", Contains: []string{"good"}}}})
		p.Phases[0].Tasks = append(p.Phases[0].Tasks, planner.Task{
			ID: planner.TaskID("one." + name), Title: name, Covers: []planner.RequirementID{planner.RequirementID("R" + name)},
			Gates: []planner.GateID{planner.GateID(name)}, Writes: []string{name + ".txt"},
		})
	}
	return &p
}

// busy does the tasks of broad, in three turns each.
func busy(req agent.Request) (agent.Message, error) {
	said := words(req)
	at := strings.Index(said, `<task id="one.`) + len(`<task id="one.`)
	name := said[at : at+3]
	block := use("1", "write_file", map[string]string{"path": name + ".txt", "content": "good"})
	switch len(req.Messages) {
	case 1:
		block = use("1", "look", map[string]string{})
	case 5:
		block = use("1", "finish", map[string]string{"summary": "wrote it"})
	}
	return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{block}}, nil
}

// Eight workers are paused in the midst of it, again and again: nothing begins while they are, and
// the build ends as it would have.
func TestPausedCrewBeginsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scratch, w.valve, w.workers, w.plan = dir, &Valve{}, 8, broad(12)
		var mu sync.Mutex
		calls := 0
		h := steered(w, busy, func(agent.Request) []Order {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls%7 != 0 {
				return nil
			}
			return []Order{{ID: fmt.Sprintf("p-%d", calls), Verb: OrderPause}}
		})
		var s *State
		var err error
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s, err = w.run(t, budget.Caps{USD: budget.Dollar})
		}()
		pauses := 0
		for over := false; !over; {
			synctest.Wait()
			select {
			case <-ended:
				over = true
				continue
			default:
			}
			pauses++
			before := w.valve.Inside()
			if before != 0 {
				t.Errorf("%d inside while paused", before)
			}
			if _, _, err := h.desk.Give(t.Context(), Order{ID: fmt.Sprintf("c-%d", pauses), Verb: OrderContinue}); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil || s.Run != DoneState || len(w.repo.commits) != 12 || pauses < 2 || h.lost != nil {
			t.Errorf("got %v, %d commits, %d pauses, %v", err, len(w.repo.commits), pauses, h.lost)
		}
		refold(t, w.journal, s)
	})
}

// A stop ends a paused build, resumable.
func TestStopEndsAPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.valve = &Valve{}
	ctx, cancel := context.WithCancelCause(t.Context())
	steered(w, scripted, func(req agent.Request) []Order {
		cancel(ErrInterrupted)
		return []Order{{ID: "p", Verb: OrderPause}}
	})
	_, err := w.runCtx(ctx, t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeInterrupted {
		t.Fatalf("got %v", err)
	}
	w.model = nil
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Errorf("got %v, %s", err, s.Run)
	}
}
