package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Engine runs a build: it asks Next what to do and does it, until nothing is left or something
// makes it pause. All that survives it is in the journal; an Engine may be made again at any time.
type Engine struct {
	Writer *Writer
	Blobs  checkpoint.Blobs
	Trees  Trees
	Repo   Repo
	Gates  Gates
	Bench  Workbench
	Model  agent.Model // through the meter
	// Program is the name of the engine that carries new attempts out, where that is a program of its own;
	// "" is the native loop. Programs runs them, and MUST be set where the state has such attempts.
	Program  string
	Programs Programs
	Spec     *planner.Spec
	// Draft asks for a plan of the spec; the last argument is what Facts gave when the planning began.
	Draft func(context.Context, planner.Asker, *planner.Spec, string) (*planner.Plan, error)
	// Preflight looks at a plan before any task of it costs money: missing toolchains, for one. A
	// *PauseError from it pauses the build. nil means no look.
	Preflight func(context.Context, *planner.Plan) error
	// Revise asks for the plan as it is to be under a spec that changed, as Draft does. It is needed
	// while the state has a change that was accepted.
	Revise  func(context.Context, planner.Asker, *planner.Plan, string) (*planner.Plan, error)
	Scratch string // folder for scratch trees, outside any repository
	// Facts says what the machine has: toolchains, modules and limits. It is asked when an attempt
	// begins, and the answer is frozen with the attempt. nil means that nothing is told.
	Facts func(context.Context) string
	Set   Settings
	// Space says how many bytes are free where the build keeps itself. It is asked before each call
	// that costs something. nil means no look.
	Space func(context.Context) (int64, error)
	Again string // the command that goes on, told to people at a pause; "" means builder resume
	Retry RetryPolicy
	Pace  Pacer // nil: sends go as fast as they come
	Stop  Stop
	// Workers is how many tasks are carried out at the same time, at most; 0 means one.
	Workers  int
	Throttle *Throttle // nil: always as many
	// Cost is what a task that is expected to take this much costs at least. A task that the rest of
	// the budget cannot fund is not begun. nil means that nothing is expected.
	Cost  func(*planner.Plan, planner.Task) Funds
	Valve *Valve // keeps new calls and effects back while the build is held; nil: never

	plan   *planner.Plan
	planAt checkpoint.Hash
	rows   map[planner.TaskID]int // of the plan; see rows
	root   root
	spares spares
	shelf  shelf
	branch chan struct{} // holds one: whoever moves the branch, or starts tasks from it
}

// Settings are the user's choices for how tasks are carried out. Zero values mean the defaults.
type Settings struct {
	Model     string
	MaxTokens int64  // most output tokens of one call; 0 means 32,000
	Window    int64  // of the model, in tokens; 0: not known
	Effort    string // "" lets the model decide
	Attempts  int    // at one task; 0 means 3
	Models    Models // by role, to escalate to, to fall back on
	// Limits are those of the models that may have a part, where they are not MaxTokens and Window.
	Limits  map[string]ModelLimit
	MinFree int64 // bytes that must be free before a call; 0 means 64 MiB and 8 bytes a token
}

func (e *Engine) workers() int { return max(e.Workers, 1) }

func (s Settings) minFree() int64 {
	if s.MinFree == 0 {
		return 64<<20 + 8*s.maxTokens()
	}
	return s.MinFree
}

func (s Settings) attempts() int {
	if s.Attempts == 0 {
		return 3
	}
	return s.Attempts
}

func (s Settings) maxTokens() int64 {
	if s.MaxTokens == 0 {
		return 32_000
	}
	return s.MaxTokens
}

// limitOf is what one call to a model may write and hold.
func (s Settings) limitOf(model string) ModelLimit {
	if l, ok := s.Limits[model]; ok {
		return l
	}
	return ModelLimit{MaxTokens: s.maxTokens(), Window: s.Window}
}

func (e *Engine) again() string {
	if e.Again == "" {
		return "builder resume"
	}
	return e.Again
}

// step is the only place where agent, gates, commits and journal meet.
func (e *Engine) step(ctx context.Context, step Step) error {
	switch step.Kind {
	case StepPlan:
		return e.makePlan(ctx)
	case StepTask:
		return e.runTask(ctx, step.Task)
	case StepMerge:
		if err := e.merge(ctx); err != nil {
			return err
		}
		return e.Writer.warn(ctx, e.plan)
	case StepAsk:
		return e.asking(ctx)
	case StepProve:
		return e.proveEdits(ctx)
	default:
		e.dropSpares() // nothing goes on any more; a done build is not run again, so nobody would look for them
		return e.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
			return []Fact{Finished{State: string(ending(e.plan, s))}}, nil
		})
	}
}

// ending is done when every task is, else failed.
func ending(p *planner.Plan, s *State) RunState {
	if p == nil || s.Amending != nil {
		return FailedState
	}
	for _, t := range p.Tasks() {
		if s.phaseOf(t.ID) != TaskIsDone {
			return FailedState
		}
	}
	return DoneState
}

// loadPlan reads the plan that the state names, once per change.
func (e *Engine) loadPlan(ctx context.Context) error {
	var at checkpoint.Hash
	if err := e.Writer.View(ctx, func(s *State) { at = s.Plan }); err != nil {
		return err
	}
	if at == e.planAt {
		return nil
	}
	p, err := ReadPlan(ctx, e.Blobs, at)
	if err != nil {
		return err
	}
	if e.Preflight != nil {
		if err := e.Preflight(ctx, p); err != nil {
			return err
		}
	}
	e.plan, e.planAt, e.rows = p, at, rows(p.Tasks())
	return nil
}

// ReadPlan reads an accepted plan from its blob.
func ReadPlan(ctx context.Context, blobs checkpoint.Blobs, h checkpoint.Hash) (*planner.Plan, error) {
	raw, err := blobs.Get(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	var p planner.Plan
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("read plan: %w: %w", checkpoint.ErrCorrupt, err)
	}
	return &p, nil
}

// AcceptPlan fixes the plan of a build that has none. The blob of its JSON is its identity.
func AcceptPlan(ctx context.Context, w *Writer, blobs checkpoint.Blobs, p *planner.Plan, by string) error {
	f, err := Accepted(ctx, blobs, p, by)
	if err != nil {
		return err
	}
	return w.Record(ctx, f)
}

// Accepted keeps a plan among the blobs and makes the record that fixes it.
func Accepted(ctx context.Context, blobs checkpoint.Blobs, p *planner.Plan, by string) (PlanAccepted, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return PlanAccepted{}, fmt.Errorf("encode plan: %w", err)
	}
	h, err := blobs.Put(ctx, raw)
	if err != nil {
		return PlanAccepted{}, fmt.Errorf("keep plan: %w", err)
	}
	return PlanAccepted{Plan: h, Hash: string(h), By: by}, nil
}

// pause records why the build stops and returns it as a *PauseError, unless the store itself failed.
// What breaks because ctx has ended is the doing of whoever ended it.
func (e *Engine) pause(ctx context.Context, err error) error {
	reason, ok := reasonOf(err, e.again())
	if !ok && ctx.Err() != nil && !storeFailed(err) {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		reason, ok = reasonOf(err, e.again())
	}
	if !ok {
		return err
	}
	if rerr := e.Writer.Record(context.WithoutCancel(ctx), Paused{Reason: reason}); rerr != nil {
		err = errors.Join(err, rerr)
		if reason.Code != CodeDisk { // on a full disk nothing can be recorded; what was, goes on
			return err
		}
	}
	return &PauseError{Reason: reason, Err: err}
}
