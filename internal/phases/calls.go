package phases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// minUseful is the least max_tokens worth paying for.
const minUseful = 1024

// PauseError ends a run before its end, resumable. Reason says why.
type PauseError struct {
	Reason Reason
	Err    error
}

// Error says the reason.
func (e *PauseError) Error() string { return e.Reason.Code + ": " + e.Reason.Message }

// Unwrap gives the cause.
func (e *PauseError) Unwrap() error { return e.Err }

// journaled answers model calls from the journal where it can, and sends where it cannot. It is the
// decorator through which an agent's loop replays: a failed or lost send is a recorded outcome, and
// replay walks through it to the next one without waiting again.
//
// The rules are: the hold is durable before a send; a recorded answer is never asked for again;
// another question at a known op is ErrReplay; no send after a stop was asked for, and none while the build is held; real sends, and
// they alone, keep the provider's pace; a question that was refused for what it is is not sent again.
type journaled struct {
	door   Door
	model  agent.Model
	at     *attempt
	hash   transcript
	prefix prefix
	policy RetryPolicy
	stop   Stop
	pace   Pacer                       // nil: as fast as it goes
	room   func(context.Context) error // asked before a send
	spare  bool                        // another model takes over when this one cannot be had
	again  string                      // the command that goes on after a pause
}

// prefix is what the conversation's last answer was billed for.
type prefix struct {
	tokens   int64
	messages int
}

// Complete implements agent.Model.
func (j *journaled) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	hash, err := j.hash.add(req)
	if err != nil {
		return agent.Response{}, err
	}
	if len(req.Messages) <= j.prefix.messages { // it began anew
		j.prefix = prefix{}
	}
	op := j.at.next()
	tries := 0 // failures in this process
	for op.Send = 1; ; op.Send++ {
		resp, err := j.send(ctx, op, hash, req)
		var f *agent.Failure
		if !errors.As(err, &f) {
			if err == nil {
				u := resp.Usage
				j.prefix = prefix{u.Input + u.CacheRead + u.CacheWrite5m + u.CacheWrite1h + u.Output, len(req.Messages) + 1}
			}
			return resp, err
		}
		if f.Class == agent.Retry || j.pace == nil { // the pacer bounds waits, over all calls together
			tries++
		}
		if errors.Is(f, errRecalled) {
			tries = 0
		}
		if err := j.afterFailure(ctx, op, f, tries); err != nil {
			return agent.Response{}, err
		}
	}
}

// send gives the outcome of one send: from the journal, or by sending.
func (j *journaled) send(ctx context.Context, op budget.Op, hash string, req agent.Request) (agent.Response, error) {
	var known Outcome
	var ok, refused bool
	if err := j.door.Writer.View(ctx, func(s *State) {
		known, ok = s.Find(op)
		refused = slices.Contains(s.Task(j.at.task).Refused, hash)
	}); err != nil {
		return agent.Response{}, err
	}
	switch {
	case ok:
		return j.recall(ctx, op, hash, known, req)
	case refused:
		return agent.Response{}, &agent.Failure{Class: agent.FixRequest, Cause: agent.CauseRequest, Type: "refused", Message: "the provider has refused the same request before", Err: errRecalled}
	}
	for {
		freed := j.door.Writer.freed()
		resp, err := j.make(ctx, op, hash, req)
		if !mayFit(err) {
			return resp, err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return agent.Response{}, context.Cause(ctx)
		}
	}
}

// mayFit says whether a call that was refused may fit when calls of others have been settled: they
// hold their worst case, and most of it comes back.
func mayFit(err error) bool {
	var refused *budget.Refusal
	return errors.As(err, &refused) && !refused.Overrun && refused.Held > 0
}

// make makes one send.
func (j *journaled) make(ctx context.Context, op budget.Op, hash string, req agent.Request) (agent.Response, error) {
	if ctx.Err() != nil {
		return agent.Response{}, context.Cause(ctx)
	}
	if err := j.room(ctx); err != nil {
		return agent.Response{}, err
	}
	leave, err := j.enter(ctx, req.Model)
	if err != nil {
		return agent.Response{}, err
	}
	out, err := j.door.Valve.pass(ctx) // after the pacer: a wait there may be long
	if err != nil {
		return agent.Response{}, leave(agent.Response{}, err)
	}
	defer out()
	call, cancel := j.stop.Sending(ctx)
	defer cancel()
	call = budget.WithCall(call, budget.Call{
		Op: op, Phase: string(j.at.phase), RequestHash: hash,
		PrefixTokens: j.prefix.tokens, NewMessages: len(req.Messages) - j.prefix.messages,
		MinOutput: min(minUseful, req.MaxTokens),
	})
	resp, err := j.model.Complete(call, req)
	err = leave(resp, err)
	if err != nil && call.Err() != nil && ctx.Err() != nil {
		return agent.Response{}, context.Cause(ctx) // cut by a stop; the meter has booked it
	}
	return resp, err
}

// enter waits until a send may leave.
func (j *journaled) enter(ctx context.Context, model string) (func(agent.Response, error) error, error) {
	if j.pace == nil {
		return func(_ agent.Response, err error) error { return err }, nil
	}
	return j.pace.Enter(ctx, model)
}

func (j *journaled) recall(ctx context.Context, op budget.Op, hash string, known Outcome, req agent.Request) (agent.Response, error) {
	if known.Request != hash {
		return agent.Response{}, fmt.Errorf("call %s: %w", op, ErrReplay)
	}
	if known.Failed != nil {
		return agent.Response{}, &agent.Failure{
			Class: agent.Class(known.Failed.Class), Cause: agent.Cause(known.Failed.Cause), Status: known.Failed.Status,
			Type: known.Failed.Type, Message: known.Failed.Message, Err: errRecalled,
		}
	}
	if !known.Done || known.Fate != budget.Answered {
		return agent.Response{}, &agent.Failure{Class: agent.Retry, Type: "lost", Message: "no answer was kept", Err: errRecalled}
	}
	raw, err := j.door.Blobs.Get(ctx, known.Answer)
	if err != nil {
		return agent.Response{}, fmt.Errorf("recall answer of %s: %w", op, err)
	}
	r, ok := j.model.(agent.Replayer)
	if !ok {
		return agent.Response{}, fmt.Errorf("recall answer of %s: the model cannot read kept answers: %w", op, checkpoint.ErrNotFound)
	}
	return r.Replay(ctx, req, known.Type, raw)
}
