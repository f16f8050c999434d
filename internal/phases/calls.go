package phases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

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
// another question at a known op is ErrReplay; no send after a stop was asked for.
type journaled struct {
	door   Door
	model  agent.Model
	at     *attempt
	hash   transcript
	prefix prefix
	policy RetryPolicy
	stop   Stop
	room   func(context.Context) error // asked before a send
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
		if err := j.afterFailure(ctx, op, f); err != nil {
			return agent.Response{}, err
		}
	}
}

// send gives the outcome of one send: from the journal, or by sending.
func (j *journaled) send(ctx context.Context, op budget.Op, hash string, req agent.Request) (agent.Response, error) {
	var known Outcome
	var ok bool
	if err := j.door.Writer.View(ctx, func(s *State) { known, ok = s.Find(op) }); err != nil {
		return agent.Response{}, err
	}
	if ok {
		return j.recall(ctx, op, hash, known, req)
	}
	if ctx.Err() != nil {
		return agent.Response{}, context.Cause(ctx)
	}
	if err := j.room(ctx); err != nil {
		return agent.Response{}, err
	}
	call, cancel := j.stop.sending(ctx)
	defer cancel()
	call = budget.WithCall(call, budget.Call{
		Op: op, Phase: string(j.at.phase), RequestHash: hash,
		PrefixTokens: j.prefix.tokens, NewMessages: len(req.Messages) - j.prefix.messages,
		MinOutput: min(minUseful, req.MaxTokens),
	})
	resp, err := j.model.Complete(call, req)
	if err != nil && call.Err() != nil && ctx.Err() != nil {
		return agent.Response{}, context.Cause(ctx) // cut by a stop; the meter has booked it
	}
	return resp, err
}

func (j *journaled) recall(ctx context.Context, op budget.Op, hash string, known Outcome, req agent.Request) (agent.Response, error) {
	if known.Request != hash {
		return agent.Response{}, fmt.Errorf("call %s: %w", op, ErrReplay)
	}
	if known.Failed != nil {
		return agent.Response{}, &agent.Failure{
			Class: agent.Class(known.Failed.Class), Status: known.Failed.Status,
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

// errRecalled marks a failure that comes from the journal: it has been recorded and waited for.
var errRecalled = errors.New("recalled from the journal")

// afterFailure decides what follows a send that failed: nil means send again.
func (j *journaled) afterFailure(ctx context.Context, op budget.Op, f *agent.Failure) error {
	wait, again := j.policy.next(f, op.Send)
	if errors.Is(f, errRecalled) {
		if f.Class == agent.FixRequest || f.Class == agent.FailTask {
			return f
		}
		return nil // it was waited for then, and what paused the build may work now
	}
	rec := CallFailed{Op: op, Class: string(f.Class), Status: f.Status, Type: f.Type, Message: f.Message, WaitMS: wait.Milliseconds()}
	if err := j.door.Writer.Record(context.WithoutCancel(ctx), rec); err != nil {
		return err
	}
	switch {
	case f.Class == agent.PauseBuild || (!again && (f.Class == agent.Retry || f.Class == agent.WaitUntil)):
		return &PauseError{Err: f, Reason: Reason{Code: CodeProvider, Message: f.Error(), Hint: whenItWorks(f) + j.again}}
	case !again:
		return f
	}
	return j.policy.wait(ctx, wait)
}

// whenItWorks says what to do before the build goes on.
func whenItWorks(f *agent.Failure) string {
	switch {
	case f.Status == http.StatusUnauthorized, f.Status == http.StatusForbidden:
		return "check the provider's key (ANTHROPIC_API_KEY) and what it may do, then: "
	case f.Status >= 300 && f.Status < 400, f.Status == http.StatusNotFound:
		return "check --base-url and the model's name, then: "
	}
	return "when the provider works again: "
}

// RetryPolicy bounds the sends of one call. The zero value sends at most 6 times with waits of 1 s
// doubling to 60 s, and waits as long as the provider says up to 15 min; longer waits pause the build.
type RetryPolicy struct {
	Sends int
	Base  time.Duration
	Max   time.Duration
	Sleep func(context.Context, time.Duration) error // nil means real time
}

func (p RetryPolicy) next(f *agent.Failure, send int) (time.Duration, bool) {
	sends, base, most := p.Sends, p.Base, p.Max
	if sends == 0 {
		sends = 6
	}
	if base == 0 {
		base = time.Second
	}
	if most == 0 {
		most = time.Minute
	}
	if f.Class != agent.Retry && f.Class != agent.WaitUntil || send%sends == 0 {
		return 0, false
	}
	if f.After > 0 {
		return f.After, f.After <= 15*time.Minute
	}
	return min(base<<min(send-1, 10), most), true
}

func (p RetryPolicy) wait(ctx context.Context, d time.Duration) error {
	if p.Sleep != nil {
		return p.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
