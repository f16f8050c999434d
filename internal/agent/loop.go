package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// DefaultMaxTurns bounds an attempt whose task sets no bound.
const DefaultMaxTurns = 200

// Loop is the native engine: it asks Model, lets Tools act, and lets Verify decide. The rules are:
//
//   - Requests only grow: system parts, tools and earlier messages never change within an attempt,
//     but for compaction: where the next answer might not fit the window, the conversation begins
//     anew from its first message and a summary.
//   - Tool calls of one answer run one after the other in the order they were written; their
//     results go back in one message, in that order.
//   - A call that an answer's end cut off is never run.
//   - Only Verify ends an attempt as Accepted.
//   - The loop has no clock, no chance and no state outside Run: with a Model, Tools and Verify
//     that answer as before, it makes the same requests again. Resuming an attempt is running it
//     again on answers from a journal.
//
// A Loop may be used by several goroutines if its fields may.
type Loop struct {
	Model  Model
	Tools  Toolbox
	Verify Verifier
	Person Person // nil: nobody listens, and a question is answered by nobody
}

var _ Engine = (*Loop)(nil)

// Run implements [Engine]. Failures of the model come back as they are, as *[Failure].
func (l *Loop) Run(ctx context.Context, t Task) (Result, error) {
	r := &run{loop: l, task: t, messages: []Message{t.First}}
	r.size.fresh = r.fixed() + sizeOf(t.First)
	most := t.MaxTurns
	if most <= 0 {
		most = DefaultMaxTurns
	}
	for r.turns < most {
		if err := ctx.Err(); err != nil {
			return Result{}, fmt.Errorf("run task %s: %w", t.ID, context.Cause(ctx))
		}
		result, err := r.turn(ctx)
		if err != nil {
			return Result{}, err
		}
		if result != nil {
			result.Turns = r.turns
			return *result, nil
		}
	}
	return Result{Outcome: Stuck, Reason: fmt.Sprintf("%d turns were used without passing the gates", r.turns), Turns: r.turns}, nil
}

// turn asks once, after making room where there is too little, and works on the answer. A nil result
// means: go on.
func (r *run) turn(ctx context.Context) (*Result, error) {
	if err := r.hear(ctx); err != nil {
		return nil, fmt.Errorf("run task %s: %w", r.task.ID, err)
	}
	if r.crowded() {
		if end, err := r.compact(ctx, true); end != nil || err != nil {
			return end, err
		}
	}
	resp, err := r.loop.Model.Complete(ctx, r.request())
	var f *Failure
	switch {
	case errors.As(err, &f) && f.Cause == CauseSize && r.turns > 0:
		return r.compact(ctx, false)
	case err != nil:
		return nil, err
	}
	r.turns++
	r.measure(resp)
	result, err := r.take(ctx, resp)
	if err != nil {
		return nil, fmt.Errorf("run task %s: %w", r.task.ID, err)
	}
	return result, nil
}

// run is the state of one attempt.
type run struct {
	loop     *Loop
	task     Task
	messages []Message
	turns    int
	silent   int // answers in a row without a tool call
	cut      int // answers in a row that ended at the output limit
	pauses   int // answers in a row that the provider paused
	guard    guard
	heard    []Block // of the person, so far

	size      extent // of the conversation
	summary   string // the last one that the model wrote
	compacted int    // the turn after which it was compacted last; 0 means never
}

// request asks for the next answer. The slices are clipped, so that nobody downstream can append
// into them.
func (r *run) request() Request {
	return Request{
		Model: r.task.Model, System: slices.Clip(r.task.System), Tools: slices.Clip(r.task.Tools),
		Messages: slices.Clip(r.messages), MaxTokens: outputLimit(r.task), Effort: r.task.Effort, Thinking: r.task.Thinking,
	}
}

// say appends messages; empty ones are left out, as providers refuse them.
func (r *run) say(messages ...Message) {
	for _, m := range messages {
		if len(m.Blocks) > 0 {
			r.messages = append(r.messages, m)
			if m.Role == User { // an answer is billed with its usage
				r.size.fresh += sizeOf(m)
			}
		}
	}
}
