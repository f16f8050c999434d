package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// planTokens is the most output tokens of one planning call.
const planTokens = 32_000

// makePlan carries out the reserved task `plan`: it is journaled, capped and resumed like any other.
// A spec that no valid plan comes of fails the task, not the machine.
func (e *Engine) makePlan(ctx context.Context) error {
	if done, err := e.amendAsGiven(ctx); done || err != nil {
		return err
	}
	st, err := e.startPlan(ctx)
	if err != nil {
		return err
	}
	ask, facts, err := e.planning(ctx, st)
	if err != nil {
		return err
	}
	plan, err := e.draft(ctx, ask, facts)
	if errors.Is(err, ErrReplay) { // a newer builder asks other questions, or asks them in another way
		return e.planAgain(ctx, st, outcomeDiverged, err)
	}
	if o := planOutcome(err); o != "" && e.other(RolePlanner, st.Past, o) {
		return e.planAgain(ctx, st, o, err)
	}
	if failed, reason := planFailure(err); failed {
		return e.Writer.Record(ctx, TaskFailed{Task: planner.PlanTask, Reason: reason})
	}
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	return e.takePlan(ctx, plan, "model")
}

// planning is who answers the open attempt at planning, and what it is told of the machine.
func (e *Engine) planning(ctx context.Context, st TaskState) (planner.Asker, string, error) {
	at, err := e.attempt(ctx, planner.PlanTask, "", st.Attempts)
	if err != nil {
		return nil, "", err
	}
	facts, err := e.frozenFacts(ctx, st)
	return e.asker(at, st), facts, err
}

// startPlan gives the task `plan` with an attempt that is open.
func (e *Engine) startPlan(ctx context.Context) (TaskState, error) {
	st, err := e.task(ctx, planner.PlanTask)
	if err != nil || st.State != TaskPending {
		return st, err
	}
	first, err := e.planAttempt(ctx, st.Attempts+1, st.Past)
	if err != nil {
		return st, err
	}
	if err := e.Writer.Record(ctx, TaskStarted{Task: planner.PlanTask}, first); err != nil {
		return st, err
	}
	return e.task(ctx, planner.PlanTask)
}

// planAttempt freezes what the planning model is told of the machine: whoever resumes the attempt,
// with other tools or on another machine, asks the same questions.
func (e *Engine) planAttempt(ctx context.Context, n int, past []string) (AttemptStarted, error) {
	h, err := e.Blobs.Put(ctx, []byte(e.facts(ctx)))
	if err != nil {
		return AttemptStarted{}, fmt.Errorf("freeze facts for the plan: %w", err)
	}
	c := e.choose(RolePlanner, past)
	return AttemptStarted{Task: planner.PlanTask, Attempt: n, Frozen: h, Prompts: agent.PromptVersion(), Model: c.Model, Why: c.Why}, nil
}

// planAgain ends the attempt at planning and opens the next one.
func (e *Engine) planAgain(ctx context.Context, st TaskState, outcome string, why error) error {
	next, err := e.planAttempt(ctx, st.Attempts+1, append(st.Past, outcome))
	if err != nil {
		return err
	}
	return e.Writer.Record(ctx, AttemptFinished{Task: planner.PlanTask, Attempt: st.Attempts, Outcome: outcome, Reason: why.Error()}, next)
}

// planOutcome is how an attempt at planning ended without a plan; "" for what is no model's doing.
func planOutcome(err error) string {
	var f *agent.Failure
	var problems planner.Problems
	switch {
	case unreachable(err):
		return outcomeUnreachable
	case errors.As(err, &problems):
		return "failed"
	case errors.As(err, &f) && (f.Class == agent.FixRequest || f.Class == agent.FailTask):
		return string(agent.Declined)
	}
	return ""
}

// frozenFacts are the facts of the open attempt; attempts of older builders have none.
func (e *Engine) frozenFacts(ctx context.Context, st TaskState) (string, error) {
	if st.Open == nil || st.Open.Frozen == "" {
		return "", nil
	}
	raw, err := e.Blobs.Get(ctx, st.Open.Frozen)
	if err != nil {
		return "", fmt.Errorf("recall facts for the plan: %w", err)
	}
	return string(raw), nil
}

// facts asks what agents and the planning model are told of the machine.
func (e *Engine) facts(ctx context.Context) string {
	if e.Facts == nil {
		return ""
	}
	return e.Facts(ctx)
}

// planFailure says whether err is the model's failure to plan.
func planFailure(err error) (bool, string) {
	var problems planner.Problems
	var f *agent.Failure
	if errors.As(err, &problems) {
		return true, problems.Error()
	}
	if errors.As(err, &f) && (f.Class == agent.FixRequest || f.Class == agent.FailTask) {
		return true, f.Error()
	}
	return false, ""
}

// attempt makes the numbering of an attempt's effects.
func (e *Engine) attempt(ctx context.Context, id planner.TaskID, phase planner.PhaseID, n int) (*attempt, error) {
	at := &attempt{task: id, phase: phase, number: n}
	return at, e.Writer.View(ctx, func(s *State) { at.build = s.Build.Build })
}

// asker asks the planner's questions through the journal and the meter. Each question is a
// conversation of its own.
func (e *Engine) asker(at *attempt, st TaskState) planner.Asker {
	model := st.Model
	if model == "" { // an attempt of an older builder
		model = e.Set.Model
	}
	return askerFunc(func(ctx context.Context, q planner.Question) (json.RawMessage, error) {
		req := agent.Request{
			Model: model, System: q.System, MaxTokens: planTokens, Effort: e.Set.Effort, Thinking: e.Set.limitOf(model).Thinking, Schema: q.Schema,
			Messages: []agent.Message{agent.Say(agent.User, q.Prompt)},
		}
		if q.Repair != "" {
			req.Messages = append(req.Messages, agent.Say(agent.Assistant, q.Answer), agent.Say(agent.User, q.Repair))
		}
		resp, err := e.journaled(at, e.other(RolePlanner, st.Past, outcomeUnreachable)).Complete(ctx, req)
		if err != nil {
			return nil, err
		}
		return json.RawMessage(resp.Message.Words()), nil
	})
}

// journaled is the model of one attempt. With a fallback at hand it is not waited for as long.
func (e *Engine) journaled(at *attempt, fallback bool) *journaled {
	policy := e.Retry
	if fallback {
		policy.MaxWait = fallbackWait
	}
	return &journaled{door: e.door(), model: e.Model, at: at, policy: policy, spare: fallback, pace: e.Pace, stop: e.Stop, room: e.room, again: e.again()}
}

func (e *Engine) door() Door {
	return Door{Writer: e.Writer, Blobs: e.Blobs, Valve: e.Valve, shelf: &e.shelf}
}

type askerFunc func(context.Context, planner.Question) (json.RawMessage, error)

func (f askerFunc) Ask(ctx context.Context, q planner.Question) (json.RawMessage, error) {
	return f(ctx, q)
}

// Plan carries out the planning of a build and nothing else. Afterwards the state has a plan, or
// its task `plan` has failed. Errors are as those of Run.
func (e *Engine) Plan(ctx context.Context) error {
	for {
		due, err := e.planDue(ctx)
		if err == nil && !due {
			return nil
		}
		if err == nil {
			err = e.makePlan(ctx)
		}
		if err != nil {
			return e.pause(ctx, err)
		}
	}
}

// planDue says whether a plan is still to be made.
func (e *Engine) planDue(ctx context.Context) (due bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err := e.loadPlan(ctx); err != nil {
		return false, err
	}
	err = e.Writer.View(ctx, func(s *State) { due = Next(e.plan, s, 1)[0].Kind == StepPlan })
	return due, err
}
