package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Replay runs a build again from its journal: every tool, gate, merge and commit is done anew, in a
// journal of its own, and only the answers of models come from the records. What comes out is compared
// with what was recorded.
//
// The rules are: what was decided is taken from the records, in their order and with their times; what
// has an effect is done again; nothing is sent, and nothing costs anything; the first commit that comes
// out otherwise ends the replay, since what follows rests on it.
type Replay struct {
	// Engine does the work. It has neither Writer nor Cost; its Model reads kept answers.
	Engine *Engine
	// Tell is told a line for people now and then; nil: nobody is.
	Tell func(string)

	answers map[budget.Op]*keptAnswer
	at      time.Time
	merging bool // the build's commits are merges
	landing bool // between the first and the last record of a merge's end
	report  ReplayReport
}

// ReplayReport is what a replay has shown. Problems are what came out otherwise; Notes are differences
// on the way that changed nothing of what was built.
type ReplayReport struct {
	Version  int             `json:"version"`
	Records  uint64          `json:"records"`
	Attempts int             `json:"attempts"` // carried out again
	Merges   int             `json:"merges"`
	Commits  int             `json:"commits"` // with the ids they had
	Head     string          `json:"head,omitempty"`
	Tree     checkpoint.Hash `json:"tree,omitempty"` // manifest of the newest commit
	Notes    []string        `json:"notes"`
	Problems []string        `json:"problems"`
}

// replayed is how an attempt came out.
type replayed struct {
	outcome string
	tree    checkpoint.Hash
	err     error // it could not be carried to its end
}

// errOtherwise ends a replay; the report has the problem.
var errOtherwise = errors.New("it came out otherwise")

// Run replays all of a journal. The error is the machine's; what came out otherwise is in the report.
func (r *Replay) Run(ctx context.Context, source checkpoint.Journal) (ReplayReport, error) {
	r.report = ReplayReport{Version: 1, Notes: []string{}, Problems: []string{}}
	r.answers = map[budget.Op]*keptAnswer{}
	if err := source.Read(ctx, 0, r.collect); err != nil {
		return r.report, fmt.Errorf("read journal: %w", err)
	}
	w, err := OpenWriter(ctx, &checkpoint.Memory{}, func() time.Time { return r.at })
	if err != nil {
		return r.report, err
	}
	e := r.Engine
	e.Writer, e.branch = w, make(chan struct{}, 1)
	e.Model = recalling{r, e.Model}
	err = source.Read(ctx, 0, func(env checkpoint.Envelope) error { return r.step(ctx, env) })
	if errors.Is(err, errOtherwise) {
		err = nil
	}
	if err == nil {
		err = w.View(ctx, func(s *State) { r.report.Head, r.report.Tree = s.Head, s.HeadTree })
	}
	return r.report, errors.Join(err, w.Close(context.WithoutCancel(ctx)))
}

// step does again what one record tells of.
func (r *Replay) step(ctx context.Context, env checkpoint.Envelope) error {
	f, err := Decode(env.Kind, env.Payload)
	if err != nil {
		return err
	}
	r.report.Records++
	r.at = env.Time
	switch f := f.(type) {
	case CallIntended, CallAnswered, CallFailed, EffectStarted, EffectFinished:
		return nil // done where its attempt or merge is
	case PlanAccepted:
		return r.plan(ctx, f)
	case AttemptFinished:
		return r.attempted(ctx, f)
	case MergeStarted:
		r.landing, r.merging = false, true
		return r.merge(ctx, f)
	case TaskDone:
		if !r.merging {
			r.note("%s was committed by a builder that did not merge; its commit is taken as it is", f.Task)
			return r.Engine.Writer.Record(ctx, f)
		}
		return r.landed(ctx, f, func(s *State) bool {
			t := s.Task(f.Task)
			return t.Commit == f.Commit && t.Tree == f.Tree
		})
	case MergeFinished:
		err := r.landed(ctx, f, func(s *State) bool { return s.Merge == nil })
		r.landing = false
		return err
	case TaskRebased:
		if !r.landing { // before its merge began
			return r.Engine.Writer.Record(ctx, f)
		}
		return r.landed(ctx, f, func(s *State) bool {
			t := s.Task(f.Task)
			return t.Rebased != nil && t.Rebased.Start == f.Start
		})
	}
	return r.Engine.Writer.Record(ctx, f)
}

func (r *Replay) tell(format string, args ...any) {
	if r.Tell != nil {
		r.Tell(fmt.Sprintf(format, args...))
	}
}

func (r *Replay) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

func (r *Replay) problem(format string, args ...any) {
	r.report.Problems = append(r.report.Problems, fmt.Sprintf(format, args...))
}

// plan asks for the plan again, where a model made it, and takes the one that was accepted.
func (r *Replay) plan(ctx context.Context, f PlanAccepted) error {
	e := r.Engine
	if f.By == "model" {
		st, err := e.task(ctx, planner.PlanTask)
		if err != nil {
			return err
		}
		ask, facts, err := e.planning(ctx, st)
		if err != nil {
			return err
		}
		plan, err := e.Draft(ctx, ask, e.Spec, facts)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		raw, jerr := json.Marshal(plan)
		if err != nil || jerr != nil || string(checkpoint.HashOf(raw)) != f.Hash {
			r.note("this version of builder makes another plan of the same answers; the one that was accepted is carried out")
		}
	}
	return e.Writer.Record(ctx, f)
}

// attempt carries an attempt out again, at its end: by then the state knows what a person said in it.
func (r *Replay) attempt(ctx context.Context, f AttemptFinished) (replayed, error) {
	e := r.Engine
	if err := e.loadPlan(ctx); err != nil {
		return replayed{}, err
	}
	task, ok := e.plan.Task(f.Task)
	st, err := e.task(ctx, f.Task)
	if err != nil || !ok || st.Open == nil {
		return replayed{}, errors.Join(err, errMissing(ok && st.Open != nil, f.Task))
	}
	if f.Attempt == st.Before+1 {
		if err := e.redFirst(ctx, task, st); err != nil {
			return replayed{}, err
		}
	}
	base, err := e.fetch(ctx, st.BaseTree)
	if err != nil {
		return replayed{}, err
	}
	at, err := e.attempt(ctx, f.Task, st.Phase, f.Attempt)
	if err != nil {
		return replayed{}, err
	}
	p := e.prover(task, st, at, base)
	if st.Open.Engine != "" {
		return r.program(ctx, f, st, p)
	}
	res, err := e.engage(ctx, task, st, p, false)
	if ctx.Err() != nil {
		return replayed{}, context.Cause(ctx)
	}
	r.report.Attempts++
	got := replayed{string(res.Outcome), p.proven, err}
	if res.Outcome == agent.Accepted && err == nil {
		r.tell("%s  attempt %d  tree %.12s", f.Task, f.Attempt, p.proven)
		return got, nil
	}
	r.tell("%s  attempt %d  ended without a candidate", f.Task, f.Attempt)
	return got, e.Trees.Remove(p.dir)
}

// program proves again what a program made: what it did itself is not known, and its candidate is.
func (r *Replay) program(ctx context.Context, f AttemptFinished, st TaskState, p *prover) (replayed, error) {
	r.report.Attempts++
	if f.Tree == "" {
		r.tell("%s  attempt %d  by %s, ended without a candidate", f.Task, f.Attempt, st.Open.Engine)
		return replayed{outcome: f.Outcome}, nil
	}
	m, err := r.Engine.fetch(ctx, f.Tree)
	if err != nil {
		return replayed{}, err
	}
	failed, err := p.prove(ctx, m, f.Tree, append(slices.Clone(p.task.Gates), p.keep...))
	if err != nil {
		return replayed{}, err
	}
	if len(failed) > 0 {
		return replayed{outcome: "with the gate " + string(failed[0].gate) + " red"}, nil
	}
	r.tell("%s  attempt %d  by %s, its candidate proven again: tree %.12s", f.Task, f.Attempt, st.Open.Engine, f.Tree)
	return replayed{outcome: f.Outcome, tree: f.Tree}, nil
}

func errMissing(ok bool, id planner.TaskID) error {
	if ok {
		return nil
	}
	return fmt.Errorf("replay: the plan has no task %s, or it has no attempt that is open", id)
}

// attempted compares how an attempt came out.
func (r *Replay) attempted(ctx context.Context, f AttemptFinished) error {
	if f.Task != planner.PlanTask {
		got, err := r.attempt(ctx, f)
		if err != nil {
			return err
		}
		var failed *agent.Failure
		switch {
		case f.Tree != "" && got.err != nil:
			r.problem("%s attempt %d: %s", f.Task, f.Attempt, got.err)
		case f.Tree != got.tree:
			r.problem("%s attempt %d ended %s with tree %.12q; now it ended %s with tree %.12q", f.Task, f.Attempt, f.Outcome, f.Tree, got.outcome, got.tree)
		case got.err != nil && !errors.Is(got.err, errNoAnswer) && !errors.As(got.err, &failed):
			return got.err
		}
	}
	if err := r.Engine.Writer.Record(ctx, f); err != nil {
		return err
	}
	if len(r.report.Problems) > 0 {
		return errOtherwise
	}
	return nil
}

// merge merges again, and compares the trees.
func (r *Replay) merge(ctx context.Context, f MergeStarted) error {
	e := r.Engine
	tree := f.Tree
	for _, it := range f.Items {
		st, err := e.task(ctx, it.Task)
		if err != nil {
			return err
		}
		task, _ := e.plan.Task(it.Task)
		m, err := e.mergeOne(ctx, waiter{task: task, st: st}, tree)
		if err != nil {
			return err
		}
		got, err := e.keep(ctx, m.Tree)
		if err != nil {
			return err
		}
		if got != it.Tree || st.Accepted != it.Candidate {
			r.problem("merge %d of %s gave tree %.12s; now it gives %.12s", f.Merge, it.Task, it.Tree, got)
			return errOtherwise
		}
		tree = it.Tree
	}
	return e.Writer.Record(ctx, f)
}

// landed proves and commits the open merge, at the first record that says so, and compares one of them.
func (r *Replay) landed(ctx context.Context, f Fact, same func(*State) bool) error {
	var open bool
	if err := r.Engine.Writer.View(ctx, func(s *State) { open = s.Merge != nil }); err != nil {
		return err
	}
	r.landing = true
	if open {
		r.report.Merges++
		if err := r.Engine.merge(ctx); err != nil {
			return err
		}
	}
	is := false
	if err := r.Engine.Writer.View(ctx, func(s *State) { is = same(s) }); err != nil {
		return err
	}
	if !is {
		return r.otherwise(ctx, f)
	}
	if done, ok := f.(TaskDone); ok {
		r.report.Commits++
		r.tell("%s  commit %.10s", done.Task, done.Commit)
	}
	return nil
}

// otherwise says what a merge came to instead of what a record says.
func (r *Replay) otherwise(ctx context.Context, f Fact) error {
	done, ok := f.(TaskDone)
	if !ok {
		r.problem("%s %s came out otherwise", f.kind(), TaskOf(f))
		return errOtherwise
	}
	var got TaskState
	if err := r.Engine.Writer.View(ctx, func(s *State) { got = s.Task(done.Task).clone() }); err != nil {
		return err
	}
	r.problem("%s: its commit was %.10s with tree %.12s; now it is %.10q with tree %.12q", done.Task, done.Commit, done.Tree, got.Commit, got.Tree)
	return errOtherwise
}
