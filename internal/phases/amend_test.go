package phases

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// revised asks for a plan and gives next: what is asked and paid is what a test looks at.
func revised(ctx context.Context, a planner.Asker, next *planner.Plan) (*planner.Plan, error) {
	_, err := a.Ask(ctx, planner.Question{System: []string{"revise"}, Prompt: "revise it", Schema: json.RawMessage(`{}`)})
	return next, err
}

// threeTasks is base, with one task on top of it and one beside; the task on top has two gates.
func threeTasks() *planner.Plan {
	file := func(id planner.GateID, word string) planner.Gate {
		return planner.Gate{ID: id, Kind: planner.GateFile, Files: []planner.FileCheck{{Path: string(id) + ".txt", Contains: []string{word}}}}
	}
	return &planner.Plan{
		Version: 1, Project: planner.Project{Name: "app"},
		Requirements: []planner.Requirement{{ID: "R1", Text: "a"}, {ID: "R2", Text: "b says good"}, {ID: "R3", Text: "c"}, {ID: "R4", Text: "d stays"}},
		Phases: []planner.Phase{{ID: "one", Tasks: []planner.Task{
			{ID: "one.a", Title: "Make a", Covers: []planner.RequirementID{"R1"}, Gates: []planner.GateID{"a"}},
			{ID: "one.c", Title: "Make c", Covers: []planner.RequirementID{"R3"}, Needs: []planner.TaskID{"one.a"}, Gates: []planner.GateID{"c"}},
			{ID: "one.b", Title: "Make b", Covers: []planner.RequirementID{"R2", "R4"}, Needs: []planner.TaskID{"one.a"}, Gates: []planner.GateID{"b", "d"}},
			{ID: "one.e", Title: "Make e", Covers: []planner.RequirementID{"R1"}, Needs: []planner.TaskID{"one.b"}, Gates: []planner.GateID{"e"}},
		}}},
		Gates: []planner.Gate{file("a", "good"), file("b", "good"), file("c", "good"), file("d", "good"), file("e", "good")},
	}
}

// reword gives the plan with another second requirement; its gate asks for another word.
func reword(p *planner.Plan) *planner.Plan {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	var next planner.Plan
	if err := json.Unmarshal(raw, &next); err != nil {
		panic(err)
	}
	next.Spec.SHA256 = "new"
	next.Requirements[1].Text = "b says better"
	next.Gates[1].Files[0].Contains = []string{"better"}
	return &next
}

// worker writes what the gates of its task want, and remembers what it was told.
func worker(told map[string]string) func(agent.Request) (agent.Message, error) {
	return func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			return agent.Say(agent.Assistant, "{}"), nil
		}
		first := req.Messages[0].Words()
		_, id, _ := strings.Cut(first, `<task id="one.`)
		id = id[:1]
		told[id] = first
		word := "good"
		if strings.Contains(first, "better") {
			word = "good, or better"
		}
		blocks := []agent.Block{use("1", "write_file", map[string]string{"path": id + ".txt", "content": word})}
		if id == "b" {
			blocks = append(blocks, use("2", "write_file", map[string]string{"path": "d.txt", "content": "good"}))
		}
		return agent.Message{Role: agent.Assistant, Blocks: append(blocks, use("3", "finish", map[string]string{"summary": "wrote " + id}))}, nil
	}
}

// specAccepted is a change of the spec that the user accepted.
func specAccepted(t *testing.T, w *world) ChangeAccepted {
	t.Helper()
	h, err := w.blobs.Put(t.Context(), []byte("a new spec"))
	if err != nil {
		t.Fatal(err)
	}
	return ChangeAccepted{Spec: h, SpecPath: "spec.md", SpecSHA: "new", By: "user"}
}

func proven(s *State, p *planner.Plan) (ids []planner.RequirementID) {
	for _, r := range StatusOf(p, s).Requirements {
		if r.Proven {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// finished is a build of threeTasks that is done.
func finished(t *testing.T) (*world, *State, map[string]string) {
	t.Helper()
	w, told := newWorld(t), map[string]string{}
	w.plan, w.answer, w.revise = threeTasks(), worker(told), reword
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || len(proven(s, w.plan)) != 4 {
		t.Fatalf("%v, %+v", err, StatusOf(w.plan, s))
	}
	clear(told)
	return w, s, told
}

// One requirement edited in a finished build: its task and what needs it run again, on top of the
// branch; the others keep their commits. What its unchanged gate has shown counts on.
func TestOneRequirementEdited(t *testing.T) {
	t.Parallel()
	w, before, told := finished(t)
	commit := func(s *State, id planner.TaskID) string { return s.Task(id).Commit }
	was := map[planner.TaskID]string{}
	for _, task := range w.plan.Tasks() {
		was[task.ID] = commit(before, task.ID)
	}
	w.more = []Fact{specAccepted(t, w)}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("%v, %s", err, s.Run)
	}
	for id, again := range map[planner.TaskID]bool{"one.a": false, "one.c": false, "one.b": true, "one.e": true} {
		if got := commit(s, id) != was[id]; got != again {
			t.Errorf("%s: done again is %v", id, got)
		}
	}
	if len(w.repo.commits) != 6 || s.Task("one.b").Base != was["one.e"] {
		t.Errorf("%d commits; b starts at %s", len(w.repo.commits), s.Task("one.b").Base)
	}
	if got := proven(s, reword(threeTasks())); len(got) != 4 {
		t.Errorf("proven: %v", got)
	}
	if s.Build.SpecSHA != "new" || s.Amending != nil {
		t.Errorf("spec %q, amending %v", s.Build.SpecSHA, s.Amending)
	}
	for _, part := range []string{"<changed>", "in commit " + was["one.b"][:10], `R2 has changed. It was: "b says good" It is now: "b says better"`, "Gate b has changed."} {
		if !strings.Contains(told["b"], part) {
			t.Errorf("the agent of b was not told %q:\n%s", part, told["b"])
		}
	}
	if !strings.Contains(told["e"], "one.b, which this task needs, is done again.") || told["a"]+told["c"] != "" {
		t.Errorf("e was told %q; a and c %q", told["e"], told["a"]+told["c"])
	}
	refold(t, w.journal, s)
}

// Law L7: a requirement that changed is not proven by a gate that did not: that gate was green
// before the work. What is as it was stays proven.
func TestUnchangedGateProvesNoChange(t *testing.T) {
	t.Parallel()
	w, _, _ := finished(t)
	w.revise = func(p *planner.Plan) *planner.Plan {
		next := reword(p)
		next.Gates = slices.Clone(p.Gates) // nobody made the gate ask for more
		return next
	}
	w.more = []Fact{specAccepted(t, w)}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("%v, %+v", err, s)
	}
	p := w.revise(threeTasks())
	if got := proven(s, p); !slices.Equal(got, []planner.RequirementID{"R1", "R3", "R4"}) {
		t.Errorf("proven: %v", got)
	}
	for _, r := range StatusOf(p, s).Requirements {
		if (r.ID == "R2") != (len(r.Before) == 2) {
			t.Errorf("%s: green before %v", r.ID, r.Before)
		}
	}
}

// A plan that the user gives takes the place of the old one without a call; what it drops is gone,
// what it adds is done, what it does not touch stays.
func TestGivenPlanAmends(t *testing.T) {
	t.Parallel()
	w, before, told := finished(t)
	next := reword(threeTasks())
	next.Requirements[1].Text, next.Gates[1] = "b says good", threeTasks().Gates[1]
	next.Phases[0].Tasks = next.Phases[0].Tasks[:3]
	next.Phases[0].Tasks = append(next.Phases[0].Tasks, planner.Task{ID: "one.f", Title: "Make f", Covers: []planner.RequirementID{"R1"}, Needs: []planner.TaskID{"one.c"}, Gates: []planner.GateID{"f"}})
	next.Gates[4] = planner.Gate{ID: "f", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "f.txt", Contains: []string{"good"}}}}
	given, err := Accepted(t.Context(), w.blobs, next, "user")
	if err != nil {
		t.Fatal(err)
	}
	calls := before.Guard.Account(budget.Build).Calls
	w.more = []Fact{ChangeAccepted{Plan: given.Plan, By: "user"}}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("%v, %+v", err, s)
	}
	if len(w.repo.commits) != 5 || s.Task("one.b").Commit != before.Task("one.b").Commit || s.Task("one.e").Commit != "" || told["f"] == "" {
		t.Errorf("%d commits, b %s, e %+v", len(w.repo.commits), s.Task("one.b").Commit, s.Task("one.e"))
	}
	if got := s.Guard.Account(budget.Build).Calls - calls; got != 1 {
		t.Errorf("%d calls", got)
	}
}

// A task that is going on and that the change does not concern goes on: nothing it was answered is
// asked for again. One that it concerns starts anew.
func TestRunningTaskUnderAnAmendment(t *testing.T) {
	t.Parallel()
	for _, running := range []string{"one.c", "one.b"} {
		t.Run(running, func(t *testing.T) {
			t.Parallel()
			w, told := newWorld(t), map[string]string{}
			w.plan, w.revise = threeTasks(), reword
			answer, stopped := worker(told), errors.New("stopped")
			halt := true
			w.answer = func(req agent.Request) (agent.Message, error) {
				if halt && req.Schema == nil && strings.Contains(req.Messages[0].Words(), `<task id="`+running) {
					if len(req.Messages) > 1 {
						return agent.Message{}, stopped
					}
					return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use("1", "look", map[string]string{})}}, nil
				}
				return answer(req)
			}
			if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); !errors.Is(err, stopped) {
				t.Fatalf("%v", err)
			}
			halt = false
			w.more = []Fact{specAccepted(t, w)}
			s, err := w.run(t, budget.Caps{USD: budget.Dollar})
			if err != nil || s.Run != DoneState || len(w.repo.commits) != 4 {
				t.Fatalf("%v, %+v", err, s)
			}
			if again := s.Task(planner.TaskID(running)).Attempts > 1; again != (running == "one.b") {
				t.Errorf("started again: %v", again)
			}
			for hash, n := range w.sent.n {
				if n > 2 {
					t.Errorf("%s was sent %d times", hash, n)
				}
			}
			refold(t, w.journal, s)
		})
	}
}

// A change that no plan comes of fails the build; it is tried again, or the user keeps the old spec.
func TestAmendmentThatFails(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		w, _, _ := finished(t)
		answer := w.answer
		w.answer = func(req agent.Request) (agent.Message, error) {
			if req.Schema != nil {
				return agent.Message{}, &agent.Failure{Class: agent.FailTask, Message: "refused"}
			}
			return answer(req)
		}
		w.more = []Fact{specAccepted(t, w)}
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != FailedState || s.Task(planner.PlanTask).State != TaskIsFail || len(w.repo.commits) != 4 {
			t.Fatalf("%v, %s", err, s.Run)
		}
		w.answer = answer
		w.more = []Fact{TaskReopened{Task: planner.PlanTask}}
		want := 6
		if keep {
			w.more, want = []Fact{SpecKept{SpecSHA: "new", By: "user"}}, 4
		}
		s, err = w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState || len(w.repo.commits) != want {
			t.Fatalf("keep %v: %v, %s, %d commits", keep, err, s.Run, len(w.repo.commits))
		}
		refold(t, w.journal, s)
	}
}

// Laws L1, L2, L6: an amendment, and a person's edits that break a gate, come out the same wherever the
// process is cut.
func TestCrashBeforeEveryAppendOfAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*testing.T, *world) Fact
		commits int
		plan    *planner.Plan
	}{
		"amendment": {func(t *testing.T, w *world) Fact { return specAccepted(t, w) }, 6, reword(threeTasks())},
		"edits":     {func(t *testing.T, w *world) Fact { return userEdits(t, w, "mine") }, 5, threeTasks()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, _, _ := finished(t)
			whole.more = []Fact{c.change(t, whole)}
			want, err := whole.run(t, budget.Caps{USD: budget.Dollar})
			if err != nil {
				t.Fatal(err)
			}
			for n := 0; ; n++ {
				w, _, _ := finished(t)
				real := w.journal
				w.journal = &dyingJournal{Journal: real, left: n}
				change := c.change(t, w)
				w.more = []Fact{change}
				_, err := w.run(t, budget.Caps{USD: budget.Dollar})
				if err == nil {
					if n < 10 {
						t.Fatalf("a change with only %d appends", n)
					}
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("crash %d: %v", n, err)
				}
				w.journal = real
				if n == 0 {
					w.more = []Fact{change} // nothing was recorded: the user says it again
				}
				s, err := w.run(t, budget.Caps{USD: budget.Dollar})
				if err != nil || s.Run != DoneState || len(w.repo.commits) != c.commits || w.repo.folder.ID() != whole.repo.folder.ID() {
					t.Fatalf("crash %d: %v, %s, %d commits", n, err, s.Run, len(w.repo.commits))
				}
				if got := len(proven(s, c.plan)); got != 4 {
					t.Fatalf("crash %d: %d requirements are proven", n, got)
				}
				if a := s.Guard.Account(budget.Build); a.Held != 0 || a.Spent < want.Guard.Account(budget.Build).Spent || len(s.Guard.Lost) > 1 {
					t.Fatalf("crash %d: %+v", n, a)
				}
				refold(t, real, s)
			}
		})
	}
}

// userEdits makes a person's b.txt the head of the branch, and gives the record of it.
func userEdits(t *testing.T, w *world, content string) UserCommitted {
	t.Helper()
	tree := slices.Clone(w.repo.tree)
	i := slices.IndexFunc(tree, func(e Entry) bool { return e.Path == "b.txt" })
	h, err := w.blobs.Put(t.Context(), []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	tree[i].Blob, tree[i].Size = h, int64(len(content))
	kept, err := Keep(t.Context(), w.blobs, tree)
	if err != nil {
		t.Fatal(err)
	}
	parent := w.repo.head
	w.repo.head, w.repo.tree, w.repo.folder = "mine", tree, tree
	return UserCommitted{Commit: "mine", Parent: parent, Tree: kept, Paths: []string{"b.txt"}}
}

// A person's edits are the new head: gates of done tasks look at it once, a red one reopens the last
// task that has it, and the others that have it are proven again by its commit.
func TestEditsAreProven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		again   []planner.TaskID
	}{"green": {"good, and mine", nil}, "red": {"mine", []planner.TaskID{"one.b"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _, told := finished(t)
			w.more = []Fact{userEdits(t, w, c.content)}
			s, err := w.run(t, budget.Caps{USD: budget.Dollar})
			if err != nil || s.Run != DoneState || s.Unproven {
				t.Fatalf("%v, %+v", err, s)
			}
			if len(w.repo.commits) != 4+len(c.again) || len(proven(s, w.plan)) != 4 {
				t.Errorf("%d commits, proven %v", len(w.repo.commits), proven(s, w.plan))
			}
			if name == "red" && (!strings.Contains(told["b"], "gate b is red") || s.Task("one.b").Base != "mine") {
				t.Errorf("b starts at %s and was told %q", s.Task("one.b").Base, told["b"])
			}
			refold(t, w.journal, s)
		})
	}
}

// Tasks that are going on when a person's edits become the head are not begun anew: what they make is
// merged onto the edits, and the edits stay.
func TestEditsUnderARunningTask(t *testing.T) {
	t.Parallel()
	w, told := newWorld(t), map[string]string{}
	w.plan = threeTasks()
	answer, stopped, halt := worker(told), errors.New("stopped"), true
	w.answer = func(req agent.Request) (agent.Message, error) {
		if halt && strings.Contains(req.Messages[0].Words(), `<task id="one.b`) {
			if len(req.Messages) > 1 {
				return agent.Message{}, stopped
			}
			return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use("1", "look", map[string]string{})}}, nil
		}
		return answer(req)
	}
	if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); !errors.Is(err, stopped) {
		t.Fatalf("%v", err)
	}
	h, err := w.blobs.Put(t.Context(), []byte("mine"))
	if err != nil {
		t.Fatal(err)
	}
	tree := append(slices.Clone(w.repo.tree), Entry{Path: "mine.txt", Mode: ModeFile, Blob: h, Size: 4})
	kept, err := Keep(t.Context(), w.blobs, tree)
	if err != nil {
		t.Fatal(err)
	}
	parent := w.repo.head
	w.repo.head, w.repo.tree, w.repo.folder, halt = "mine", tree, tree, false
	w.more = []Fact{UserCommitted{Commit: "mine", Parent: parent, Tree: kept, Paths: []string{"mine.txt"}}}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || s.Task("one.b").Attempts != 1 {
		t.Fatalf("%v, %+v", err, s)
	}
	if _, ok := w.repo.tree.Find("mine.txt"); !ok || len(proven(s, w.plan)) != 4 {
		t.Errorf("mine.txt is there: %v; proven %v", ok, proven(s, w.plan))
	}
	refold(t, w.journal, s)
}

// With many workers an amended plan comes out as with one.
func TestAmendmentWithManyWorkers(t *testing.T) {
	t.Parallel()
	one, _, _ := finished(t)
	one.more = []Fact{specAccepted(t, one)}
	if _, err := one.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
		t.Fatal(err)
	}
	many, _, _ := finished(t)
	many.workers, many.more = 8, []Fact{specAccepted(t, many)}
	s, err := many.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || many.repo.folder.ID() != one.repo.folder.ID() || len(proven(s, reword(threeTasks()))) != 4 {
		t.Fatalf("%v, %+v", err, s)
	}
}
