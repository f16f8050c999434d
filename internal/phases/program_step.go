package phases

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// An attempt can be carried out by a program of its own, an agent's CLI. Its model calls pass the
// gateway, under ops of the attempt; its work passes the gates. What it does between, it does not tell.
//
// The rules are:
//   - what a program asks Builder for (gates, notes, questions) is an effect like any other; the steps
//     of these stay below programCalls, where those of its model calls begin
//   - run again, a program does not do the same in the same order: its effects are not recalled, they
//     are numbered on from the last one that is known
//   - a process that goes on with an attempt takes the scratch tree as the program left it, which its
//     session knows, and records it as it is; where it cannot be recorded, or is gone, the tree is
//     brought back to what was recorded last, and the program is told
//   - the candidate is what is scanned when the program says that it is finished, never what it says

// programCalls is the first step of an attempt's calls through the gateway.
const programCalls = 1_000_000

// Programs carries attempts out by programs of their own.
type Programs interface {
	// Run carries one attempt out, as an [agent.Engine] does, and leaves no process behind.
	Run(ctx context.Context, r ProgramRun) (agent.Result, error)
	// Versions are the program's own, "" where it does not say (then its run will tell why), and that of the
	// words which are added to an attempt's for it.
	Versions(ctx context.Context) (program, prompts string)
}

// ProgramRun is one attempt for a program.
type ProgramRun struct {
	Job   agent.Job
	Op    budget.Op // of the attempt; Step is the first of the program's model calls
	Phase planner.PhaseID
	// Enter is asked before each model call; leave is called once it is over.
	Enter func(ctx context.Context, model string) (leave func(), err error)
	Stop  Stop // what becomes of calls in flight when ctx ends
}

// engageProgram has a program carry the open attempt out. begun says that another run of it did so for
// a while.
func (e *Engine) engageProgram(ctx context.Context, task planner.Task, st TaskState, p *prover, t agent.Task, begun bool) (agent.Result, error) {
	if e.Programs == nil {
		return agent.Result{}, fmt.Errorf("go on with attempt %d of %s: %s is not at hand", p.at.number, task.ID, st.Open.Engine)
	}
	p.bench = &bench{tree: st.Open.Tree, kept: st.Open.Tree} // of tools there is none: the program has its own
	var said []string
	err := e.Writer.View(ctx, func(s *State) {
		p.at.step = lastStep(s.Task(task.ID).Open)
		said, _ = s.saidAfter(task.ID, st.Open.Heard)
	})
	if err != nil {
		return agent.Result{}, err
	}
	left, err := e.programTree(ctx, st, p, begun)
	if err != nil {
		return agent.Result{}, err
	}
	if begun && !left {
		said = append([]string{"The folder was brought back to an earlier state of your work: look at what is there before you go on."}, said...)
	}
	op := programOp(p.at.build, task.ID, p.at.number)
	return e.runProgram(ctx, ProgramRun{
		Job: agent.Job{
			Task: t, Dir: p.dir, Session: sessionOf(op), Begun: begun, Said: said,
			Foreman: &foreman{engine: e, prover: p, person: person{e.Writer, p.at}},
		},
		Op: op, Phase: st.Phase, Enter: e.programEnters(ctx), Stop: e.Stop,
	})
}

// runProgram runs a program until it comes to an end that is not a provider's trouble, which it has tried
// to get over by itself: it goes on in its session after the waits that a call of the loop would have.
func (e *Engine) runProgram(ctx context.Context, r ProgramRun) (agent.Result, error) {
	for tries := 1; ; tries++ {
		res, err := e.Programs.Run(ctx, r)
		var f *agent.Failure
		if err == nil || !errors.As(err, &f) || ctx.Err() != nil {
			return res, err
		}
		wait, again := e.Retry.next(r.Op, f, tries)
		if !again {
			return res, e.programPause(err, f)
		}
		if err := e.Retry.wait(ctx, wait); err != nil {
			return res, err
		}
		r.Job.Begun, r.Job.Said = true, nil
	}
}

// programTree lays the scratch tree out. left says that it is as an earlier run left it.
func (e *Engine) programTree(ctx context.Context, st TaskState, p *prover, begun bool) (left bool, err error) {
	if _, err := os.Lstat(p.dir); begun && err == nil {
		_, _, bad, err := p.candidate(ctx)
		if err != nil || bad == nil {
			return err == nil, err
		}
	}
	return false, e.bringTree(ctx, st.Open.Tree, p.dir, begun)
}

// programEnters lets model calls through as the build stands: none after a stop, none without room,
// none while it is held, and at the provider's pace.
func (e *Engine) programEnters(run context.Context) func(context.Context, string) (func(), error) {
	return func(ctx context.Context, model string) (func(), error) {
		if run.Err() != nil {
			return nil, context.Cause(run)
		}
		if err := e.room(ctx); err != nil {
			return nil, err
		}
		pace := func(agent.Response, error) error { return nil }
		if e.Pace != nil {
			var err error
			if pace, err = e.Pace.Enter(ctx, model); err != nil {
				return nil, err
			}
		}
		out, err := e.Valve.pass(ctx)
		if err != nil {
			return nil, pace(agent.Response{}, err)
		}
		return func() { out(); _ = pace(agent.Response{}, nil) }, nil
	}
}

// programPause makes a pause of a provider's failure, unless that is the task's own.
func (e *Engine) programPause(err error, f *agent.Failure) error {
	var pause *PauseError
	if errors.As(err, &pause) || f.Class == agent.FixRequest || f.Class == agent.FailTask {
		return err
	}
	return &PauseError{Err: f, Reason: providerReason(f, e.Retry.at(f.After), e.again())}
}

// lastStep is the newest step of an attempt's effects, those of its model calls aside.
func lastStep(a *AttemptState) int {
	last := 0
	for key := range a.Outcomes {
		if at, ok := keyed(budget.Op{Build: "b", Task: "t", Attempt: 1}, key); ok && at.Step < programCalls {
			last = max(last, at.Step)
		}
	}
	for step := range a.Told {
		last = max(last, step)
	}
	return last
}

// OpenSessions lists the sessions of attempts that programs have under way: [agent.Job.Session].
func (s *State) OpenSessions() []string {
	var open []string
	for id, t := range s.Tasks {
		if t.Open != nil && t.Open.Engine != "" {
			open = append(open, sessionOf(programOp(s.Build.Build, id, t.Open.Number)))
		}
	}
	return open
}

// programOp is the op of an attempt, at the first of its program's model calls.
func programOp(build string, id planner.TaskID, attempt int) budget.Op {
	return budget.Op{Build: build, Task: string(id), Attempt: attempt, Step: programCalls}
}

// sessionOf is the UUID of an attempt's session: the same in every process.
func sessionOf(op budget.Op) string {
	b := sha256.Sum256([]byte("session " + op.String()))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
