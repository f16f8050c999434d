package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// runTask takes a task that has started to a candidate that is accepted, or to its failure. Every
// part answers from the journal when it was done before.
func (e *Engine) runTask(ctx context.Context, id planner.TaskID) error {
	task, ok := e.plan.Task(id)
	if !ok {
		return fmt.Errorf("run task %s: the plan has no such task", id)
	}
	st, err := e.task(ctx, id)
	if err != nil {
		return err
	}
	if st.Rebased == nil { // what comes back from a merge has been through that
		if err := e.redFirst(ctx, task, st); err != nil {
			return err
		}
	}
	for st.State == TaskRunning && st.Accepted == "" {
		if st.Open == nil && st.tried() >= e.Set.attempts() {
			if err := e.Writer.Record(ctx, TaskFailed{Task: id, Reason: st.Reason}); err != nil {
				return err
			}
			return e.Writer.warn(ctx, e.plan)
		}
		base, err := e.fetch(ctx, st.BaseTree)
		if err != nil {
			return err
		}
		if err := e.runAttempt(ctx, task, st, base); err != nil {
			return err
		}
		if st, err = e.task(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// redFirst shows the task's proving gates on the tree it began from.
func (e *Engine) redFirst(ctx context.Context, task planner.Task, st TaskState) error {
	base, err := e.fetch(ctx, st.BaseTree)
	if err != nil {
		return err
	}
	at, err := e.attempt(ctx, task.ID, st.Phase, 0)
	if err != nil {
		return err
	}
	return e.prover(task, st, at, base).redFirst(ctx, st.BaseTree)
}

// task copies what the state knows of a task.
func (e *Engine) task(ctx context.Context, id planner.TaskID) (TaskState, error) {
	var st TaskState
	err := e.Writer.View(ctx, func(s *State) { st = s.Task(id).clone() })
	return st, err
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

func (e *Engine) prover(task planner.Task, st TaskState, at *attempt, base Manifest) *prover {
	dir := e.scratch(task.ID, at.number)
	return &prover{
		door: e.door(), trees: e.Trees, gates: e.Gates, plan: e.plan, task: task, keep: st.Keep, at: at,
		dir: dir, fresh: dir + ".proof", base: base, rebased: st.Rebased,
	}
}

// runAttempt opens the next attempt or goes on with the open one, and records its end. Pauses and
// failures of the machine are errors and leave it open.
func (e *Engine) runAttempt(ctx context.Context, task planner.Task, st TaskState, base Manifest) error {
	begun := st.Open != nil
	if !begun {
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
	p := e.prover(task, st, at, base)
	res, err := e.engage(ctx, task, st, p, begun)
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
	case res.Outcome == agent.Asked: // the attempt stays open for the answer
		return nil
	case res.Outcome == agent.Accepted:
		end.Tree = p.proven
	case res.Evidence != "":
		end.Reason += "\nevidence: " + res.Evidence
	}
	facts := []Fact{end}
	if res.Outcome == agent.Blocked {
		facts = append(facts, TaskFailed{Task: task.ID, Reason: "the agent says it cannot be done: " + end.Reason})
	}
	if err := faultpoint.At("attempt.before_end"); err != nil {
		return err
	}
	defer faultpoint.Pass("attempt.after_end")
	if err := e.Writer.Record(ctx, facts...); err != nil {
		return err
	}
	if end.Tree != "" {
		return nil // the folder stays until its commit is on the branch
	}
	return e.letGo(p.dir)
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

// engage runs the agent's loop on a scratch tree that is brought to the newest one that is kept; the bench brings it
// further. begun says that it was run for a while before.
func (e *Engine) engage(ctx context.Context, task planner.Task, st TaskState, p *prover, begun bool) (agent.Result, error) {
	var t agent.Task
	raw, err := e.Blobs.Get(ctx, st.Open.Frozen)
	if err != nil {
		return agent.Result{}, fmt.Errorf("read frozen task %s: %w", task.ID, err)
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return agent.Result{}, fmt.Errorf("read frozen task %s: %w: %w", task.ID, checkpoint.ErrCorrupt, err)
	}
	if st.Open.Engine != "" {
		return e.engageProgram(ctx, task, st, p, t, begun)
	}
	if err := e.bringTree(ctx, st.Open.Tree, p.dir, begun); err != nil {
		return agent.Result{}, err
	}
	tools, err := e.Bench.Tools(ctx, p.dir, task, e.plan.Shared)
	if err != nil {
		return agent.Result{}, fmt.Errorf("lay out tools: %w", err)
	}
	p.bench = newBench(tools, e.door(), e.Trees, p.at, p.dir, st.Open.Start, st.Open.Kept)
	loop := agent.Loop{Model: e.journaled(p.at, e.other(task.Role, st.Past, outcomeUnreachable)), Tools: p.bench, Verify: p, Person: person{e.Writer, p.at}}
	return loop.Run(ctx, t)
}

// openAttempt freezes all that the agent is told.
func (e *Engine) openAttempt(ctx context.Context, task planner.Task, st TaskState, base Manifest) error {
	n := st.Attempts + 1
	dir := e.scratch(task.ID, n)
	told, err := e.toldTools(ctx, dir, task)
	if err != nil {
		return err
	}
	brief, heard, err := e.brief(ctx, task, st, base)
	if err != nil {
		return err
	}
	system, first := brief.Render()
	c := e.choose(task.Role, st.Past)
	limit := e.Set.limitOf(c.Model)
	raw, err := json.Marshal(agent.Task{
		ID: string(task.ID), Model: c.Model, System: system, First: first, MaxTokens: limit.MaxTokens, Window: limit.Window, Effort: e.Set.Effort, Thinking: limit.Thinking,
		Tools: told,
	})
	if err != nil {
		return fmt.Errorf("freeze task %s: %w", task.ID, err)
	}
	h, err := e.Blobs.Put(ctx, raw)
	if err != nil {
		return fmt.Errorf("freeze task %s: %w", task.ID, err)
	}
	if err := faultpoint.At("attempt.before_start"); err != nil {
		return err
	}
	f := AttemptStarted{Task: task.ID, Attempt: n, Frozen: h, Prompts: agent.PromptVersion(), Model: c.Model, Why: c.Why, Heard: heard, Engine: e.Program}
	if e.Program != "" {
		version, words := e.Programs.Versions(ctx)
		f.Version, f.Prompts = version, f.Prompts+"+"+words
	}
	return e.Writer.Record(ctx, f)
}

// toldTools are the tools that an agent is told of at the start; a program has its own.
func (e *Engine) toldTools(ctx context.Context, dir string, task planner.Task) ([]agent.ToolDef, error) {
	if e.Program != "" {
		return nil, nil
	}
	tools, err := e.Bench.Tools(ctx, dir, task, e.plan.Shared)
	if err != nil {
		return nil, fmt.Errorf("lay out tools: %w", err)
	}
	return append(tools.Defs(), agent.LoopTools()...), nil
}
