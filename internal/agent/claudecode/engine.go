package claudecode

import (
	"context"
	"errors"
	"fmt"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
)

// How often things may happen in one Run before it ends. The rules are:
//
//   - only Verify ends an attempt as Accepted;
//   - a process that dies goes on in another one, in the same session, at most twice; then the attempt is stuck,
//     unless the process never came to work: that is the machine's failure;
//   - a turn that ends without finish is told so; the third in a row is stuck;
//   - an answer that was cut off is gone on with; the third in a row is the provider's failure, or stuck where
//     the output limit cut it;
//   - the same failure of the gates, three times in a row, is stuck;
//   - a process that says nothing is interrupted and ended; the session goes on in another one, once;
//   - another model than asked for ends the attempt as Declined.
const (
	mostDeaths   = 2
	mostSilences = 1
	mostQuiet    = 3 // turns in a row without finish
	mostCut      = 3
	sameGates    = 3
)

// engine is one attempt's.
type engine struct {
	program *Program
	job     agent.Job
	way     agent.Way
}

// Run implements [agent.Engine]. Failures of the provider come back as *[agent.Failure], what closed the way as it is.
// When it returns, no process of the CLI is left.
func (e *engine) Run(ctx context.Context, t agent.Task) (agent.Result, error) {
	folder, err := e.program.folder(e.job.Session)
	if err != nil {
		return agent.Result{}, fmt.Errorf("run task %s: %w", t.ID, err)
	}
	if err := e.program.logIn(folder); err != nil {
		return agent.Result{}, fmt.Errorf("run task %s: %w", t.ID, err)
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := &attempt{engine: e, task: t, folder: folder, stop: stop, desk: desk{turn: make(chan struct{}, 1)}, known: e.job.Begun, answers: map[string]bool{}}
	err = a.processes(work)
	stop(errEnded)
	a.turn <- struct{}{} // a call of the foreman that still runs is waited for; none begins any more
	result, settled, cause := a.outcome()
	var failed *agent.Failure
	switch stopped := e.way.Stopped(); {
	case settled && cause == nil:
		return result, nil
	case settled:
		err = cause
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case stopped != nil:
		return agent.Result{}, stopped
	case errors.As(err, &failed):
		return agent.Result{}, failed
	}
	return agent.Result{}, fmt.Errorf("run task %s: %w", t.ID, err)
}

// processes runs one process after the other until the attempt has ended, or cannot go on.
func (a *attempt) processes(ctx context.Context) error {
	opening := a.opening()
	for {
		if stopped := a.way.Stopped(); stopped != nil {
			return stopped
		}
		if a.turns >= a.mostTurns() {
			return a.tooMany()
		}
		err := a.process(ctx, opening)
		if ctx.Err() != nil || a.way.Stopped() != nil {
			return err
		}
		if opening, err = a.goOn(err); err != nil {
			return err
		}
	}
}

// goOn decides what follows a process that ended before the attempt did: what the next one is told, or
// why there is none.
func (a *attempt) goOn(err error) (opening string, end error) {
	var exit *cli.ExitError
	switch {
	case errors.Is(err, errSilent):
		if a.silences++; a.silences > mostSilences {
			return "", a.silentFailure()
		}
		a.tell("claude code said nothing for " + a.program.conf.silence().String() + "; it is started again")
	case forgotten(err) && a.known:
		a.known = false
		a.tell("claude code does not know the session any more; a new one begins")
		return a.lost(), nil
	case taken(err) && !a.known && a.deaths == 0:
		a.known = true
		return paragraphs(a.first(), words("again"), said(a.job.Said)), nil
	case errors.As(err, &exit):
		if a.deaths++; a.deaths > mostDeaths {
			return "", a.dead(err)
		}
		a.tell("claude code ended by itself (" + exit.String() + "); it is started again")
	default:
		return "", err
	}
	if !a.known {
		return a.opening(), nil
	}
	return words("again"), nil
}

// dead ends an attempt whose processes die. One that never worked is the machine's failure.
func (a *attempt) dead(err error) error {
	if a.turns == 0 {
		return fmt.Errorf("claude code does not start: %w", err)
	}
	a.settle(agent.Result{Outcome: agent.Stuck, Reason: "claude code ended by itself again and again", Evidence: clip(err.Error(), 2000)}, nil)
	return err
}
