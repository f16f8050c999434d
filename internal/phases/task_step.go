package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// runTask takes a task from wherever it is to its commit, or to its failure. Every part answers
// from the journal when it was done before.
func (e *Engine) runTask(ctx context.Context, id planner.TaskID) error {
	task, ok := e.plan.Task(id)
	if !ok {
		return fmt.Errorf("run task %s: the plan has no such task", id)
	}
	st, err := e.startTask(ctx, task)
	if err != nil {
		return err
	}
	base, err := fetch(ctx, e.Blobs, st.BaseTree)
	if err != nil {
		return err
	}
	at, err := e.attempt(ctx, id, st.Phase, 0)
	if err != nil {
		return err
	}
	if err := e.prover(task, at, base, nil).redFirst(ctx, st.BaseTree); err != nil {
		return err
	}
	for st.Accepted == "" {
		if st.State == TaskIsFail {
			return nil
		}
		if st.Open == nil && st.tried() >= e.Set.attempts() {
			return e.Writer.Record(ctx, TaskFailed{Task: id, Reason: st.Reason})
		}
		if err := e.runAttempt(ctx, task, st, base); err != nil {
			return err
		}
		if st, err = e.task(ctx, id); err != nil {
			return err
		}
	}
	return e.commit(ctx, task, st, at)
}

// task copies what the state knows of a task.
func (e *Engine) task(ctx context.Context, id planner.TaskID) (TaskState, error) {
	var st TaskState
	err := e.Writer.View(ctx, func(s *State) { st = s.Task(id).clone() })
	return st, err
}

// startTask fixes the base of a task that has not started: the newest commit of this build, and
// before the first one whatever the branch is at. A branch that somebody else has moved is found
// here, before the task costs anything.
func (e *Engine) startTask(ctx context.Context, task planner.Task) (TaskState, error) {
	st, err := e.task(ctx, task.ID)
	if err != nil || st.State != TaskPending {
		return st, err
	}
	head, files, err := e.Repo.Head(ctx)
	if err != nil {
		return st, fmt.Errorf("read branch before %s: %w", task.ID, err)
	}
	tree, err := keep(ctx, e.Blobs, files)
	if err != nil {
		return st, err
	}
	err = e.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
		if s.Head != "" && s.Head != head {
			return nil, fmt.Errorf("%w: it is at %q, the build's newest commit is %s", ErrDiverged, head, s.Head)
		}
		return []Fact{TaskStarted{Task: task.ID, Phase: e.plan.PhaseOf(task.ID), Commit: head, Tree: tree, Hash: taskHash(e.plan, task)}}, nil
	})
	if err != nil {
		return st, err
	}
	return e.task(ctx, task.ID)
}

// taskHash is over a task and its gates as they stand in the plan.
func taskHash(p *planner.Plan, t planner.Task) string {
	parts := []any{t}
	for _, id := range t.Gates {
		g, _ := p.Gate(id)
		parts = append(parts, g)
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	return sumOf("task", string(raw))
}

func (e *Engine) prover(task planner.Task, at *attempt, base Manifest, b *bench) *prover {
	name := fmt.Sprintf("%s.%d", task.ID, at.number)
	return &prover{
		door: e.door(), trees: e.Trees, gates: e.Gates, plan: e.plan, task: task, at: at,
		dir: filepath.Join(e.Scratch, name), fresh: filepath.Join(e.Scratch, name+".proof"), base: base, bench: b,
	}
}

// runAttempt opens the next attempt or goes on with the open one, and records its end. Pauses and
// failures of the machine are errors and leave it open.
func (e *Engine) runAttempt(ctx context.Context, task planner.Task, st TaskState, base Manifest) error {
	if st.Open == nil {
		if err := e.openAttempt(ctx, task, st, base); err != nil {
			return err
		}
		var err error
		if st, err = e.task(ctx, task.ID); err != nil {
			return err
		}
	}
	at, err := e.attempt(ctx, task.ID, st.Phase, st.Open.Number)
	if err != nil {
		return err
	}
	p := e.prover(task, at, base, nil)
	res, err := e.engage(ctx, task, st, p)
	end := AttemptFinished{Task: task.ID, Attempt: at.number, Outcome: string(res.Outcome), Reason: res.Reason, Summary: res.Summary}
	var f *agent.Failure
	switch {
	case errors.Is(err, ErrReplay):
		end.Outcome, end.Reason = outcomeDiverged, err.Error()
	case errors.As(err, &f) && (f.Class == agent.FixRequest || f.Class == agent.FailTask):
		end.Outcome, end.Reason = string(agent.Declined), f.Error()
	case unreachable(err) && e.other(task.Role, st.Past, outcomeUnreachable):
		end.Outcome, end.Reason = outcomeUnreachable, err.Error()
	case err != nil:
		return err
	case res.Outcome == agent.Accepted:
		end.Tree = p.proven
	case res.Evidence != "":
		end.Reason += "\nevidence: " + res.Evidence
	}
	facts := []Fact{end}
	if res.Outcome == agent.Blocked {
		facts = append(facts, TaskFailed{Task: task.ID, Reason: "the agent says it cannot be done: " + end.Reason})
	}
	if err := e.Writer.Record(ctx, facts...); err != nil {
		return err
	}
	return os.RemoveAll(p.dir)
}

// unreachable says that the model gave no answer for so long, or so finally, that the build would
// pause, and that another model may: nothing that money or a key would mend.
func unreachable(err error) bool {
	var pause *PauseError
	var f *agent.Failure
	if !errors.As(err, &pause) || !errors.As(err, &f) {
		return false
	}
	return f.Class == agent.Retry || f.Class == agent.WaitUntil || f.Cause == agent.CauseModel ||
		f.Cause == agent.CauseLoad || f.Cause == agent.CauseNetwork || f.Cause == agent.CauseRate
}

// engage runs the agent's loop on a scratch tree that equals the last recorded manifest.
func (e *Engine) engage(ctx context.Context, task planner.Task, st TaskState, p *prover) (agent.Result, error) {
	var t agent.Task
	raw, err := e.Blobs.Get(ctx, st.Open.Frozen)
	if err != nil {
		return agent.Result{}, fmt.Errorf("read frozen task %s: %w", task.ID, err)
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return agent.Result{}, fmt.Errorf("read frozen task %s: %w: %w", task.ID, checkpoint.ErrCorrupt, err)
	}
	m, err := fetch(ctx, e.Blobs, st.Open.Tree)
	if err != nil {
		return agent.Result{}, err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return agent.Result{}, fmt.Errorf("make scratch tree: %w", err)
	}
	if err := e.Trees.Materialise(ctx, m, p.dir, false); err != nil {
		return agent.Result{}, fmt.Errorf("restore scratch tree: %w", err)
	}
	tools, err := e.Bench.Tools(ctx, p.dir, task, e.plan.Shared)
	if err != nil {
		return agent.Result{}, fmt.Errorf("lay out tools: %w", err)
	}
	p.bench = newBench(tools, e.door(), e.Trees, p.at, p.dir, st.BaseTree)
	loop := agent.Loop{Model: e.journaled(p.at, e.other(task.Role, st.Past, outcomeUnreachable)), Tools: p.bench, Verify: p}
	return loop.Run(ctx, t)
}

// openAttempt freezes all that the agent is told.
func (e *Engine) openAttempt(ctx context.Context, task planner.Task, st TaskState, base Manifest) error {
	n := st.Attempts + 1
	dir := filepath.Join(e.Scratch, fmt.Sprintf("%s.%d", task.ID, n))
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear scratch tree: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make scratch tree: %w", err)
	}
	tools, err := e.Bench.Tools(ctx, dir, task, e.plan.Shared)
	if err != nil {
		return fmt.Errorf("lay out tools: %w", err)
	}
	brief, err := e.brief(ctx, task, st, base)
	if err != nil {
		return err
	}
	system, first := brief.Render()
	c := e.choose(task.Role, st.Past)
	limit := e.Set.limitOf(c.Model)
	raw, err := json.Marshal(agent.Task{
		ID: string(task.ID), Model: c.Model, System: system, First: first, MaxTokens: limit.MaxTokens, Window: limit.Window, Effort: e.Set.Effort, Thinking: limit.Thinking,
		Tools: append(tools.Defs(), agent.LoopTools()...),
	})
	if err != nil {
		return fmt.Errorf("freeze task %s: %w", task.ID, err)
	}
	h, err := e.Blobs.Put(ctx, raw)
	if err != nil {
		return fmt.Errorf("freeze task %s: %w", task.ID, err)
	}
	return e.Writer.Record(ctx, AttemptStarted{Task: task.ID, Attempt: n, Frozen: h, Prompts: agent.PromptVersion(), Model: c.Model, Why: c.Why})
}
