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
	var st TaskState
	if err := e.Writer.View(ctx, func(s *State) { st = s.Task(planner.PlanTask) }); err != nil {
		return err
	}
	if st.State == TaskPending {
		st.Attempts++
		if err := e.Writer.Record(ctx, TaskStarted{Task: planner.PlanTask}, AttemptStarted{Task: planner.PlanTask, Attempt: st.Attempts, Prompts: agent.PromptVersion()}); err != nil {
			return err
		}
	}
	at, err := e.attempt(ctx, planner.PlanTask, "", st.Attempts)
	if err != nil {
		return err
	}
	plan, err := e.Draft(ctx, e.asker(at), e.Spec)
	if errors.Is(err, ErrReplay) { // a newer builder asks other questions, or asks them in another way
		return e.Writer.Record(ctx,
			AttemptFinished{Task: planner.PlanTask, Attempt: st.Attempts, Outcome: "diverged", Reason: err.Error()},
			AttemptStarted{Task: planner.PlanTask, Attempt: st.Attempts + 1, Prompts: agent.PromptVersion()})
	}
	if failed, reason := planFailure(err); failed {
		return e.Writer.Record(ctx, TaskFailed{Task: planner.PlanTask, Reason: reason})
	}
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	return AcceptPlan(ctx, e.Writer, e.Blobs, plan, "model")
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
func (e *Engine) asker(at *attempt) planner.Asker {
	return askerFunc(func(ctx context.Context, q planner.Question) (json.RawMessage, error) {
		req := agent.Request{
			Model: e.Set.Model, System: q.System, MaxTokens: planTokens, Effort: e.Set.Effort, Schema: q.Schema,
			Messages: []agent.Message{agent.Say(agent.User, q.Prompt)},
		}
		if q.Repair != "" {
			req.Messages = append(req.Messages, agent.Say(agent.Assistant, q.Answer), agent.Say(agent.User, q.Repair))
		}
		resp, err := e.journaled(at).Complete(ctx, req)
		if err != nil {
			return nil, err
		}
		return json.RawMessage(resp.Message.Words()), nil
	})
}

func (e *Engine) journaled(at *attempt) *journaled {
	return &journaled{door: e.door(), model: e.Model, at: at, policy: e.Retry, stop: e.Stop, room: e.room, again: e.again()}
}

func (e *Engine) door() Door { return Door{Writer: e.Writer, Blobs: e.Blobs} }

type askerFunc func(context.Context, planner.Question) (json.RawMessage, error)

func (f askerFunc) Ask(ctx context.Context, q planner.Question) (json.RawMessage, error) {
	return f(ctx, q)
}

// Plan carries out the planning of a build and nothing else. Afterwards the state has a plan, or
// its task `plan` has failed. Errors are as those of Run.
func (e *Engine) Plan(ctx context.Context) error {
	for {
		step, err := e.next(ctx)
		if err == nil && step.Kind != StepPlan {
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
