package main

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// byBuild sums up what the crew billed since a number of charges.
func (s *crewed) billedSince(n int) (cost int64, models map[string]int, tasks map[string]int) {
	models, tasks = map[string]int{}, map[string]int{}
	for _, c := range s.crew.Bill().Charges[n:] {
		cost += c.Cost
		models[c.Model]++
		tasks[c.Task]++
	}
	return cost, models, tasks
}

// A fork at the middle task shares what came before and pays only for what follows, with another
// model and another cap; both builds verify; what the past has proven stays proven.
func TestForkAtTheMiddle(t *testing.T) {
	t.Parallel()
	job := agenttest.Job{Tasks: 5, Width: 1, Calls: 3, Phases: 2}
	s := newCrewed(t, job)
	s.wants(0, s.args("--build-id", "b-source")...)
	source, before := s.status("app"), len(s.crew.Bill().Charges)
	fingerprint := s.fingerprint("app")

	out := s.wants(0, "checkpoint", "fork", "app", "--at", job.TaskID(2), "-o", "new/fork", "--model", "claude-haiku-4-5", "--max-cost", "1", "--build-id", "b-fork")
	has(t, out, "b-fork shares 3 tasks of b-source", "Inherited from b-source", "builder resume")
	if len(s.crew.Bill().Charges) != before {
		t.Error("forking asked the model something")
	}
	if s.fingerprint("app") != fingerprint {
		t.Error("forking changed the source")
	}
	has(t, s.wants(0, "checkpoint", "verify", "new/fork"), "3 commits found")
	s.wants(0, "replay", "new/fork")
	st := s.status("new/fork")
	if st.State != phases.PausedState || st.Budget.Spent != 0 || st.Calls != 0 || st.Forked == nil || st.Forked.Tasks != 3 || st.Head != source.Tasks[2].Commit || st.Budget.Cap != 1_000_000 {
		t.Errorf("before it goes on: %+v", st)
	}
	has(t, s.wants(0, "list"), "b-fork")

	s.wants(0, "resume", "new/fork")
	st = s.status("new/fork")
	cost, models, tasks := s.billedSince(before)
	if st.State != phases.DoneState || int64(st.Budget.Spent) != cost || len(models) != 1 || models["claude-haiku-4-5"] != 6 || tasks[job.TaskID(3)] != 3 || tasks[job.TaskID(4)] != 3 {
		t.Errorf("billed %d, %v, %v; %+v", cost, models, tasks, st)
	}
	in := st.Forked.Inherited[0]
	var past budget.Micro
	for _, task := range source.Tasks[:3] {
		past += task.Cost
	}
	if len(st.Forked.Inherited) != 1 || in.Build != "b-source" || in.Spent != past || in.Calls != 9 || past == 0 {
		t.Errorf("inherited %+v, the tasks cost %d", in, past)
	}
	for i, task := range st.Tasks {
		if carried := i < 3; task.State != phases.TaskIsDone || carried != (task.From == "b-source") || carried != (task.Commit == source.Tasks[i].Commit) || carried != (task.Cost == 0) {
			t.Errorf("task %+v", task)
		}
	}
	for _, r := range st.Requirements {
		if !r.Proven || len(r.Commits) != 1 {
			t.Errorf("requirement %+v", r)
		}
	}
	if a, b := s.git("app", "rev-parse", "HEAD^{tree}"), s.git("new/fork", "rev-parse", "HEAD^{tree}"); a != b {
		t.Errorf("trees %s and %s", a, b)
	}
	if got := s.git("new/fork", "status", "--porcelain"); got != "" {
		t.Errorf("git status: %s", got)
	}
	if got := s.git("new/fork", "rev-list", "--count", "HEAD"); got != "5" {
		t.Errorf("%s commits", got)
	}
	if raw, err := os.ReadFile(s.path("new/fork/" + job.File(0))); err != nil || !strings.Contains(string(raw), "is done") {
		t.Errorf("%v %q", err, raw)
	}
	for _, app := range []string{"app", "new/fork"} {
		has(t, s.wants(0, "checkpoint", "verify", app), "5 commits found")
	}
	has(t, s.wants(0, "report", "new/fork"), "Forked from b-source", "Inherited from b-source", "was done and paid by b-source", "5 of 5 are proven")

	// A fork of a fork carries both pasts, and what each has cost.
	s.wants(0, "checkpoint", "fork", "new/fork", "--at", job.TaskID(3), "-o", "again", "--build-id", "b-again")
	s.wants(0, "resume", "again")
	st = s.status("again")
	if st.Forked.Tasks != 4 || len(st.Forked.Inherited) != 2 || st.Forked.Inherited[1].Build != "b-fork" || st.Forked.Inherited[1].Calls != 3 || st.Tasks[0].From != "b-source" || st.Tasks[3].From != "b-fork" || st.Model != "claude-haiku-4-5" {
		t.Errorf("%+v", st)
	}
	has(t, s.wants(0, "checkpoint", "verify", "again"), "5 commits found")
	s.wants(0, "replay", "again")

	// One at a task that was carried over begins there.
	s.wants(0, "checkpoint", "fork", "again", "--at", job.TaskID(0), "-o", "first", "--build-id", "b-first")
	if st := s.status("first"); st.Forked.Tasks != 1 || st.Head != source.Tasks[0].Commit {
		t.Errorf("%+v", st.Forked)
	}
	s.wants(0, "checkpoint", "verify", "first")
}

// In a fork with an edited plan, what reads as before is shared; the first task that reads otherwise
// counts as not done, with what was committed after it, and that is said.
func TestForkWithEditedPlan(t *testing.T) {
	t.Parallel()
	job := agenttest.Job{Tasks: 4, Width: 1}
	s := newCrewed(t, job)
	s.wants(0, s.args("--build-id", "b-source")...)
	before := len(s.crew.Bill().Charges)
	edit := func(name string, pairs ...string) {
		s.file(name, strings.NewReplacer(pairs...).Replace(job.Plan()))
	}
	edit("later.yaml", "finish wrote t0003", "note later\nfinish wrote t0003")
	edit("later.yaml", "note t0003 wrote work/t0003.txt", "note t0003 wrote its file")
	out := s.wants(0, "checkpoint", "fork", "app", "--at", job.TaskID(2), "-o", "later", "--plan", "later.yaml")
	if strings.Contains(out, "counts as not done") {
		t.Errorf("only what follows was edited:\n%s", out)
	}
	s.wants(0, "resume", "later")
	if _, _, tasks := s.billedSince(before); len(tasks) != 1 || tasks[job.TaskID(3)] == 0 {
		t.Errorf("tasks %v", tasks)
	}

	before = len(s.crew.Bill().Charges)
	edit("middle.yaml", "note t0001 wrote work/t0001.txt", "note t0001 wrote its file")
	out = s.wants(0, "checkpoint", "fork", "app", "--at", job.TaskID(2), "-o", "middle", "--plan", "middle.yaml")
	has(t, out, "shares 1 tasks", "the plan changes "+job.TaskID(1), job.TaskID(1)+", "+job.TaskID(2))
	s.wants(0, "resume", "middle")
	if _, _, tasks := s.billedSince(before); len(tasks) != 3 || tasks[job.TaskID(0)] != 0 {
		t.Errorf("tasks %v", tasks)
	}
	for _, app := range []string{"later", "middle"} {
		s.wants(0, "checkpoint", "verify", app)
		if st := s.status(app); st.State != phases.DoneState || !st.Requirements[1].Proven || !st.Requirements[2].Proven {
			t.Errorf("%s: %+v", app, st.Requirements)
		}
	}

	edit("first.yaml", "note t0000 wrote", "note t0000 has written")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"nothing shared": {[]string{"app", "--at", job.TaskID(2), "-o", "none", "--plan", "first.yaml"}, "E_FORK"},
		"no such task":   {[]string{"app", "--at", "p1.nothing", "-o", "none"}, "E_FORK"},
		"no task":        {[]string{"app", "-o", "none"}, "E_USAGE"},
		"no folder":      {[]string{"app", "--at", job.TaskID(1)}, "E_USAGE"},
		"a build there":  {[]string{"app", "--at", job.TaskID(1), "-o", "later"}, "E_WORKSPACE"},
		"the same id":    {[]string{"app", "--at", job.TaskID(1), "-o", "none", "--build-id", "b-source"}, "E_USAGE"},
		"unpriced":       {[]string{"app", "--at", job.TaskID(1), "-o", "none", "--model", "no-such-model"}, "E_"},
		"not empty":      {[]string{"app", "--at", job.TaskID(1), "-o", "home"}, "E_WORKSPACE"},
	} {
		has(t, s.wants(2, append([]string{"checkpoint", "fork"}, c.args...)...), c.says, "hint: ")
		if s.exists("none") {
			t.Errorf("%s: a folder was made", name)
		}
	}
	left, err := os.ReadDir(s.dir)
	s.must(err)
	for _, e := range left {
		if strings.Contains(e.Name(), placingInfix) {
			t.Errorf("%s was left", e.Name())
		}
	}
}

// A build of tasks side by side is forked at any of them: what was committed before it is shared, what
// was still going on is not.
func TestForkOfTasksSideBySide(t *testing.T) {
	t.Parallel()
	job := agenttest.Job{Tasks: 5, Shared: true}
	s := newCrewed(t, job)
	s.wants(0, s.args("--workers", "3")...)
	has(t, s.wants(0, "checkpoint", "verify", "app"), "5 commits found")
	s.wants(0, "replay", "app")
	at := s.git("app", "log", "-1", "--skip", "2", "--format=%(trailers:key=Builder-Task,valueonly)")
	before := len(s.crew.Bill().Charges)
	s.wants(0, "checkpoint", "fork", "app", "--at", at, "-o", "fork")
	s.wants(0, "resume", "fork", "--workers", "2")
	_, _, tasks := s.billedSince(before)
	st := s.status("fork")
	if len(tasks) != 2 || st.State != phases.DoneState || st.Forked.Tasks != 3 {
		t.Errorf("asked for %v; %+v", tasks, st)
	}
	has(t, s.wants(0, "checkpoint", "verify", "fork"), "5 commits found")
	s.wants(0, "replay", "fork")
	if a, b := s.git("app", "rev-parse", "HEAD^{tree}"), s.git("fork", "rev-parse", "HEAD^{tree}"); a != b {
		t.Errorf("trees %s and %s", a, b)
	}
}
